"""Templates of pages that ask nobody for anything: style and script stand in the page itself."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["environment", "markup"]


def environment(package: str) -> Environment:
    """Return the templates in the folder `page` of `package`: all text is escaped, a name that is missing is an error.

    Templates find `style`, `script` and `script_hash`, which the page's content policy allows, and nothing else.
    """
    made = Environment(
        loader=PackageLoader(package, "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script = _asset("report.js")
    made.globals |= {
        "style": markup(_asset("report.css")),
        "script": markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    return made


def markup(text: str) -> Markup:
    """Let through what this package wrote itself: assets, and SVG whose words `svg.picture` has escaped."""
    return Markup(text)  # noqa: S704 - see above; names from users never come here unescaped


def _asset(name: str) -> str:
    return (resources.files("zador.studies.page") / name).read_text(encoding="utf-8")

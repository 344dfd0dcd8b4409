"""An SVG that stands by itself, for pages that bring no style: light and dark, like the reports."""

from __future__ import annotations

import re
from importlib import resources

__all__ = ["standalone"]

_DIGITS = re.compile(r"(\d+\.\d{2})\d+")
_VALUES = re.compile(r'="[^"]*"')


def standalone(drawn: str) -> str:
    """Return a picture of `zador.studies.page.svg.picture` as a file of its own, its coordinates with two decimals.

    Args:
        drawn: the `<svg>` element.
    """
    sheet = (resources.files("zador.studies.page") / "report.css").read_text(encoding="utf-8")
    light, dark = re.findall(r"(--page:.*?)\n\s*}", sheet, flags=re.DOTALL)[:2]
    names = "|".join(set(re.findall(r"var\(--([\w-]+)\)", drawn)) | {"page"})

    def used(block: str) -> str:
        return " ".join(f"--{name}: {value};" for name, value in re.findall(rf"--({names}): ([^;]+);", block))

    style = (
        f"<style>svg {{ {used(light)} background: var(--page); font-family: system-ui, sans-serif }} "
        f"@media (prefers-color-scheme: dark) {{ svg {{ {used(dark)} }} }}</style>"
    )
    opening, _, body = drawn.partition(">")
    opening = opening.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="800" ')
    rounded = _VALUES.sub(lambda found: _DIGITS.sub(r"\1", found[0]), body)  # words keep the digits that they have
    return f"{opening}>{style}{rounded}\n"

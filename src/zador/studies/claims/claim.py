"""A quantitative claim as data: where it stands, its words, what it predicts, and what else might explain it."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from zador.errors import FormatError
from zador.studies.claims.prediction import Prediction, Strict

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["Claim", "Control", "all_claims", "read_claims"]


class Control(Strict):
    """The same prediction with one thing taken away that might explain it.

    Attributes:
        prediction: what would be seen if the claim were right.
        artefact_of: what it is otherwise an artefact of, after "artefact of".
        keeps: share of the claimed difference that has to survive, where both are differences of one metric without a size.
    """

    prediction: Prediction
    artefact_of: str
    keeps: float = Field(default=0.5, gt=0, le=1)


class Claim(Strict):
    """One claim of a report.

    Attributes:
        key: short name, unique among all claims.
        source: file of the report.
        section: of the report.
        quote: its words.
        protocol: name of the study that tests it.
        prediction: what it predicts there.
        controls: what else might explain it.
        because: a sentence for the reader on what is behind it; the verdict does not read it.
    """

    key: str
    source: str
    section: str
    quote: str
    protocol: str
    prediction: Prediction
    controls: tuple[Control, ...] = ()
    because: str = ""


class _File(Strict):
    source: str
    claim: tuple[Claim, ...]


def all_claims() -> tuple[Claim, ...]:
    """Return every claim that comes with the package, one file a report, in the order of the reports.

    >>> len({claim.key for claim in all_claims()}) == len(all_claims()) >= 30
    True
    """
    folder = resources.files("zador.studies.claims") / "data"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(claim for file in files for claim in read_claims(file))


def read_claims(file: Traversable) -> tuple[Claim, ...]:
    """Return the claims of one TOML file: `source` at its top, then one `[[claim]]` each (docs/claims.md).

    Args:
        file: a `pathlib.Path`, or a file inside the package.

    Raises:
        FormatError: no TOML, an unknown field, a missing one, or two claims with one key.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        for claim in table.get("claim", []):
            claim.setdefault("source", table.get("source"))
        claims = _File.model_validate_json(json.dumps(table)).claim
    except (tomllib.TOMLDecodeError, ValidationError, TypeError, AttributeError) as error:
        raise FormatError(f"{file.name}: no file of claims; {error}") from None
    keys = [claim.key for claim in claims]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise FormatError(f"{file.name}: keys of claims are unique, got {', '.join(twice)} more than once")
    return claims

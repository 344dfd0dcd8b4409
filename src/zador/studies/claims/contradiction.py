"""Claims of the reports that contradict each other, and what takes the contradiction apart, as data."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from zador.errors import FormatError
from zador.studies.claims.claim import Claim
from zador.studies.claims.prediction import Prediction, Strict

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["Contradiction", "Explanation", "all_contradictions", "read_contradictions"]

_OURS = "zador"


class Explanation(Strict):
    """What has to hold if the contradiction comes from where we say.

    Attributes:
        statement: in words.
        protocol: name of the study that tests it.
        prediction: what it predicts there.
    """

    statement: str
    protocol: str
    prediction: Prediction


class Contradiction(Strict):
    """Claims that cannot all be right, or not about the same thing.

    Attributes:
        title: what is said here, and what there.
        claims: keys of the claims.
        explanations: each judged from rows like a claim; nothing is explained where they are refuted or not resolved.
        because: how they fit together, in plain words.
    """

    title: str
    claims: tuple[str, ...] = Field(min_length=1)
    explanations: tuple[Explanation, ...] = Field(min_length=1)
    because: str

    def tested(self) -> tuple[Claim, ...]:
        """Return the explanations as claims of ours, which `verdicts` judges."""
        return tuple(
            Claim(
                key=f"{self.title} {number}",
                source=_OURS,
                section=self.title,
                quote=each.statement,
                protocol=each.protocol,
                prediction=each.prediction,
            )
            for number, each in enumerate(self.explanations)
        )


class _File(Strict):
    contradiction: tuple[Contradiction, ...]


def all_contradictions() -> tuple[Contradiction, ...]:
    """Return the contradictions inside the reports that come with the package.

    >>> all(one.tested() for one in all_contradictions())
    True
    """
    return read_contradictions(resources.files("zador.studies.claims") / "contradictions.toml")


def read_contradictions(file: Traversable) -> tuple[Contradiction, ...]:
    """Return the contradictions of a TOML file, one `[[contradiction]]` each.

    Args:
        file: a `pathlib.Path`, or a file inside the package.

    Raises:
        FormatError: no TOML, an unknown field, or a missing one.
    """
    try:
        return _File.model_validate_json(json.dumps(tomllib.loads(file.read_text(encoding="utf-8")))).contradiction
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise FormatError(f"{file.name}: no file of contradictions; {error}") from None

"""The shape of a learner: a frozen object that starts a state from codewords, and moves it by one batch."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor

from zador.codebooks.initialise.kmeans_plus_plus import KMeansPlusPlus
from zador.codebooks.revive.by_distortion import ByDistortion

if TYPE_CHECKING:
    from zador.codebooks.initialise.base import Initialiser
    from zador.codebooks.learn.cells import Seen
    from zador.codebooks.revive.base import Reviver

__all__ = ["CodewordsState", "Learner", "LearnerState", "Learning", "as_statistics"]


class LearnerState(Protocol):
    """A NamedTuple of tensors, of which the first is the codewords; `counts`, where there is such a field, is their weight.

    A layer keeps every field as a buffer. `counts` (K,) are the vectors that a codeword stands for: it is set to 0 when the
    codeword is moved elsewhere, so that its next members place it.
    """

    @property
    def codewords(self) -> Tensor:
        """(K, d)."""

    def _replace(self, **fields: Any) -> Any: ...


class CodewordsState(NamedTuple):
    """The state of a learner that remembers nothing: the codewords (K, d)."""

    codewords: Tensor


class Learner(Protocol):
    """What teaches a codebook: two pure functions of tensors, so that they compile, and three settings.

    A learner of your own derives from `Learning`, which brings the settings, and adds `init` and `step`.
    """

    @property
    def start(self) -> Initialiser | Any:
        """How the codebook starts, see `Learning`."""

    @property
    def revive(self) -> Reviver | None:
        """What happens to dead codewords, see `Learning`."""

    @property
    def seed(self) -> int:
        """Of every random choice."""

    def init(self, codewords: Tensor) -> Any:
        """Return the state that starts from codewords (K, d): a NamedTuple of tensors, see `LearnerState`."""

    def step(self, state: Any, seen: Seen) -> Any:
        """Return the state after one batch; `seen` was searched with `state.codewords`. Nothing is changed in place."""


@dataclass(frozen=True)
class Learning:
    """What every learner is told besides its own parameters; keyword arguments.

    Attributes:
        start: how the codebook starts: an initialiser, called with the first training vectors, or codewords (K, d).
        revive: what happens to codewords that nobody chooses (`ByDistortion()`), or None: nothing.
        seed: of every random choice of the codebook.
    """

    _: KW_ONLY
    start: Initialiser | Any = field(default_factory=KMeansPlusPlus)
    revive: Reviver | None = field(default_factory=ByDistortion)
    seed: int = 0


def as_statistics(codewords: Tensor) -> Tensor:
    """Return codewords to compute with: no gradient, float32 unless they are float64."""
    return codewords.detach().to(torch.promote_types(codewords.dtype, torch.float32))

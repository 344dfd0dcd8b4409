"""Codes over tables that learn, put together from sizes: what the presets have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from zador.errors import UsageError
from zador.layers.assignment import Nearest
from zador.quantizers.codes import Code, Heads, Product
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.codebooks import Learner
    from zador.layers.assignment import Assignment

__all__ = ["head_dim", "learned_codes", "with_heads"]


def head_dim(dim: int, heads: int, codebook_dim: int | None) -> int:
    """Return the coordinates of a head: as given, or an equal share of D.

    Raises:
        UsageError: D cannot be shared out equally.
    """
    if codebook_dim is not None:
        return as_count(codebook_dim, "codebook_dim")
    if as_count(dim, "dim") % as_count(heads, "heads"):
        raise UsageError(
            f"heads: {dim} coordinates cannot be shared out to {heads} heads; pass codebook_dim, for projections"
        )
    return dim // heads


def learned_codes(
    sizes: Sequence[int],
    dims: Sequence[int],
    learner: Learner | Sequence[Learner],
    *,
    assignment: Assignment = Nearest(),  # noqa: B008 - frozen
    cosine: bool = False,
    first: int = 0,
) -> list[Code]:
    """Return a code with a table of its own for each of the sizes.

    Args:
        sizes: codewords of each table.
        dims: coordinates of each.
        learner: one for all, or one each.
        assignment: how codewords are chosen.
        cosine: whether codewords have length 1.
        first: number of the first table among those of the layer.
    """
    # A text is a sequence too; it is left for the table to refuse.
    learners = cast("list[Learner]", list(learner) if isinstance(learner, list | tuple) else [learner] * len(sizes))
    if len(learners) != len(sizes):
        raise UsageError(f"learner: expected one, or one for each of the {len(sizes)} tables, got {len(learners)}")
    if isinstance(assignment, type) or not callable(getattr(assignment, "code", None)):
        raise UsageError(f"assignment={assignment!r}: expected an object such as zador.layers.OptimalTransport()")
    return [
        assignment.code(size, dim, each, stream=first + number, cosine=cosine)
        for number, (size, dim, each) in enumerate(zip(sizes, dims, learners, strict=True))
    ]


def with_heads(codes: Sequence[Code], heads: int) -> Code:
    """Return one code: the only one, one for all heads, or one for each."""
    if heads == 1:
        return codes[0]
    return Heads(codes[0], heads) if len(codes) == 1 else Product(codes)

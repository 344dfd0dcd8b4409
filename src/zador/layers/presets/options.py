"""What all layers can be asked for besides what makes them what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from zador.errors import UsageError
from zador.layers.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.layers.assignment import Assignment
    from zador.layers.losses import Regulariser, Weight
    from zador.layers.transport import Transport

__all__ = [
    "CodebookOptions",
    "LayerOptions",
    "ProjectedOptions",
    "SpaceOptions",
    "TableOptions",
    "check_options",
    "layer_of",
    "space_of",
]


class SpaceOptions(TypedDict, total=False):
    """Options of every layer.

    Attributes:
        axis: which axis of a tensor holds the coordinates: -1 (default) channel-last, 1 for images (B, D, H, W) and video.
        on_nonfinite: "raise" (default), or "skip": vectors with NaN or infinity are masked, and counted in `info.skipped`.
        seed: of the projections.
        transport: learned maps before and after the code, such as `zador.layers.OrthogonalTransport()`.
    """

    axis: int
    on_nonfinite: Literal["raise", "skip"]
    seed: int
    transport: Transport | None


class LayerOptions(SpaceOptions, total=False):
    """Options of every layer with a deterministic choice.

    Attributes:
        commitment: β, weight of the commitment loss, squared error summed over coordinates; 0.25, and 0 for FSQ. A
            `zador.layers.Weight` in its place changes as training goes on.
        regularisers: further losses, objects called as `(z, code, batch)`.
    """

    commitment: float | Weight
    regularisers: Sequence[Regulariser]


class ProjectedOptions(LayerOptions, total=False):
    """Options of layers whose code may work in a dimension of its own.

    Attributes:
        codebook_dim: d of a codeword (of one head), with linear maps in and out; by default that of the network.
    """

    codebook_dim: int


class CodebookOptions(ProjectedOptions, total=False):
    """Options of layers whose codewords are chosen one table at a time.

    Attributes:
        assignment: how a table's codewords are chosen: `zador.layers.Nearest()` (default), `OptimalTransport()`,
            `EntropyCoded(multiplier)`.
    """

    assignment: Assignment


class TableOptions(CodebookOptions, total=False):
    """Options of layers with one table, or one for every head.

    Attributes:
        heads: H, parts of a vector that are quantized one by one; H indices a vector.
        shared_codebook: one table for all heads.
        cosine: codewords and vectors of length 1: the nearest codeword is that of the largest cosine.
    """

    heads: int
    shared_codebook: bool
    cosine: bool


_SPACE = ("axis", "on_nonfinite", "seed", "transport")
_LAYER = ("commitment", "regularisers")


def space_of(dim: int, code_dim: int, options: Mapping[str, Any]) -> Space:
    """Return the space between D = `dim` and d = `code_dim` that the options ask for."""
    return Space(dim, code_dim, **{name: options[name] for name in _SPACE if name in options})


def layer_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the options that `Bottleneck` itself takes."""
    return {name: options[name] for name in _LAYER if name in options}


def check_options(layer: str, options: Mapping[str, Any], allowed: type[Any]) -> None:
    """Raise UsageError if one of the options is not among those of the TypedDict `allowed`."""
    unknown = sorted(set(options) - set(allowed.__annotations__))
    if unknown:
        raise UsageError(
            f"{layer}: there is no option {', '.join(unknown)}; there are {', '.join(sorted(allowed.__annotations__))}"
        )

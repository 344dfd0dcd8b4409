"""FSQ and LFQ of vector-quantize-pytorch: the same grids as ours, bounded and numbered as there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from zador.errors import UsageError
from zador.layers.entropy import Entropy
from zador.layers.migration.maps import CosineLinear, linear, read_linear
from zador.layers.migration.vqp_bounds import STRETCH, Clamp, Rebounded, Signs, SoftClamp, Stretched
from zador.layers.sign_entropy import SignEntropy
from zador.layers.tally import Tally
from zador.quantizers.codes import Code, Grid, GridCode, Heads, Residual
from zador.quantizers.finite_scalar import FiniteScalar
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from zador.layers.migration.vqp_options import Options
    from zador.layers.migration.weights import Weights
    from zador.quantizers import LookupFree

__all__ = ["Part", "fsq_part", "lfq_part", "rfsq_part", "rlfq_part"]

# Usage is counted for alphabets up to this size; 12 bytes a code.
_COUNTED = 1 << 20


@dataclass(frozen=True)
class Part:
    """A code with the maps before and behind it, None for none.

    Attributes:
        code: of all heads.
        into: D → d.
        out: d → D.
    """

    code: Code
    into: nn.Linear | None
    out: nn.Linear | None


def fsq_part(weights: Weights, options: Options) -> Part:
    """Return FSQ.

    Raises:
        UsageError: no levels, or so many that the peer's own indices leave their range.
    """
    levels = _levels(options)
    symmetric, hard = options["preserve_symmetry"], bool(options["bound_hard_clamp"])
    if not symmetric and max(levels) > 1 / STRETCH:
        raise UsageError(f"FSQ(levels={list(levels)}): with more than 1000 levels the peer's indices leave their range")
    grid: Grid = FiniteScalar(levels, symmetric=symmetric)
    if not symmetric:
        grid = Rebounded(FiniteScalar(levels), Stretched(levels, hard))
    elif hard:
        grid = Rebounded(FiniteScalar(levels, symmetric=True), Clamp())
    return _part(weights, [grid], options, rotated=True)


def rfsq_part(weights: Weights, options: Options) -> Part:
    """Return ResidualFSQ.

    Raises:
        UsageError: no levels, no number of stages, or stages that squash what the ones before them left over.
    """
    levels = _levels(options)
    stages = options["num_quantizers"]
    if stages is None:
        raise UsageError("ResidualFSQ: weights do not tell the number of stages; pass num_quantizers=")
    if options["bound_hard_clamp"] is False or options["orthogonal_rotation"]:
        raise UsageError(
            "ResidualFSQ: here a stage rounds what is left over as it is; with bound_hard_clamp=False, or with "
            "orthogonal_rotation=True, the peer squashes or turns it first, in every stage"
        )
    limits = tuple(1 + 1 / (level - 1) for level in levels)
    scales = [tuple(float(level) ** -stage for level in levels) for stage in range(stages)]
    grids: list[Grid] = [FiniteScalar(levels, symmetric=True, scale=scale) for scale in scales]
    grids[0] = Rebounded(cast("FiniteScalar", grids[0]), SoftClamp(limits))
    return _part(weights, grids, options, rotated=False)


def lfq_part(weights: Weights, options: Options) -> tuple[Part, SignEntropy | None]:
    """Return LFQ, and its entropy loss."""
    clamp = options["soft_clamp_input_value"]
    signs = Signs(
        len(weights["mask"]), float(options["codebook_scale"]), options["spherical"], None if clamp is None else float(clamp)
    )
    weight = options["entropy_loss_weight"] * NATS_PER_BIT
    entropy = Entropy(weight=weight, diversity=options["diversity_gamma"], temperature=0.01, group=signs.dim)
    part = _part(weights, [signs], options, rotated=True)
    return part, SignEntropy(entropy, cast("LookupFree", signs)) if weight > 0 else None


def rlfq_part(weights: Weights, options: Options) -> Part:
    """Return ResidualLFQ.

    Raises:
        UsageError: stages on the sphere or behind a soft clamp.
    """
    if options["spherical"] or options["soft_clamp_input_value"] is not None or options["orthogonal_rotation"]:
        raise UsageError(
            "ResidualLFQ: not with spherical=True (the peer's stages decode to other values than they return), nor with "
            "soft_clamp_input_value or orthogonal_rotation, which act on what is left over in every stage"
        )
    held = weights.numbered("layers")
    return _part(
        weights, [Signs(len(stage["mask"]), 2.0**-number) for number, stage in enumerate(held)], options, rotated=False
    )


def _part(weights: Weights, grids: Sequence[Grid], options: Options, *, rotated: bool) -> Part:
    codes = [GridCode(grid, Tally(grid.sizes[0]) if grid.sizes[0] <= _COUNTED else None) for grid in grids]
    code: Code = codes[0] if len(codes) == 1 else Residual(codes)
    into, out = _cosine_map(weights, options) or read_linear(weights, "project_in"), read_linear(weights, "project_out")
    width = code.dim
    heads = int(options["num_codebooks"])
    if into is not None:
        heads, rest = divmod(into.out_features, width)
        if rest or out is None:
            raise UsageError(f"{weights.place}: maps lead to {into.out_features} coordinates, not to a multiple of {width}")
    if heads > 1:
        code = Heads(code, heads)
    if rotated and "orthogonal_rot" in weights:
        into, out = _turned(into, out, weights["orthogonal_rot"], heads)
    return Part(code, into, out)


def _cosine_map(weights: Weights, options: Options) -> nn.Linear | None:
    if not options["cosine_sim_project_in"]:
        return None
    weight = weights["project_in.weight"].T
    scale = options["cosine_sim_project_in_scale"]
    scale = options["codebook_scale"] if scale is None else scale
    return linear(weight, into=CosineLinear(weight.shape[1], weight.shape[0], scale=float(scale)))


def _turned(into: nn.Linear | None, out: nn.Linear | None, turn: Tensor, heads: int) -> tuple[nn.Linear, nn.Linear]:
    """Return maps with the rotation `z R` of every head behind, and `q Rᵀ` before; alone they stay as they are."""
    whole: Tensor = torch.block_diag(*[turn] * heads)  # type: ignore[no-untyped-call]
    if into is None or out is None:
        return linear(whole.T).requires_grad_(requires_grad=False), linear(whole).requires_grad_(requires_grad=False)
    if isinstance(into, CosineLinear):
        raise UsageError("LFQ: not with cosine_sim_project_in and orthogonal_rotation at once")
    with torch.no_grad():
        bias = None if into.bias is None else whole.T @ into.bias
        return linear(whole.T @ into.weight, bias), linear(out.weight @ whole, out.bias)


def _levels(options: Options) -> tuple[int, ...]:
    levels = options["levels"]
    if not isinstance(levels, Sequence) or not levels:
        raise UsageError(f"FSQ: weights do not tell the levels; pass levels=, such as [8, 5, 5, 5], got {levels!r}")
    return tuple(int(level) for level in levels)

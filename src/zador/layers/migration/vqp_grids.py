"""FSQ and LFQ of vector-quantize-pytorch: the same grids as ours, bounded and numbered as there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn

from zador.errors import UsageError
from zador.layers.entropy import Entropy
from zador.layers.migration.maps import CosineLinear, linear, read_linear
from zador.layers.tally import Tally
from zador.quantizers.codes import Code, Grid, GridCode, Heads, Residual
from zador.quantizers.finite_scalar import FiniteScalar, check_range
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.layers.losses import Batch
    from zador.layers.migration.vqp_options import Options
    from zador.layers.migration.weights import Weights
    from zador.quantizers import LookupFree

__all__ = ["Part", "SignEntropy", "Signs", "fsq_part", "lfq_part", "rfsq_part", "rlfq_part"]

# Usage is counted for alphabets up to this size; 12 bytes a code.
_COUNTED = 1 << 20
_SHORTEST = 1e-12
_STRETCH = 1e-3


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


@dataclass(frozen=True)
class Rebounded:
    """A grid whose input is bounded in another way.

    Attributes:
        grid: finds the nearest point.
        squash: z (N, d) → (N, d).
    """

    grid: FiniteScalar
    squash: Callable[[Tensor], Tensor]

    @property
    def dim(self) -> int:
        """D."""
        return self.grid.dim

    @property
    def sizes(self) -> tuple[int, ...]:
        """(K,)."""
        return self.grid.sizes

    def bound(self, z: Tensor) -> Tensor:
        """Return z (N, d) squashed."""
        return self.squash(z if z.dtype == torch.float64 else z.float())

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return indices (N,) and values (N, d)."""
        return self.grid.select(bounded)

    def decode(self, indices: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the values (N, d) of indices (N,)."""
        return self.grid.decode(indices, dtype)


@dataclass(frozen=True)
class Stretched:
    """`(a f(z + shift) - o) / ⌊L/2⌋`, `a = (1 + 10⁻³)(L-1)/2`: stretched where [mentzer2023finite] shrinks.

    Attributes:
        levels: L_i.
        hard: f clamps to [-1, 1], with `shift = o/a`; otherwise it is tanh, with `shift = atanh(o/a)`.
    """

    levels: tuple[int, ...]
    hard: bool = False

    def __call__(self, z: Tensor) -> Tensor:
        """Return z (N, d) bounded."""
        reach = [(level - 1) * (1 + _STRETCH) / 2 for level in self.levels]
        offset = [0.0 if level % 2 else 0.5 for level in self.levels]
        shift = [o / a if self.hard else math.atanh(o / a) for o, a in zip(offset, reach, strict=True)]
        moved = z + z.new_tensor(shift)
        bounded = (moved.clamp(-1.0, 1.0) if self.hard else torch.tanh(moved)) * z.new_tensor(reach) - z.new_tensor(offset)
        return bounded / z.new_tensor([float(level // 2) for level in self.levels])


@dataclass(frozen=True)
class Clamp:
    """`clamp(z, -1, 1)`."""

    def __call__(self, z: Tensor) -> Tensor:
        """Return z (N, d) bounded."""
        return z.clamp(-1.0, 1.0)


@dataclass(frozen=True)
class SoftClamp:
    """`c tanh(z / c)`.

    Attributes:
        limits: c, one number for each coordinate, or one for all.
    """

    limits: tuple[float, ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Return z (N, d) bounded."""
        limit = z.new_tensor(self.limits)
        return torch.tanh(z / limit) * limit


@dataclass(frozen=True)
class Signs:
    """`x̂_i = s if z_i > 0 else -s`, `k = Σ [z_i > 0] 2^(d-1-i)`: `LookupFree` with the peer's order of bits and sign of 0.

    Attributes:
        dim: d.
        size: s before normalisation.
        spherical: values have length s; so has z, once it is bounded.
        clamp: c of `c tanh(z / c)`, or None.
    """

    dim: int
    size: float = 1.0
    spherical: bool = False
    clamp: float | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """(2^d,)."""
        return (1 << self.dim,)

    @property
    def scale(self) -> float:
        """The size of every coordinate of every codeword."""
        return self.size / math.sqrt(self.dim) if self.spherical else self.size

    def bound(self, z: Tensor) -> Tensor:
        """Return z (N, d) clamped, and on the sphere."""
        z = z if z.dtype == torch.float64 else z.float()
        if self.clamp is not None:
            z = SoftClamp((self.clamp,))(z)
        if not self.spherical:
            return z
        norm = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        unit: Tensor = z / norm.clamp(min=_SHORTEST) * self.size
        return unit

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return indices (N,) and values (N, d)."""
        positive = bounded.detach() > 0
        return (positive * self._radix(bounded)).sum(-1), self._values(positive, bounded.dtype)

    def decode(self, indices: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the values (N, d) of indices (N,); -1 is zeros."""
        check_range(indices, self.sizes[0])
        left = indices.to(torch.int64).unsqueeze(-1)
        return self._values((left & self._radix(indices)) != 0, dtype) * (left >= 0)

    def _radix(self, like: Tensor) -> Tensor:
        powers = [1 << bit for bit in reversed(range(self.dim))]
        return torch.tensor(powers, dtype=torch.int64, device=like.device)

    def _values(self, positive: Tensor, dtype: torch.dtype) -> Tensor:
        return (positive.to(dtype) * 2 - 1) * self.scale


@dataclass(frozen=True)
class SignEntropy:
    """`Entropy` as a regulariser: the mean over heads of `Signs`, each of which is to use all of its own codewords.

    Attributes:
        entropy: the loss.
        signs: whose codewords are meant.
    """

    entropy: Entropy
    signs: Signs
    name: ClassVar[str] = "entropy"

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:  # noqa: ARG002 - the codewords are the signs'
        """Return the weighted loss of z (N, H·d)."""
        # The loss asks a quantizer for nothing but its scale.
        signs = cast("LookupFree", self.signs)
        heads = torch.split(z, self.signs.dim, dim=1)
        return torch.stack([self.entropy(each, signs, batch.valid, peers=batch.peers).loss for each in heads]).mean()


def fsq_part(weights: Weights, options: Options) -> Part:
    """Return FSQ.

    Raises:
        UsageError: no levels, or so many that the peer's own indices leave their range.
    """
    levels = _levels(options)
    symmetric, hard = options["preserve_symmetry"], bool(options["bound_hard_clamp"])
    if not symmetric and max(levels) > 1 / _STRETCH:
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
    return part, SignEntropy(entropy, signs) if weight > 0 else None


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

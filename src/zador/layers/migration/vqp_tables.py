"""Quantizers of vector-quantize-pytorch that have codewords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zador.codebooks import Ema, FromBatch, Frozen, Gradient
from zador.errors import UsageError
from zador.estimators import DiVeQ, rotation_trick, straight_through
from zador.layers.linear_table import LinearLearnedTable
from zador.layers.migration.maps import LinearThenNorm, NormThenLinear, linear, read_linear
from zador.layers.migration.tables import loaded_table
from zador.layers.migration.vqp_grids import Part
from zador.quantizers.codes import Code, Heads, Product, Projected, Residual, TabledCode

if TYPE_CHECKING:
    from zador.codebooks import Learner
    from zador.estimators import Estimator, NoisyEstimator
    from zador.layers.migration.vqp_options import Options
    from zador.layers.migration.weights import Weights

__all__ = [
    "commitment_of",
    "estimator_of",
    "random_projection_part",
    "rsimvq_part",
    "rvq_part",
    "simvq_part",
    "vq_part",
]

# Codewords on the sphere have length 1 but for the rounding of their normalisation.
_UNIT = 1e-4


def vq_part(weights: Weights, options: Options, learner: Learner | None) -> Part:
    """Return VectorQuantize."""
    into, out = _map_in(weights), read_linear(weights, "project_out")
    held = weights["_codebook.embed"]
    heads = options["heads"] if into is None else into.out_features // held.shape[-1]
    return Part(_tabled(weights, options, learner, heads=int(heads)), into, out)


def rvq_part(weights: Weights, options: Options, learner: Learner | None) -> Part:
    """Return ResidualVQ; stages with the same codewords share them.

    Raises:
        UsageError: codewords that depend on the stages before.
    """
    if any(name.startswith("mlps.") for name in weights.tensors):
        raise UsageError(f"{weights.place}: the codewords of a stage depend on those chosen before it (QINCo); not here")
    held = weights.numbered("layers")
    tables = [stage["_codebook.embed"] for stage in held]
    shared = (
        len(held) > 1 and bool(held[0]["_codebook.initted"]) and all(torch.equal(tables[0], each) for each in tables[1:])
    )
    own = held[:1] if shared else held
    stages = [_tabled(stage, options, learner, first=number) for number, stage in enumerate(own)]
    if options["use_cosine_sim"]:
        # Every stage normalises what is left over for itself, and subtracts a codeword of length 1 from the whole of it.
        stages = [Projected(stage, nn.Identity(), nn.Identity(), dim=stage.dim) for stage in stages]
    code = Residual(stages, repeats=len(held) if shared else 1)
    return Part(code, read_linear(weights, "project_in"), read_linear(weights, "project_out"))


def random_projection_part(weights: Weights, options: Options, learner: Learner | None) -> Part:
    """Return RandomProjectionQuantizer, which nothing teaches."""
    if learner is not None:
        raise UsageError("learner: a random-projection quantizer does not learn, nor did the peer's")
    maps = weights["rand_projs"]
    matrix, bias = maps.transpose(1, 2).reshape(-1, maps.shape[1]), None
    held = weights.under("vq.")
    second = read_linear(held, "project_in")
    if second is not None:
        # Several codebooks: the peer's own quantizer has another map, to as many coordinates for each as all have together.
        matrix, bias = second.weight.detach() @ matrix, second.bias.detach()
    kind = NormThenLinear if options["norm"] else nn.Linear
    into = linear(matrix, bias, kind(matrix.shape[1], matrix.shape[0], bias=bias is not None))
    codewords = held["_codebook.embed"]
    sphere = bool(((codewords.norm(dim=-1) - 1).abs() < _UNIT).all())
    if not bool(held["_codebook.initted"]) or not sphere:
        raise UsageError(
            f"{weights.place}: its codebook has not been made yet, or is not of unit vectors; run it once before"
        )
    return Part(_tables(codewords, [None] * len(codewords), Frozen(), cosine=True), into, None)


def simvq_part(weights: Weights, options: Options, learner: Learner | None) -> Part:
    """Return SimVQ."""
    return Part(_mapped(weights, options, learner), None, None)


def rsimvq_part(weights: Weights, options: Options, learner: Learner | None) -> Part:
    """Return ResidualSimVQ."""
    held = weights.numbered("layers")
    return Part(Residual([_mapped(stage, options, learner, number) for number, stage in enumerate(held)]), None, None)


def commitment_of(kind: str, options: Options) -> float:
    """Return the peer's weight of the commitment, a mean over coordinates."""
    if kind == "RandomProjectionQuantizer" or options["directional_reparam"] or options["diveq"]:
        return 0.0
    weight = float(options["commitment_weight"])
    return weight * float(options["input_to_quantize_commit_loss_weight"]) if kind.endswith("SimVQ") else weight


def estimator_of(kind: str, options: Options) -> Estimator | NoisyEstimator:
    """Return how the gradient crosses in the peer."""
    if kind == "RandomProjectionQuantizer":
        return straight_through
    if options["directional_reparam"] or options["diveq"]:
        return DiVeQ(variance=float(options["directional_reparam_variance"]))
    return straight_through if options["rotation_trick"] is False else rotation_trick


def _map_in(weights: Weights) -> nn.Linear | None:
    if "project_in.0.weight" not in weights:
        return read_linear(weights, "project_in")
    matrix = weights["project_in.0.weight"]
    into = LinearThenNorm(matrix.shape[1], matrix.shape[0])
    linear(matrix, weights["project_in.0.bias"], into)
    with torch.no_grad():
        into.norm.weight.copy_(weights["project_in.1.weight"])
        into.norm.bias.copy_(weights["project_in.1.bias"])
    return into


def _tabled(weights: Weights, options: Options, learner: Learner | None, *, heads: int = 1, first: int = 0) -> Code:
    """Return the table of a VectorQuantize, or the tables of its heads."""
    for name in ("codebook_mean", "batch_mean"):
        if f"_codebook.{name}" in weights:
            raise UsageError(f"{weights.place}: affine_param: codewords follow the statistics of every batch; not here")
    if any(name.startswith("_codebook.vq_bridge.") for name in weights.tensors):
        raise UsageError(f"{weights.place}: vq_bridge: codewords pass a network of yours; load its output, Ema(start=...)")
    codewords, counts = weights["_codebook.embed"], weights["_codebook.cluster_size"]
    started, cosine = bool(weights["_codebook.initted"]), bool(options["use_cosine_sim"])
    if cosine and started and not bool(((codewords.norm(dim=-1) - 1).abs() < _UNIT).all()):
        raise UsageError(
            f"{weights.place}: use_cosine_sim, but codewords are not of length 1: it was trained without, or set by hand"
        )
    teacher = _learner(options, heads * codewords.shape[-1]) if learner is None else learner
    code = _tables(codewords, list(counts), teacher, cosine=cosine, started=started, first=first)
    return Heads(code, heads) if len(codewords) == 1 and heads > 1 else code


def _tables(
    codewords: Tensor,
    counts: list[Tensor] | list[None],
    learner: Learner,
    *,
    cosine: bool = False,
    started: bool = True,
    first: int = 0,
) -> Code:
    """Return a code for each of the tables (H, K, d), side by side."""
    codes = [
        TabledCode(loaded_table(each, count, learner, stream=first + number, sphere=cosine, started=started), cosine=cosine)
        for number, (each, count) in enumerate(zip(codewords, counts, strict=True))
    ]
    return codes[0] if len(codes) == 1 else Product(codes)


def _learner(options: Options, width: int) -> Learner:
    """Return how the peer's codewords go on: its averages, its loss as a sum over `width` coordinates, or not at all."""
    reparameterised = options["directional_reparam"] or options["diveq"]
    revive = FromBatch() if options["threshold_ema_dead_code"] else None
    if options["freeze_codebook"]:
        return Frozen()
    if options["learnable_codebook"] or reparameterised:
        # Codewords that the estimator teaches need no loss of their own.
        weight = 0.0 if reparameterised else float(options["commitment_weight"])
        return Gradient(weight=weight / width, revive=revive)
    if options["ema_update"] is False or options["decay"] >= 1:
        return Frozen()
    return Ema(decay=float(options["decay"]), smoothing=float(options["eps"]), warmup=1, revive=revive)


def _mapped(weights: Weights, options: Options, learner: Learner | None, stream: int = 0) -> Code:
    """Return the code of a SimVQ: codewords at rest behind a linear map."""
    base = weights["frozen_codebook"]
    matrix = read_linear(weights, "code_transform")
    if matrix is None or matrix.in_features != base.shape[1]:
        raise UsageError(f"{weights.place}: codebook_transform is no linear map, and no table here is seen through that one")
    dim = matrix.out_features
    teacher = Gradient(weight=float(options["commitment_weight"]) / dim, revive=None) if learner is None else learner
    if not isinstance(teacher, Gradient):
        raise UsageError(f"learner={teacher!r}: the map of SimVQ learns by gradient; pass Gradient(weight=..., revive=None)")
    table = LinearLearnedTable(len(base), dim, teacher, stream=stream).to(base.dtype)
    bias = base.new_zeros(dim) if matrix.bias is None else matrix.bias.detach()
    # Codewords at rest may have another number of coordinates than those that are seen.
    table.codewords, table.weight = base.clone(), matrix.weight
    # Without an offset there, none is learned here.
    table.bias = nn.Parameter(bias, requires_grad=matrix.bias is not None)
    table.started.fill_(value=True)
    return TabledCode(table)

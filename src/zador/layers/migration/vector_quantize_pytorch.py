"""Quantizers of vector-quantize-pytorch 1.32 as layers: the same indices, the same values, and training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zador.errors import DataError, UsageError
from zador.layers.bottleneck import Bottleneck
from zador.layers.factorised import FactorisedBottleneck
from zador.layers.migration.maps import space_behind
from zador.layers.migration.vqp_find import Found, found_in
from zador.layers.migration.vqp_grids import Part, fsq_part, lfq_part, rfsq_part, rlfq_part
from zador.layers.migration.vqp_options import GROUPED, Options, options_of
from zador.layers.migration.vqp_tables import (
    commitment_of,
    estimator_of,
    random_projection_part,
    rsimvq_part,
    rvq_part,
    simvq_part,
    vq_part,
)
from zador.layers.migration.weights import Source, Weights, chosen_prefix, read_weights
from zador.quantizers.codes import Product, Projected

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.codebooks import Learner
    from zador.estimators import Estimator, NoisyEstimator
    from zador.layers.space import Space
    from zador.quantizers.codes import Code

__all__ = ["from_vector_quantize_pytorch"]

_TABLES: dict[str, Callable[[Weights, Options, Learner | None], Part]] = {
    "VectorQuantize": vq_part,
    "ResidualVQ": rvq_part,
    "RandomProjectionQuantizer": random_projection_part,
    "SimVQ": simvq_part,
    "ResidualSimVQ": rsimvq_part,
}
_GRIDS: dict[str, Callable[[Weights, Options], Part]] = {
    "FSQ": fsq_part,
    "ResidualFSQ": rfsq_part,
    "ResidualLFQ": rlfq_part,
}


def from_vector_quantize_pytorch(
    state: Source,
    *,
    prefix: str | None = None,
    axis: int | None = None,
    learner: Learner | None = None,
    estimator: Estimator | NoisyEstimator | None = None,
    **options: Any,
) -> Bottleneck:
    """Return a quantizer of vector-quantize-pytorch as a layer: the same indices and values, in evaluation.

    Weights do not tell everything. Pass the options that were passed to the peer's constructor, under their names, such as
    `use_cosine_sim=True` or `levels=[8, 5, 5, 5]`; what is left out is at the peer's default, or follows from the weights
    (sizes, stages, groups, projections, separate codebooks, and heads where there are projections). A module of the peer, or
    one that has it somewhere inside, is asked itself. Options that no layer here has are refused, each with its reason;
    docs/migration.md goes through all of them.

    Training goes on from the peer's averages, at its decay, and with its commitment (a mean over coordinates there, a sum
    here: divided by their number). Dead codewords are left alone, as there; with `threshold_ema_dead_code` above 0
    `FromBatch()` revives them, by its own criterion. Other options of training, such as regularisers and dropout, have to be
    asked for again; so have losses of stages of LFQ.

    Args:
        state: of any model that has the quantizer: the path of a `.safetensors` file or of one that
            `torch.load(weights_only=True)` reads, a state_dict, or a module.
        prefix: where the quantizer is, such as "encoder.vq"; None: where the only one is.
        axis: of the coordinates; None: as the peer's options for the layout say. FSQ and LFQ guess from the number of axes;
            for images pass axis=1.
        learner: how codewords go on; None: as there.
        estimator: how the gradient crosses; None: as there.
        **options: of the peer's constructor.

    Returns:
        A layer. Indices of groups are (…, G·S) where the peer has (G, …, S).

    Raises:
        DataError: no such file, or no such quantizer in it.
        FormatError: a file that holds more than tensors.
        UsageError: several quantizers and no prefix, an unknown option, or one that no layer here has.

    Example:
        >>> import torch
        >>> state = {"embed": torch.eye(3)[None], "cluster_size": torch.ones(1, 3), "initted": torch.tensor(True)}
        >>> layer = from_vector_quantize_pytorch({f"vq._codebook.{name}": value for name, value in state.items()}).eval()
        >>> layer(torch.tensor([[0.1, 0.9, 0.0]])).indices
        tensor([1])
    """
    found, weights, given = _found(state, prefix, options)
    kind, part_kind = found.kind, found.kind.removeprefix("Grouped")
    if learner is not None and kind not in (*_TABLES, "GroupedResidualVQ"):
        raise UsageError(f"learner: {kind} has no codebook that could learn")
    further: dict[str, Any] = {}
    if part_kind in _TABLES:
        further["commitment"] = commitment_of(part_kind, given)
        further["estimator"] = estimator_of(part_kind, given) if estimator is None else estimator
    else:
        further["commitment"] = 0.0
        further |= {} if estimator is None else {"estimator": estimator}

    def part_of(held: Weights) -> Part:
        if part_kind in _TABLES:
            return _TABLES[part_kind](held, given, learner)
        if part_kind == "LFQ":
            part, entropy = lfq_part(held, given)
            further["regularisers"] = () if entropy is None else (entropy,)
            further["commitment"] = float(given["commitment_loss_weight"])
            return part
        return _GRIDS[part_kind](held, given)

    if kind in GROUPED:
        layer = _grouped([part_of(held) for held in _groups(weights, given)], given, axis, further)
    else:
        part = part_of(weights)
        layer = _alone(part, given, axis, further)
    if kind == "RandomProjectionQuantizer":
        layer.requires_grad_(requires_grad=False)
    _check(layer, given)
    return layer


def _found(state: Source, prefix: str | None, options: dict[str, Any]) -> tuple[Found, Weights, Options]:
    whole = read_weights(state)
    there = found_in(state, whole, options)
    place = chosen_prefix(there, prefix, whole.place, "quantizer of vector-quantize-pytorch")
    found = there[place]
    given = options_of(found.kind, found.module, options)
    return found, whole.under(place), given


def _alone(part: Part, options: Options, axis: int | None, further: dict[str, Any]) -> Bottleneck:
    space = space_behind(part.into, part.out, part.code.dim, options.axis if axis is None else axis)
    return _layer(part.code, space, _scaled(further, part.code.dim))


def _grouped(parts: list[Part], options: Options, axis: int | None, further: dict[str, Any]) -> Bottleneck:
    codes = [
        part.code
        if part.into is None or part.out is None
        else Projected(part.code, part.into, part.out, dim=part.into.in_features)
        for part in parts
    ]
    code = Product(codes)
    space = space_behind(None, None, code.dim, options.axis if axis is None else axis)
    return _layer(code, space, _scaled(further, parts[0].code.dim))


def _layer(code: Code, space: Space, further: dict[str, Any]) -> Bottleneck:
    projected = any(isinstance(part, Projected) for part in code.modules())
    return (FactorisedBottleneck if projected else Bottleneck)(code, space, **further)


def _scaled(further: dict[str, Any], width: int) -> dict[str, Any]:
    """Return options with the commitment as a weight of a sum over `width` coordinates, of which the peer takes the mean."""
    return {**further, "commitment": further["commitment"] / width}


def _groups(weights: Weights, options: Options) -> list[Weights]:
    held = weights.numbered("rvqs")
    # A grouped FSQ without projections holds no weights at all.
    return held or [weights] * int(options["groups"])


def _check(layer: Bottleneck, options: Options) -> None:
    """Raise DataError if the weights are not those of the options."""
    for name, value in (("dim", layer.space.dim), ("codebook_size", layer.sizes[0])):
        wanted = options[name]
        if isinstance(wanted, int) and wanted != value:
            raise DataError(
                f"{name}={wanted} was passed, the weights are those of {name}={value}; pass the prefix of the one meant"
            )

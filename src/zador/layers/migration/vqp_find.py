"""Where a model holds quantizers of vector-quantize-pytorch, and of which class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from zador.errors import UsageError
from zador.layers.migration.vqp_options import REFUSED, own_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.layers.migration.weights import Weights

__all__ = ["Found", "found_in"]


@dataclass(frozen=True)
class Found:
    """A quantizer of the peer.

    Attributes:
        kind: its class.
        module: the quantizer itself, where there is more than its weights.
    """

    kind: str
    module: nn.Module | None = None


# What only one class has under its name, and the class.
_MARKS = (
    (r"_codebook\.embed", "VectorQuantize", "ResidualVQ"),
    (r"frozen_codebook", "SimVQ", "ResidualSimVQ"),
    (r"mask", "LFQ", "ResidualLFQ"),
)
# What classes have that no layer here is equal to.
_FOREIGN = (
    (r"values_per_latent\.\d+", "LatentQuantize"),
    (r"vqs?\.(?:\d+\.)?_codebook\.embed", "HierarchicalVQ"),
    (r"power_two", "BinaryMapper"),
)


def found_in(state: object, weights: Weights, options: Mapping[str, Any]) -> dict[str, Found]:
    """Return every quantizer by its prefix.

    Args:
        state: a module is asked for its submodules; anything else is known by its weights alone.
        weights: all of them.
        options: a grid without weights of its own is known by its `levels`.

    Raises:
        UsageError: one of a class that no layer here is equal to.
    """
    modules = _modules(state) if isinstance(state, nn.Module) else {}
    found = modules or _by_names(weights)
    if not found and options.get("levels") is not None:
        found = _scalar(weights, options)
    for place, each in found.items():
        if each.kind in REFUSED:
            where = f" at {place.removesuffix('.')!r}" if place else ""
            raise UsageError(f"{weights.place}{where}: no layer here is equal to a {each.kind}: {REFUSED[each.kind]}")
    return found


def _modules(model: nn.Module) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for name, module in model.named_modules():
        prefix = f"{name}." if name else ""
        kind = own_name(module)
        if kind is not None and not any(prefix.startswith(outer) for outer in found):
            found[prefix] = Found(kind, module)
    return found


def _by_names(weights: Weights) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for mark, single, residual in _MARKS:
        places = {match[1] for name in weights.tensors if (match := re.fullmatch(rf"((?:.*\.)?){mark}", name))}
        if mark == "mask":
            places = {place for place in places if _powers(weights, f"{place}mask")}
        found |= _nested(places, weights, single, residual)
    for mark, kind in _FOREIGN:
        for name in weights.tensors:
            match = re.fullmatch(rf"((?:.*\.)?){mark}", name)
            if match and (kind != "HierarchicalVQ" or _convolved(weights, match[1])):
                found = {place: each for place, each in found.items() if not place.startswith(match[1])}
                found[match[1]] = Found(kind)
    return found


def _nested(places: set[str], weights: Weights, single: str, residual: str) -> dict[str, Found]:
    """Return the outermost quantizers whose innermost parts are at `places`."""
    found: dict[str, Found] = {}
    for place in places:
        outer, kind = place, single
        if f"{place.removesuffix('vq.')}rand_projs" in weights and place.endswith("vq."):
            found[place.removesuffix("vq.")] = Found("RandomProjectionQuantizer")
            continue
        stages = re.fullmatch(r"((?:.*\.)?)layers\.\d+\.", place)
        if stages and f"{stages[1]}layers.0." in places:
            outer, kind = stages[1], residual
            groups = re.fullmatch(r"((?:.*\.)?)rvqs\.\d+\.", outer)
            if groups and f"{groups[1]}rvqs.0.layers.0." in places:
                outer, kind = groups[1], f"Grouped{residual}"
        found[outer] = Found(kind)
    return found


def _scalar(weights: Weights, options: Mapping[str, Any]) -> dict[str, Found]:
    """Return FSQ by its projections; without, it has no weights, and is what is there."""
    kind = "ResidualFSQ" if options.get("num_quantizers") is not None else "FSQ"
    mark = re.compile(r"((?:.*\.)?)(?:project_in\.weight|orthogonal_rot)")
    places = {match[1] for name in weights.tensors if (match := mark.fullmatch(name))}
    grouped = {match[1] for place in places if (match := re.fullmatch(r"((?:.*\.)?)rvqs\.\d+\.", place))}
    if grouped:
        return dict.fromkeys(grouped, Found(f"Grouped{kind}"))
    alone = {""} if options.get("groups", 1) == 1 else set()
    return dict.fromkeys(places or alone, Found(kind)) or {"": Found(f"Grouped{kind}")}


def _powers(weights: Weights, name: str) -> bool:
    """Return whether a tensor is 2^(d-1), …, 2, 1: the radix of LFQ, and not any mask."""
    mask = weights.tensors[name]
    return (
        mask.ndim == 1 and not mask.is_floating_point() and mask.tolist() == [1 << bit for bit in reversed(range(len(mask)))]
    )


def _convolved(weights: Weights, place: str) -> bool:
    return any(name.startswith((f"{place}phi_shared.", f"{place}phi_levels.")) for name in weights.tensors)

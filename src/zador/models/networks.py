"""Small networks for encoders and decoders."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from zador.errors import UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["mlp"]

_FEWEST = 2
"""Widths of the smallest network: in and out."""


def mlp(widths: Sequence[int], *, activation: Callable[[], nn.Module] = nn.GELU, seed: int = 0) -> nn.Sequential:
    """Return `x ↦ W_L a(… a(W_1 x + b_1) …) + b_L`: linear layers with an activation between them, none behind the last.

    Weights and biases start uniform in ±1/√n, n the inputs of their layer, as those of `torch.nn.Linear` do; they are drawn
    from `seed` and from nothing else. Two widths make a linear map.

    Args:
        widths: of the input, of every layer's output in turn.
        activation: makes the module a, e.g. `torch.nn.ReLU`.
        seed: of the weights.

    Returns:
        Linear layers and activations in turn, float32: from (…, widths[0]) to (…, widths[-1]).

    Raises:
        UsageError: fewer than two widths, or one that is no whole number of at least 1.

    Example:
        >>> network = mlp([16, 64, 4])
        >>> network(torch.zeros(10, 16)).shape, len(network)
        (torch.Size([10, 4]), 3)
    """
    sizes = [as_count(width, "widths") for width in widths]
    if len(sizes) < _FEWEST:
        raise UsageError(f"widths: expected those of an input and of an output at least, got {list(widths)}")
    generator = torch.Generator().manual_seed(as_count(seed, "seed", least=0))
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [_linear(inputs, outputs, generator), activation()]
    return nn.Sequential(*layers[:-1])


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            parameter.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
    return layer

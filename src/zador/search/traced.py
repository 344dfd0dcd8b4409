"""The search as an operator: inside autograd, `torch.compile` and `torch.export`."""

from __future__ import annotations

import torch
from torch import Tensor

from zador.search import nearest_of_clean
from zador.search.tiled import nearest_on_device

__all__ = ["traced_nearest", "untraced"]

# An exported graph weighs this many candidates of single precision against each other in double precision.
_CANDIDATES = 4


def traced_nearest(x: Tensor, codebook: Tensor, *, exact: bool) -> tuple[Tensor, Tensor]:
    """Return indices (N,) int64 and squared distances (N,) of the nearest codewords, as `zador.nearest` does.

    Compiled, this is one operator, `zador::nearest`, that a compiler leaves alone, and in eager code the function behind it;
    the N×K distances never exist. While a graph is exported it is spelled in standard operators instead, so that the graph
    runs without zador: centred products in single precision (N×K numbers), of which the four best are compared by the
    definition in double precision. Among more than four codewords that single precision cannot tell apart that may choose
    another.

    Args:
        x: (N, d) finite float32 or float64; no gradient.
        codebook: (K, d) finite, K >= 1, on the same device.
        exact: whether the indices are certified; see `zador.nearest`.
    """
    if torch.compiler.is_exporting():
        return _spelled(x, codebook)
    indices, squared = (_nearest if untraced(x) else _operator)(x, codebook, exact)
    return indices, squared


def untraced(x: Tensor) -> bool:
    """Return whether x is a plain tensor outside any graph.

    An operator is then the function behind it, and calling that spares the dispatcher: 0.06 ms, which small steps notice.
    """
    return not torch.compiler.is_compiling() and type(x) is Tensor


def _nearest(x: Tensor, codebook: Tensor, exact: bool) -> tuple[Tensor, Tensor]:  # noqa: FBT001 - a schema has no keywords
    if x.device.type != "cpu":
        found = nearest_on_device(x, codebook, exact=exact)
        return found.indices, found.squared_distances
    found = nearest_of_clean(x.numpy(), codebook.numpy(), exact=exact)
    return torch.from_numpy(found.indices), torch.from_numpy(found.squared_distances)


_operator = torch.library.custom_op("zador::nearest", _nearest, mutates_args=())


@_operator.register_fake
def _(x: Tensor, codebook: Tensor, exact: bool) -> tuple[Tensor, Tensor]:  # noqa: ARG001, FBT001
    dtype = torch.promote_types(torch.promote_types(x.dtype, codebook.dtype), torch.float32)
    return x.new_empty(x.shape[0], dtype=torch.int64), x.new_empty(x.shape[0], dtype=dtype)


def _spelled(x: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
    centre = codebook.mean(dim=0)
    table = codebook - centre
    scores = torch.addmm((table**2).sum(dim=1), x - centre, table.T, alpha=-2.0)
    candidates = scores.topk(min(_CANDIDATES, codebook.shape[0]), dim=1, largest=False).indices
    squared = ((x[:, None].double() - codebook[candidates].double()) ** 2).sum(dim=-1)
    least = squared.amin(dim=1, keepdim=True)
    lowest = torch.where(squared == least, candidates, codebook.shape[0]).amin(dim=1)
    return lowest, least[:, 0].to(torch.promote_types(x.dtype, codebook.dtype))

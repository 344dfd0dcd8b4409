"""Where tensors enter a layer: what is not finite is refused, or left out and counted."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.fx.node import has_side_effect

from zador.errors import NonFiniteError
from zador.search.traced import untraced

__all__ = ["finite_rows"]

_NAMED = 5


def finite_rows(x: Tensor, valid: Tensor | None, *, skip: bool) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return x (N, d) with zeros in rows that do not count, which rows do, and how many were left out for not being finite.

    In an exported graph nothing is looked at.

    Args:
        x: (N, d).
        valid: (N,) booleans, or None for all; other rows may hold anything.
        skip: leave rows with NaN or infinity out; otherwise they are an error.

    Raises:
        NonFiniteError: rows that count hold NaN or infinity; the message counts them and names the first.
    """
    if valid is not None:
        x = x.where(valid[:, None], 0.0)
    if torch.compiler.is_exporting():
        return x, valid, torch.zeros((), dtype=torch.int64, device=x.device)
    if not skip:
        return x, valid, (_refuse_nonfinite if untraced(x) else _operator)(x.detach())
    finite = torch.isfinite(x).all(dim=1)
    kept = finite if valid is None else finite & valid
    return x.where(finite[:, None], 0.0), kept, (~finite).sum()


def _refuse_nonfinite(x: Tensor) -> Tensor:
    """Return 0, or raise NonFiniteError if x (N, d) holds NaN or infinity."""
    # One sum decides the usual case; only where it is not finite (or overflows) is every number looked at.
    if not math.isfinite(float(x.sum(dtype=torch.float32 if x.dtype.itemsize < 4 else None))):  # noqa: PLR2004 - bytes
        rows = torch.nonzero(~torch.isfinite(x).all(dim=1)).ravel()
        if len(rows):
            first = ", ".join(map(str, rows[:_NAMED].tolist())) + (", ..." if len(rows) > _NAMED else "")
            raise NonFiniteError(
                f"x: {len(rows)} of {len(x)} vectors hold NaN or infinity (rows {first}); find out where they come from, "
                'mask them, or build the layer with on_nonfinite="skip"'
            )
    return torch.zeros((), dtype=torch.int64, device=x.device)


_operator = torch.library.custom_op("zador::refuse_nonfinite", _refuse_nonfinite, mutates_args=())


@_operator.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty((), dtype=torch.int64, device=x.device)


# A compiler drops what nobody uses, and seldom does anybody use the number that this returns.
has_side_effect(torch.ops.zador.refuse_nonfinite.default)

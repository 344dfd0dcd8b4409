"""From the tensors of a network to rows of vectors in the space of a code, and back."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from zador.errors import DataError, UsageError
from zador.layers.door import finite_rows
from zador.layers.transport import Transport, carried
from zador.noise import new_key
from zador.validation import as_count

__all__ = ["Rows", "Space"]


class Rows(NamedTuple):
    """Vectors (N, d) of a tensor.

    Attributes:
        x: (N, d); zeros where not valid.
        valid: (N,) booleans, None for all.
        lead: shape of what is indexed: the tensor's, without the axis of the coordinates.
        dtype: float type of the tensor.
        skipped: how many were left out because they were not finite.
    """

    x: Tensor
    valid: Tensor | None
    lead: tuple[int, ...]
    dtype: torch.dtype
    skipped: Tensor


class Space(nn.Module):
    """Which axis of a tensor holds the coordinates, and how they are projected.

    Where the code works in another dimension than the network, a linear map leads in and one leads out. They start as an
    orthonormal projection and its transpose: what the code cannot see is what is lost, and nothing else. A transport is a
    learned map between the two, in the dimension of the code: x goes through `into` and `before`, values through `after` and
    `out`.

    Args:
        dim: D, coordinates of the tensor.
        code_dim: d, coordinates of the code.
        axis: where the D coordinates are: -1 channel-last, 1 for images (B, D, H, W), video (B, D, T, H, W), …
        on_nonfinite: "raise", or "skip" to leave vectors with NaN or infinity out and count them.
        seed: of the projection.
        transport: makes the two maps, such as `OrthogonalTransport()`; None for none.
    """

    def __init__(
        self,
        dim: int,
        code_dim: int,
        *,
        axis: int = -1,
        on_nonfinite: Literal["raise", "skip"] = "raise",
        seed: int = 0,
        transport: Transport | None = None,
    ) -> None:
        super().__init__()
        if on_nonfinite not in ("raise", "skip"):
            raise UsageError(f'on_nonfinite={on_nonfinite!r}: expected "raise" or "skip"')
        self.dim, self.code_dim = as_count(dim, "dim"), as_count(code_dim, "codebook_dim")
        self.axis = axis
        self.skip = on_nonfinite == "skip"
        self.into: nn.Linear | None = None
        self.out: nn.Linear | None = None
        if dim != code_dim:
            self.into, self.out = _projections(dim, code_dim, seed)
        if not (transport is None or callable(transport)):
            raise UsageError(f"transport={transport!r}: expected an object such as zador.layers.OrthogonalTransport()")
        self.before: nn.Module | None = None
        self.after: nn.Module | None = None
        if transport is not None:
            self.before, self.after = transport(self.code_dim)

    def enter(self, x: Tensor, mask: Tensor | None, lengths: Tensor | None) -> Rows:
        """Return the rows of x in the space of the code.

        Args:
            x: D coordinates on `axis`, any other axes.
            mask: booleans of the shape of x without that axis, True where a vector counts.
            lengths: (B,) for x with one axis of positions: the first `lengths[b]` count.

        Raises:
            DataError: another number of coordinates, no floats, a mask or lengths of another shape.
            NonFiniteError: NaN or infinity in a vector that counts.
        """
        lead = self.lead(x)
        valid = _valid(lead, mask, lengths, x.device)
        rows = x.movedim(self.axis, -1).reshape(-1, self.dim)
        rows, valid, skipped = finite_rows(rows, None if valid is None else valid.reshape(-1), skip=self.skip)
        if self.into is not None:
            rows = self.into(rows if torch.is_autocast_enabled(x.device.type) else rows.to(self.into.weight.dtype))
        wide = rows.float() if rows.dtype.itemsize < 4 else rows  # noqa: PLR2004 - bytes of float32
        if self.before is not None:
            wide = carried(self.before, wide)
        return Rows(wide, valid, lead, x.dtype, skipped)

    def leave(self, y: Tensor, rows: Rows) -> Tensor:
        """Return y (N, d) as a tensor of the shape and float type that came in."""
        return self.place(y, rows.lead, rows.valid).to(rows.dtype)

    def place(self, y: Tensor, lead: tuple[int, ...], valid: Tensor | None) -> Tensor:
        """Return vectors (N, d) projected back and put in place, with zeros where they are not valid."""
        if self.after is not None:
            y = carried(self.after, y)
        if self.out is not None:
            y = self.out(y if torch.is_autocast_enabled(y.device.type) else y.to(self.out.weight.dtype))
        if valid is not None:
            y = y.where(valid[:, None], 0.0)
        return y.view(*lead, y.shape[-1]).movedim(-1, self.axis)

    def lead(self, x: Tensor) -> tuple[int, ...]:
        """Return the shape of x without its coordinates.

        Raises:
            DataError: no floats, or another number of coordinates.
        """
        if not isinstance(x, Tensor):
            raise DataError(f"x: expected a torch tensor, got {type(x).__name__}; torch.from_numpy(x) makes one of an array")
        if not x.dtype.is_floating_point or not -x.ndim <= self.axis < x.ndim:
            raise DataError(f"x: expected floats with an axis {self.axis}, got {x.dtype} of shape {tuple(x.shape)}")
        if x.shape[self.axis] != self.dim:
            raise DataError(
                f"x: expected {self.dim} coordinates on axis {self.axis}, got {x.shape[self.axis]}, shape {tuple(x.shape)}; "
                "say where they are with axis=, such as axis=1 for (B, D, H, W)"
            )
        axis = self.axis % x.ndim
        return tuple(x.shape[:axis]) + tuple(x.shape[axis + 1 :])


def _valid(lead: tuple[int, ...], mask: Tensor | None, lengths: Tensor | None, device: torch.device) -> Tensor | None:
    if mask is not None and lengths is not None:
        raise UsageError("mask and lengths say the same thing; pass one of them")
    if mask is not None:
        if mask.dtype != torch.bool or tuple(mask.shape) != lead:
            raise DataError(
                f"mask: expected booleans of shape {lead}, that of x without its coordinates, got {mask.dtype} of shape "
                f"{tuple(mask.shape)}"
            )
        return mask.to(device)
    if lengths is None:
        return None
    if len(lead) != 2 or tuple(lengths.shape) != lead[:1]:  # noqa: PLR2004 - batch and position
        raise DataError(
            f"lengths: expected one number for each of the {lead[0] if lead else 0} sequences in x, which has one axis of "
            f"positions, got shape {tuple(lengths.shape)} for positions {lead[1:]}; for maps pass mask"
        )
    return torch.arange(lead[1], device=device) < lengths.to(device)[:, None]


def _projections(dim: int, code_dim: int, seed: int) -> tuple[nn.Linear, nn.Linear]:
    """Return maps D → d and d → D with orthonormal rows or columns, transposes of each other."""
    into, out = (nn.utils.skip_init(nn.Linear, *shape) for shape in ((dim, code_dim), (code_dim, dim)))  # type: ignore[no-untyped-call]
    generator = torch.Generator().manual_seed(int(new_key(seed, 1)[0]))
    with torch.no_grad():
        nn.init.orthogonal_(into.weight, generator=generator)
        out.weight.copy_(into.weight.T)
        into.bias.zero_()
        out.bias.zero_()
    return into, out

"""A learned map before a code and one after it, in the dimension of the code: where vectors go to be quantized."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LinearTransport", "ModuleTransport", "OrthogonalTransport", "Transport", "carried"]


@runtime_checkable
class Transport(Protocol):
    """Makes the two maps of a layer; any function like this will do."""

    def __call__(self, dim: int, /) -> tuple[nn.Module, nn.Module]:
        """Return modules (N, d) → (N, d): into the space of the code, and out of it again.

        Args:
            dim: d of the code, all heads together.
        """


@dataclass(frozen=True)
class OrthogonalTransport:
    """`z = x Qᵀ`, and `y = q Q` on the way back: Q is a rotation that learns, the identity at first.

    `Q = exp(A - Aᵀ)` reaches every rotation [lezcano2019cheap]; it is formed in float32 or better. What is done to a vector
    is undone exactly, so squared errors are the same on both sides, and nothing is gained for a single codebook, which could
    turn by itself; it matters where the code has axes: grids, `pq`, heads. There it is the learned transform of transform
    coding.

    Example:
        >>> from zador.layers import fsq
        >>> layer = fsq((8, 5, 5), transport=OrthogonalTransport())
        >>> [name for name, _ in layer.named_parameters()]
        ['space.before.skew']
    """

    def __call__(self, dim: int) -> tuple[nn.Module, nn.Module]:
        """Return the rotation and its transpose, of the same parameters."""
        rotation = _Rotation(dim)
        return rotation, _Back(rotation)


@dataclass(frozen=True)
class LinearTransport:
    """`z = W x + b`, and `y = V q + a`: four tensors that learn; W = V = I and a = b = 0 at first.

    V need not stay the inverse of W; the squared error of the code is measured between the two maps.

    Example:
        >>> from zador.layers import vq
        >>> layer, x = vq(4, 16, transport=LinearTransport()), torch.ones(3, 4)
        >>> layer.space.before(x).equal(x)
        True
    """

    def __call__(self, dim: int) -> tuple[nn.Module, nn.Module]:
        """Return two linear maps."""
        return _identity(dim), _identity(dim)


@dataclass(frozen=True)
class ModuleTransport:
    """Two modules of your own, (N, d) → (N, d): `LayerNorm`, a network, `nn.Identity()`.

    Each layer gets copies. Masked vectors pass through them as zeros: let a module treat every vector by itself.

    Attributes:
        into: before the code.
        out: after it.

    Raises:
        UsageError: no modules.

    Example:
        >>> from zador.layers import vq
        >>> layer = vq(4, 16, transport=ModuleTransport(nn.LayerNorm(4), nn.Identity()))
        >>> layer(torch.ones(3, 4)).quantized.shape
        torch.Size([3, 4])
    """

    into: nn.Module
    out: nn.Module

    def __post_init__(self) -> None:
        """Refuse what is no module."""
        if not (isinstance(self.into, nn.Module) and isinstance(self.out, nn.Module)):
            raise UsageError(f"ModuleTransport: expected two torch modules, got {self.into!r} and {self.out!r}")

    def __call__(self, dim: int) -> tuple[nn.Module, nn.Module]:
        """Return copies of both."""
        del dim
        return copy.deepcopy(self.into), copy.deepcopy(self.out)


def carried(module: nn.Module, x: Tensor) -> Tensor:
    """Return `module(x)` of x (N, d), computed in the float type of the module; what comes back is at least float32.

    Raises:
        UsageError: the module changes the shape.
    """
    parameter = None if isinstance(module, _Rotation) else next(module.parameters(), None)
    y: Tensor = module(x if parameter is None or torch.is_autocast_enabled(x.device.type) else x.to(parameter.dtype))
    if y.shape != x.shape:
        raise UsageError(f"transport: expected vectors of shape {tuple(x.shape)} back, got {tuple(y.shape)}")
    return y.float() if y.dtype.itemsize < 4 else y  # noqa: PLR2004 - bytes of float32


class _Rotation(nn.Module):
    """x → x Qᵀ.

    Attributes:
        skew: (d, d) A, of which what lies below the diagonal counts.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.skew = nn.Parameter(torch.zeros(dim, dim))

    def matrix(self) -> Tensor:
        """Return Q (d, d), in float32 or better."""
        lower = self.skew.to(torch.promote_types(self.skew.dtype, torch.float32)).tril(-1)
        rotation: Tensor = torch.linalg.matrix_exp(lower - lower.T)
        return rotation

    def forward(self, x: Tensor) -> Tensor:
        """Return the rotated vectors."""
        return _turned(x, lambda: self.matrix().T)


class _Back(nn.Module):
    """y → y Q, for a rotation that belongs to another module."""

    def __init__(self, rotation: _Rotation) -> None:
        super().__init__()
        # In a tuple it is not registered, and a state dict has its parameters once.
        self._of = (rotation,)

    def forward(self, y: Tensor) -> Tensor:
        """Return the vectors turned back."""
        return _turned(y, self._of[0].matrix)


def _turned(x: Tensor, matrix: Callable[[], Tensor]) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        right = matrix()
        return x.to(right.dtype) @ right


def _identity(dim: int) -> nn.Linear:
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, dim, dim)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        linear.weight.copy_(torch.eye(dim))
        linear.bias.zero_()
    return linear

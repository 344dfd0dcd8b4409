"""The plain code: one table, the nearest codeword."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from zador.quantizers.codes.base import Asked, Code, Quantized, Table, Watch, masked
from zador.search.traced import traced_nearest

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TabledCode"]


class TabledCode(Code):
    """`i = argmin_k ||x - c_k||²`, `q = c_i`: S = 1.

    With `cosine` vectors enter the unit sphere, where the nearest codeword is that of the largest cosine; the table keeps
    its codewords there too.
    """

    def __init__(self, table: Table, *, cosine: bool = False) -> None:
        super().__init__()
        self.table = table
        self.cosine = cosine
        self.dim = table.dim
        self.sizes = (table.codebook_size,)

    def enter(self, z: Tensor) -> Tensor:
        """Return z, or z / ||z||; zero stays zero."""
        return functional.normalize(z, dim=-1) if self.cosine else z

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return the nearest codeword of each vector."""
        if watch is not None:
            watch.before(self.table, x, valid)
        codewords = self.table.look()
        hard = codewords.detach()
        indices, squared = self.choose(x, hard, valid, watch, exact=exact)
        values = functional.embedding(indices, hard)
        indices, values, squared = masked(valid, indices, values, squared)
        if watch is not None:
            watch.after(self.table, Asked(x, indices, squared, codewords))
        return Quantized(indices[:, None], values, None, squared, squared)

    def choose(
        self,
        x: Tensor,
        codewords: Tensor,
        valid: Tensor | None,  # noqa: ARG002 - for those that weigh vectors against each other
        watch: Watch | None,  # noqa: ARG002 - as above
        *,
        exact: bool,
    ) -> tuple[Tensor, Tensor]:
        """Return indices (N,) and squared distances (N,) of x (N, d), whatever is chosen where `valid` (N,) is False."""
        return traced_nearest(x, codewords, exact=exact)

    def decode(self, indices: Tensor) -> Tensor:
        """Return the codewords of indices (N, 1), with their gradient if they have one."""
        number = indices[:, 0]
        values = functional.embedding(number.clamp(min=0), self.table.look())
        return values.where((number >= 0)[:, None], 0.0)

"""The table of a layer: codewords, how they start, move and come back to life, and how they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from zador.codebooks import ALONE, Cells, Frozen, Gradient, Seen, cell_sums, codebook_loss
from zador.errors import DataError, UsageError
from zador.layers.losses import mean_over
from zador.layers.start import Start
from zador.layers.tally import Tally, kept_wide
from zador.layers.writes import Writes
from zador.noise import new_key, uniform
from zador.quantizers.codes import Asked, Table
from zador.validation import as_count, as_matrix, check_finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.codebooks import Learner, Peers

__all__ = ["LearnedTable"]

_LEARNER = ("start", "revive", "seed", "init", "step")


class LearnedTable(Table):
    """K codewords of d coordinates that learn from what they are asked.

    What the learner keeps are buffers under their own names, float32 whatever the type of the model, and so are the tally,
    the key of the random numbers, and whether the table has started: a checkpoint resumes bit for bit.

    Args:
        codebook_size: K.
        dim: d.
        learner: how codewords start, move and revive, from `zador.codebooks`.
        stream: tells apart the random numbers of the tables of one layer.
        sphere: codewords have length 1.

    Attributes:
        codewords: (K, d), a parameter if the learner leaves them to the optimiser of the model, else a buffer.
        started: boolean (1,): whether the initialiser has been at work, or codewords were given.
        tally: how often they are chosen.
    """

    codewords: Tensor
    started: Tensor
    key: Tensor

    def __init__(self, codebook_size: int, dim: int, learner: Learner, *, stream: int = 0, sphere: bool = False) -> None:
        super().__init__()
        self.codebook_size, self.dim = as_count(codebook_size, "codebook_size"), as_count(dim, "dim")
        if not all(hasattr(learner, name) for name in _LEARNER):
            raise UsageError(
                f"learner={learner!r}: expected an object such as zador.codebooks.Ema(); see `Learning` for your own"
            )
        if isinstance(learner, Frozen) and callable(learner.start):
            raise UsageError("learner: Frozen() never starts from data; pass the codewords, Frozen(start=codewords)")
        self.learner = learner
        self.sphere = sphere
        self.tally = Tally(self.codebook_size)
        self.register_buffer("key", new_key(learner.seed, stream))
        given = None if callable(learner.start) else _given(learner.start, self.codebook_size, self.dim)
        self._start = Start(learner.start, learner.seed + stream, self.split) if given is None else None
        self.register_buffer("started", torch.tensor([given is not None]))
        codewords = _placed(self.key, self.codebook_size, self.dim) if given is None else given
        codewords = functional.normalize(codewords, dim=1) if sphere else codewords
        self._learnt = self._keep(learner.init(codewords), "")
        self._reviving = None if learner.revive is None else self._keep(learner.revive.init(codewords), "revive_")
        # What the last pass saw, for a repetition of that pass: `Recomputation` asks for it.
        self._before: Tensor | None = None
        self._writes = Writes()
        self._lent = False
        self._recalled = False

    def look(self) -> Tensor:
        """Return the codewords (K, d): as they are, or on the sphere; with a gradient, if they are a parameter."""
        # Arrays of NumPy share memory with tensors, which would keep whoever lent it from taking it back.
        codewords = self.codewords.clone() if self._lent else self.codewords
        if self._recalled and self._before is not None:
            # A repetition has to keep the same tensors for the backward pass, so it needs a gradient where the pass had one.
            codewords = self._before.requires_grad_(codewords.requires_grad)
        # The norm is differentiated after the pass; by then the codewords themselves may have been moved in place.
        return functional.normalize(codewords.clone(), dim=1) if self.sphere else codewords

    def start(self, x: Tensor, valid: Tensor | None, peers: Peers = ALONE) -> None:
        """Let the initialiser see vectors (N, d), those of all processes, unless it is done or codewords were given."""
        watched = list(self.parameters()) if self._watches(peers) else []
        self._lent = bool(watched)
        self._writes.check(watched)
        if self._start is None:
            return
        before = [each.detach().clone() for each in watched] if watched and not bool(self.started) else []
        self._start(x, valid, (self.parts(), self.started), peers)
        self._writes.note(before, watched)

    def optimised(self) -> bool:
        """Return whether codewords are a parameter of the model."""
        return isinstance(self.learner, Gradient)

    def parts(self) -> list[Tensor]:
        """Return the tensors that a start fills in, without gradient."""
        return [self.codewords.detach()]

    @staticmethod
    def split(codewords: Tensor) -> tuple[Tensor, ...]:
        """Return what goes into `parts` for these codewords (K, d) to be looked at."""
        return (codewords,)

    def teaches(self, asked: Asked) -> bool:
        """Return whether the codebook loss is to have a gradient now."""
        wanted = asked.codewords is not None and asked.codewords.requires_grad and torch.is_grad_enabled()
        return wanted and (self.training or not torch.compiler.is_exporting())

    def cells(self, asked: Asked) -> Cells:
        """Return the statistics of what was asked."""
        return cell_sums(asked.x, asked.indices, self.codebook_size)

    def loss(self, asked: Asked, cells: Cells | None, total: Tensor, count: Tensor | int) -> Tensor:
        """Return the codebook loss, 0-d; 0 unless codewords learn by gradient.

        Args:
            asked: what was asked.
            cells: its statistics; without them, the loss has no gradient.
            total: 0-d, squared distances of the vectors in the cells.
            count: their number.
        """
        if not isinstance(self.learner, Gradient):
            return torch.zeros_like(total)
        if cells is None or asked.codewords is None:
            return mean_over(total, count) * self.learner.weight
        number = count if isinstance(count, Tensor) else total.new_full((), count)
        return codebook_loss(asked.codewords, cells, total, number) * self.learner.weight

    @torch.no_grad()
    def learn(self, asked: Asked, cells: Cells, peers: Peers = ALONE) -> Tensor:
        """Move by one pass, with the cells of all processes, and return how many codewords were revived, 0-d."""
        if not torch.compiler.is_compiling():
            self._before = self.codewords.detach().clone()
        seen = Seen(cells, asked.x, asked.indices, asked.squared, self.key.clone(), peers)
        was = self._kept(self._learnt)
        learnt, since, revived = self.learner.step(was, seen), None, asked.indices.new_zeros(())
        if self._reviving is not None and self.learner.revive is not None:
            moved, state = learnt.codewords, self._kept(self._reviving)
            reviving, since, learnt = self.learner.revive.step(state, self.tally.since, learnt, seen)
            if learnt.codewords is not moved:
                revived = (learnt.codewords != moved).any(dim=1).sum()
            self._write(self._reviving, reviving, state)
        if self.sphere and not self.optimised():
            # A second division by a length of 1 could move the last bit of what has not moved.
            still = (learnt.codewords == self.codewords).all(dim=1, keepdim=True)
            unit = torch.where(still, self.codewords.detach(), functional.normalize(learnt.codewords, dim=1))
            learnt = learnt._replace(codewords=unit)
        self._write(self._learnt, learnt, was)
        if self.optimised() and self._watches(peers) and self._before is not None:
            # Only those that nobody chose: they have no gradient, so the optimiser leaves them where they were put.
            self._writes.note([self._before], [self.codewords.where(cells.counts[:, None] == 0, self._before)])
        self.tally.add(cells.counts, since)
        self.key[1] += 1
        return revived

    def recall(self, *, back: bool) -> None:
        """Look at the codewords as they were before the last pass, or no longer."""
        self._recalled = back

    def extra_repr(self) -> str:
        """Return what the printed module says of itself."""
        return f"codebook_size={self.codebook_size}, dim={self.dim}, learner={self.learner!r}"

    @staticmethod
    def _watches(peers: Peers) -> bool:
        """Return whether somebody may keep parameters elsewhere between passes: see `Writes`."""
        return peers.size > 1 and not torch.compiler.is_compiling()

    def _keep(self, state: Any, prefix: str) -> _Kept:
        """Make the fields of a state buffers, and codewords a parameter if they learn by gradient."""
        for field, value in state._asdict().items():
            if field == "codewords" and self.optimised():
                self.codewords = nn.Parameter(value.clone())
            else:
                self.register_buffer(prefix + field, value.clone())
        return _Kept(type(state), prefix)

    def _kept(self, kept: _Kept) -> Any:
        return kept.kind(*(getattr(self, kept.prefix + field).detach() for field in kept.kind._fields))

    def _write(self, kept: _Kept, state: Any, was: Any) -> None:
        # What a learner hands back as it was given has not moved; writing it would only trip up autograd.
        for field, value, before in zip(kept.kind._fields, state, was, strict=True):
            if value is not before:
                getattr(self, kept.prefix + field).copy_(value)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> LearnedTable:  # noqa: FBT001, FBT002 - torch's
        """Follow a model to another device, or to float64, but never to a type in which averages stall."""
        self._before = None
        super()._apply(kept_wide(fn), recurse)  # type: ignore[no-untyped-call]
        return self


class _Kept(NamedTuple):
    """A state that lives in buffers: its type, and what the names of its fields begin with there."""

    kind: Any
    prefix: str


def _given(codewords: Any, codebook_size: int, dim: int) -> Tensor:
    """Return codewords that a caller hands over, as (K, d) float32 or float64.

    Raises:
        DataError: no matrix of numbers, or of another shape.
        NonFiniteError: NaN or infinity.
    """
    if isinstance(codewords, str):
        raise UsageError(
            f"start={codewords!r}: expected an initialiser such as zador.codebooks.KMeansPlusPlus(), or codewords"
        )
    matrix = as_matrix(codewords, "start")
    check_finite(matrix, "start")
    if matrix.shape != (codebook_size, dim):
        raise DataError(f"start: expected {codebook_size} codewords of {dim} coordinates, got shape {matrix.shape}")
    table = torch.from_numpy(matrix.copy())
    return table if table.dtype == torch.float64 else table.float()


def _placed(key: Tensor, codebook_size: int, dim: int) -> Tensor:
    """Return codewords from N(0, I): a table that has not started is no good, but it is finite and all different."""
    uniforms = uniform(key, [codebook_size, dim]).clamp(min=torch.finfo(torch.float32).eps)
    placed: Tensor = torch.special.ndtri(uniforms)
    return placed

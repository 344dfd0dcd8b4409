"""The layer: a hard code, an estimator, learners and losses, put together once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zador.codebooks import ALONE
from zador.estimators import Estimator, NoisyEstimator, straight_through
from zador.layers.checks import check_parts
from zador.layers.indices import checked_indices, from_rows, to_rows
from zador.layers.lesson import Lesson
from zador.layers.losses import Batch, Regulariser, Weight, committed, mean_over
from zador.layers.recomputation import Recomputation
from zador.layers.record import Info, LayerOutput
from zador.layers.sync import World, abandoned_if_refused, members, present
from zador.layers.table import LearnedTable
from zador.layers.tally import Tally, usage_of
from zador.noise import drawn_key, uniform
from zador.quantizers.codes import Pass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.layers.space import Rows, Space
    from zador.quantizers.codes import Code, Quantized

__all__ = ["Bottleneck"]


class Bottleneck(nn.Module):
    """x → z → (indices, q) → y: quantization inside a network.

    `z` is x in the space of the quantizer, `q` the value of its indices, and y is what the estimator makes of the two: its
    value is q, its gradient the estimator's. Tables learn from every pass in training mode with gradients enabled; an
    evaluation, or a pass under `no_grad`, changes nothing unless asked to. Presets such as `zador.vq` build one; build it
    yourself to combine parts that no preset combines.

    Args:
        quantizer: what chooses indices: hard, without gradient.
        space: which axis, and the projections.
        estimator: (z, q) → y, from `zador.estimators` or your own; one that needs noise has it in training mode only.
        commitment: β, weight of `Σ_s ||r_s - sg q_s||²`: a number, or a `Weight` that changes as training goes on.
        regularisers: further losses of the vectors, such as `Entropy`.

    Attributes:
        frozen: set it, and tables neither start nor learn, whatever the mode.
        step: 0-d int64, batches that the layer has learnt from.
        draws: 0-d int64, passes that drew random numbers; each draws others.
        world: the processes that learn together; None for all, see `set_process_group`.
    """

    step: Tensor
    draws: Tensor

    def __init__(
        self,
        quantizer: Code,
        space: Space,
        *,
        estimator: Estimator | NoisyEstimator = straight_through,
        commitment: float | Weight = 0.25,
        regularisers: Sequence[Regulariser] = (),
    ) -> None:
        super().__init__()
        check_parts(estimator, commitment, regularisers)
        self.quantizer = quantizer
        self.space = space
        self.estimator = estimator
        self.commitment = commitment if callable(commitment) else float(commitment)
        self.regularisers = tuple(regularisers)
        self.frozen = False
        self.world: World | None = None
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("draws", torch.zeros((), dtype=torch.int64))
        self._tables = [module for module in quantizer.modules() if isinstance(module, LearnedTable)]
        self._tallies = [module for module in quantizer.modules() if isinstance(module, Tally)]
        self._recomputation = Recomputation(self._tables)
        # Whether a pass in training mode draws random numbers.
        self._draws = isinstance(estimator, NoisyEstimator) or any(
            getattr(code, "draws", False) for code in quantizer.modules()
        )

    @property
    def bits(self) -> float:
        """`Σ_s log2 K_s`: bits per vector of indices of fixed length."""
        return self.quantizer.bits

    @property
    def sizes(self) -> tuple[int, ...]:
        """(K_1 … K_S): stream s has indices from 0 to K_s - 1."""
        return self.quantizer.sizes

    @property
    def codebooks(self) -> tuple[Tensor, ...]:
        """The codewords (K, d) of every table, without gradient."""
        return tuple(table.look().detach() for table in self._tables)

    def forward(
        self, x: Tensor, mask: Tensor | None = None, lengths: Tensor | None = None, *, update: bool | None = None
    ) -> LayerOutput:
        """Quantize x.

        Args:
            x: the coordinates on `axis`, any other axes, any float type.
            mask: booleans of the shape of x without its coordinates; False is padding, which counts nowhere.
            lengths: (B,) instead of a mask, for x with one axis of positions.
            update: whether tables learn; None: in training mode, unless gradients are disabled.

        Raises:
            DataError: shapes or types that do not fit.
            NonFiniteError: NaN or infinity in a vector that counts, unless the layer skips those.
        """
        with self._recomputation.of(learns=self._learns(update=update), training=self.training) as learns:
            # A pass that repeats a lesson is to find what that found, of all processes; nothing learns from it.
            peers = present(self.world) if learns or self._recomputation.after_lesson else ALONE
            with abandoned_if_refused(peers, self.step.device):
                rows = self.space.enter(x, mask, lengths)
            with torch.autocast(x.device.type, enabled=False):
                context = Pass(peers, present(self.world).rank, rows.lead[0] if rows.lead else 1, self._drawn())
                lesson = Lesson(members(self._vectors(rows), peers, x.device), context, learns=learns)
                y, quantized, losses = self._cross(rows, lesson)
                if learns:
                    # A new tensor: a compiled backward pass may work out a weight again from the one it was given.
                    self.step = self.step + 1
            return LayerOutput(
                self.space.leave(y, rows),
                from_rows(quantized.indices, rows.lead),
                torch.stack(list(losses.values())).sum(),
                self._info(losses, quantized, lesson, rows),
            )

    @torch.no_grad()
    def encode(self, x: Tensor, mask: Tensor | None = None, lengths: Tensor | None = None) -> Tensor:
        """Return the indices of x: certified, whatever the mode, and nothing learns.

        Returns:
            (…) int64, the shape of x without its coordinates, or (…, S) for S > 1 streams; -1 where x is masked.
        """
        rows = self.space.enter(x, mask, lengths)
        with torch.autocast(x.device.type, enabled=False):
            found = self.quantizer.select(self.quantizer.enter(rows.x), rows.valid, exact=True)
        return from_rows(found.indices, rows.lead)

    def decode(self, indices: Tensor) -> Tensor:
        """Return the vectors that indices stand for, projected back, with the coordinates on `axis`; zeros for -1.

        Args:
            indices: as `encode` returns them.

        Raises:
            DataError: no whole numbers, another number of streams, or out of range.
        """
        streams = len(self.sizes)
        numbers, lead = to_rows(checked_indices(indices, self.sizes), streams)
        return self.space.place(self.quantizer.decode(numbers).detach(), lead, (numbers >= 0).any(dim=1))

    def extra_repr(self) -> str:
        """Return what the printed module says of itself."""
        name = getattr(self.estimator, "__name__", repr(self.estimator))
        commitment = self.commitment if callable(self.commitment) else f"{self.commitment:g}"
        return f"bits={self.bits:g}, estimator={name}, commitment={commitment}"

    def _learns(self, *, update: bool | None) -> bool:
        return self.training and not self.frozen and (torch.is_grad_enabled() if update is None else update)

    def _vectors(self, rows: Rows) -> Tensor | int:
        return self.quantizer.tokens * (rows.x.shape[0] if rows.valid is None else rows.valid.sum())

    def _drawn(self) -> Tensor:
        """Return the number of this pass among those that draw; count it, unless it repeats one."""
        if not (self._draws and self.training):
            return self.draws
        if self._recomputation.repeating:
            return self.draws - 1
        number = self.draws
        self.draws = number + 1
        return number

    def _cross(self, rows: Rows, lesson: Lesson) -> tuple[Tensor, Quantized, dict[str, Tensor]]:
        """Return y (N, d), what was selected, and the losses by name, commitment and codebook first."""
        self._recomputation.recognise(rows.x, learns=lesson.learns)
        z = self.quantizer.enter(rows.x)
        quantized = self.quantizer.select(z.detach(), rows.valid, lesson, exact=not self.training)
        if rows.valid is not None and quantized.left_over is None:
            rest = (z.detach() - quantized.values).where(rows.valid[:, None], 0.0)
            quantized = quantized._replace(left_over=rest)
        batch = Batch(rows.valid, lesson.count, self._step(), lesson.peers)
        with self._recomputation.after_learning():
            losses = {each.name: each(z, self.quantizer, batch) for each in self.regularisers}
        z, commitment = committed(z, quantized, lesson.count, self._weight(quantized.squared))
        y = self._estimate(z, quantized, lesson)
        return y, quantized, {"commitment": commitment, "codebook": lesson.codebook_loss(commitment), **losses}

    def _weight(self, like: Tensor) -> Tensor | float:
        """Return β of this pass."""
        if not callable(self.commitment):
            return self.commitment
        usage, _ = usage_of(self._tallies, like)
        return self.commitment(self._step(), usage.mean() if len(usage) else like.new_ones(()))

    def _step(self) -> Tensor:
        """Return the step of this pass; of the one it repeats, if it repeats one."""
        return self.step - 1 if self._recomputation.after_lesson else self.step

    def _estimate(self, z: Tensor, quantized: Quantized, lesson: Lesson) -> Tensor:
        """Return y (N, d), what the estimator makes of the vectors and their values."""
        values = quantized.values.to(z.dtype)
        if not isinstance(self.estimator, NoisyEstimator):
            return self.estimator(z, values)
        if not self.training:
            return straight_through(z, values)
        key = drawn_key(self.estimator.seed, lesson.context.draw, lesson.context.rank)
        live = self.quantizer.decode(quantized.indices).to(z.dtype)
        # Codewords may have learnt from this very pass: the values are those of before, the gradient goes to where they are.
        q = values + (live - live.detach()) if live.requires_grad else values
        return self.estimator(z, q, uniform(key, list(z.shape)))

    def _info(self, losses: dict[str, Tensor], quantized: Quantized, lesson: Lesson, rows: Rows) -> Info:
        parts = {name: loss.detach() for name, loss in losses.items()}
        nothing = torch.zeros_like(parts["commitment"])
        usage, perplexity = usage_of(self._tallies, nothing)
        return Info(
            commitment=parts.pop("commitment"),
            codebook=parts.pop("codebook"),
            entropy=parts.pop("entropy", nothing),
            other=parts,
            distortion=mean_over(quantized.error.detach().sum(), lesson.count),
            usage=usage,
            perplexity=perplexity,
            rate=torch.stack(lesson.rates) if lesson.rates else torch.zeros_like(usage),
            revived=torch.stack(lesson.revived) if lesson.revived else torch.zeros_like(usage, dtype=torch.int64),
            skipped=rows.skipped,
        )

"""Layers against vector-quantize-pytorch: forward, backward and update of one training step, in float32 on two threads.

Targets: at least 20, 12, 5 and 120 times as fast at the four shapes of `VECTORS`, 15 times for eight stages; peak memory at
most a quarter; a step at most 1.5 times the bare search; the rotation trick at most 1.3 times straight-through; FSQ and LFQ
no slower. Both sides start from the same codewords and decay alike, so that they do the same work, and both run as torch
comes: its threads stay awake for a while after each operator. With `OMP_WAIT_POLICY=passive` in the environment they sleep,
which makes the peer faster where cores are few, and is the only fair setting where others use the cores too.
Arguments, if any, pick the parts: vectors, rotation, residual, grids, memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from paired import ratio, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

VECTORS = ((8192, 64, 512), (16384, 64, 1024), (16384, 256, 1024), (16384, 8, 8192))
STAGED, STAGES = (8192, 64, 1024), 8
FSQ_COUNT, FSQ_LEVELS = 65536, ((8, 5, 5, 5), (8, 8, 8, 5, 5, 5))
LFQ_COUNT, LFQ_BITS, BSQ_BITS = 8192, (10, 14), 18
DECAY, THREADS, BATCHES = 0.99, 2, 4
# So many steps of ours make a turn: short ones are lost in the waking up.
OUR_STEPS = 8


def main() -> None:
    """Print the parts that were asked for, all by default."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS)))
    parts = {"vectors": _vectors, "rotation": _rotation, "residual": _residual, "grids": _grids, "memory": _memory}
    for name in sys.argv[1:] or parts:
        parts[name]()


def _vectors() -> None:
    print("vq: ms a step, median of the turns; faster: times the peer's, median over turns; step/search: ours to the search")
    header = ("N", "d", "K", "ours", "peer", "faster", "search", "step/search", "ours rev.", "peer rev.", "faster")
    print(" ".join(f"{name:>11}" for name in header))
    for shape in VECTORS:
        arms = {
            "ours": (our_vq, (shape, False)),
            "peer": (peer_vq, (shape, False)),
            "search": (search, (shape,)),
            "ours rev.": (our_vq, (shape, True)),
            "peer rev.": (peer_vq, (shape, True)),
        }
        ms = _turns(arms)
        row = [*map(str, shape), *_medians(ms, "ours", "peer"), f"{1 / ratio(ms['ours'], ms['peer']):.1f}"]
        row += [*_medians(ms, "search"), f"{ratio(ms['ours'], ms['search']):.2f}", *_medians(ms, "ours rev.", "peer rev.")]
        print(" ".join(f"{cell:>11}" for cell in [*row, f"{1 / ratio(ms['ours rev.'], ms['peer rev.']):.1f}"]), flush=True)


def _rotation() -> None:
    print("rotation trick: ms a step of straight-through and of the trick, both ours; the ratio, median over turns")
    for shape in VECTORS:
        ms = _turns({"plain": (our_vq, (shape, False)), "trick": (our_vq, (shape, False, True))}, turns=15)
        cells = [*map(str, shape), *_medians(ms, "plain", "trick"), f"{ratio(ms['trick'], ms['plain']):.2f}"]
        print(" ".join(f"{cell:>11}" for cell in cells), flush=True)


def _residual() -> None:
    ms = _turns({"ours": (our_rvq, ()), "peer": (peer_rvq, ())}, turns=3)
    faster = 1 / ratio(ms["ours"], ms["peer"])
    print(
        f"rvq, {STAGES} stages of {STAGED}: {', '.join(_medians(ms, 'ours', 'peer'))} ms a step, {faster:.1f} times as fast"
    )


def _grids() -> None:
    print("grids: ms a step; ours over the peer's, median over turns")
    for levels in FSQ_LEVELS:
        ms = _turns({"ours": (our_fsq, (levels,)), "peer": (peer_fsq, (levels,))}, peer_steps=OUR_STEPS)
        print(f"  fsq {levels}: {', '.join(_medians(ms, 'ours', 'peer'))}, {ratio(ms['ours'], ms['peer']):.2f}", flush=True)
    for bits in LFQ_BITS:
        ms = _turns({"ours": (our_signs, (bits, False)), "peer": (peer_lfq, (bits,))}, turns=5)
        print(
            f"  lfq {bits} bits: {', '.join(_medians(ms, 'ours', 'peer'))}, {ratio(ms['ours'], ms['peer']):.4f}", flush=True
        )
    ms = _turns({"ours": (our_signs, (BSQ_BITS, True))})
    table = LFQ_COUNT * 2**BSQ_BITS * 4 / 2**30
    print(f"  bsq {BSQ_BITS} bits: {_medians(ms, 'ours')[0]}; one N x 2^d table of the peer's is {table:.0f} GiB: not run")


def _memory() -> None:
    print("memory: MiB by which one step raises the peak of the resident set; ours over the peer's")
    arms: dict[str, tuple[Any, ...]] = {str(shape): ("vq", shape) for shape in VECTORS} | {"rvq": ("rvq",)}
    for name, (kind, *shapes) in arms.items():
        ours, peers = (_measured(f"{side}_{kind}", *shapes) for side in ("our", "peer"))
        print(f"  {name}: {ours:.1f}, {peers:.1f}, {ours / peers:.3f}", flush=True)


def _measured(contestant: str, *shapes: tuple[int, int, int]) -> float:
    """Return MiB, from a process of its own; freed memory goes back to the system at once, so that a rise is a need."""
    command = [sys.executable, str(Path(__file__).with_name("layers_memory.py")), contestant, *map(str, sum(shapes, ()))]
    malloc = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | malloc)  # noqa: S603 - our own file
    return float(done.stdout)


def _turns(arms: dict[str, Any], *, turns: int = 7, peer_steps: int = 1) -> dict[str, list[float]]:
    """Return milliseconds a step of every contestant in every turn."""
    steps = {name: peer_steps if name.startswith("peer") else OUR_STEPS for name in arms}
    contestants = {name: (_repeat, (steps[name], *arm)) for name, arm in arms.items()}
    seconds, _ = take_turns(contestants, turns=turns)
    return {name: [1e3 * each / steps[name] for each in times] for name, times in seconds.items()}


def _medians(ms: dict[str, list[float]], *names: str) -> list[str]:
    return [f"{median(ms[name]):.2f}" for name in names]


def _repeat(steps: int, prepare: Callable[..., Callable[[], None]], arguments: tuple[Any, ...]) -> Callable[[], None]:
    work = prepare(*arguments)

    def several() -> None:
        for _ in range(steps):
            work()

    return several


def _batches(count: int, dim: int) -> list[Tensor]:
    import torch

    torch.set_num_threads(THREADS)
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, count, dim, generator=generator) for _ in range(BATCHES)]


def _trained(step: Callable[[Tensor], Sequence[Tensor]], batches: list[Tensor]) -> Callable[[], None]:
    """Return one training step of a layer, given as x → (quantized, loss if any), on the next batch.

    The gradient that a decoder would send back to `quantized` is given, so that the layer's work alone is timed.
    """
    import torch

    following = cycle(batches)
    from_above = torch.randn(batches[0].shape, generator=torch.Generator().manual_seed(1))

    def work() -> None:
        x = next(following).detach().requires_grad_()
        outputs = step(x)
        torch.autograd.backward(outputs, (from_above, None)[: len(outputs)])

    return work


def our_vq(shape: tuple[int, int, int], revive: bool, rotate: bool = False) -> Callable[[], None]:  # noqa: FBT001, FBT002 - a table of contestants
    """Return a step of `zador.vq`, with its default revival or without, straight-through or with the rotation trick."""
    import zador
    from zador.codebooks import Ema
    from zador.estimators import rotation_trick, straight_through

    count, dim, size = shape
    batches = _batches(count, dim)
    options = {} if revive else {"revive": None}
    learner = Ema(DECAY, start=batches[0][0, :size], **options)
    layer = zador.vq(dim, size, learner=learner, estimator=rotation_trick if rotate else straight_through)
    return _trained(lambda x: (out := layer(x)) and (out.quantized, out.loss), batches)


def peer_vq(shape: tuple[int, int, int], revive: bool) -> Callable[[], None]:  # noqa: FBT001 - as above
    """Return a step of the peer's layer, with its dead-code replacement or without."""
    from vector_quantize_pytorch import VectorQuantize

    count, dim, size = shape
    batches = _batches(count, dim)
    layer = VectorQuantize(
        dim, size, decay=DECAY, rotation_trick=False, commitment_weight=0.25, threshold_ema_dead_code=2 if revive else 0
    )
    layer.codebook = batches[0][0, :size]
    layer._codebook.embed_avg.copy_(batches[0][:, :size])  # noqa: SLF001 - there is no public way to start from codewords
    return _trained(lambda x: layer(x)[::2], batches)


def search(shape: tuple[int, int, int]) -> Callable[[], None]:
    """Return the bare nearest-codeword search on the same batches."""
    from zador.search.traced import traced_nearest

    count, dim, size = shape
    batches = _batches(count, dim)
    following = cycle(batches)
    codebook = batches[0][0, :size]

    def work() -> None:
        traced_nearest(next(following)[0], codebook, exact=False)

    return work


def our_rvq() -> Callable[[], None]:
    """Return a step of `zador.rvq`."""
    import zador
    from zador.codebooks import Ema

    count, dim, size = STAGED
    batches = _batches(count, dim)
    layer = zador.rvq(dim, size, STAGES, learner=Ema(DECAY, start=batches[0][0, :size], revive=None))
    return _trained(lambda x: (out := layer(x)) and (out.quantized, out.loss), batches)


def peer_rvq() -> Callable[[], None]:
    """Return a step of the peer's residual layer."""
    from vector_quantize_pytorch import ResidualVQ

    count, dim, size = STAGED
    batches = _batches(count, dim)
    layer = ResidualVQ(
        dim=dim, codebook_size=size, num_quantizers=STAGES, decay=DECAY, rotation_trick=False, commitment_weight=0.25
    )
    for stage in layer.layers:
        stage.codebook = batches[0][0, :size]
        stage._codebook.embed_avg.copy_(batches[0][:, :size])  # noqa: SLF001 - as above
    return _trained(lambda x: (out := layer(x)) and (out[0], out[2].sum()), batches)


def our_fsq(levels: tuple[int, ...]) -> Callable[[], None]:
    """Return a step of `zador.fsq`, whose loss is 0."""
    import zador

    layer = zador.fsq(levels)
    return _trained(lambda x: layer(x)[:1], _batches(FSQ_COUNT, len(levels)))


def peer_fsq(levels: tuple[int, ...]) -> Callable[[], None]:
    """Return a step of the peer's finite scalar quantizer, which has no loss."""
    from vector_quantize_pytorch import FSQ

    layer = FSQ(list(levels))
    return _trained(lambda x: layer(x)[:1], _batches(FSQ_COUNT, len(levels)))


def our_signs(bits: int, spherical: bool) -> Callable[[], None]:  # noqa: FBT001 - as above
    """Return a step of `zador.lfq`, or of `zador.bsq`, with the entropy loss."""
    import zador

    layer = (zador.bsq if spherical else zador.lfq)(bits)
    return _trained(lambda x: (out := layer(x)) and (out.quantized, out.loss), _batches(LFQ_COUNT, bits))


def peer_lfq(bits: int) -> Callable[[], None]:
    """Return a step of the peer's lookup-free quantizer, with the entropy loss."""
    from vector_quantize_pytorch import LFQ

    layer = LFQ(dim=bits, codebook_size=2**bits)
    return _trained(lambda x: (out := layer(x)) and (out[0], out[2]), _batches(LFQ_COUNT, bits))


if __name__ == "__main__":
    main()

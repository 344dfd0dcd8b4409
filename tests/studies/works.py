"""Tiny pieces of work for the tests of the instrument, in a module so that workers find them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zador.studies.design import Arm, Design, Metric
from zador.studies.rows import Outcome, Series


def doubled(value):
    return 2 * value


def halved(value):
    return value / 2


@dataclass(frozen=True)
class Draw:
    """Normal numbers of a seed, changed by a function; leaves a line a call in a file, if asked."""

    scale: float = 1.0
    change: object = doubled
    sizes: tuple[int, ...] = (3,)
    log: str = ""
    pause: float = 0.0

    def __call__(self, seeds):
        if self.log:
            with Path(self.log).open("a") as file:
                file.write(f"{os.getpid()} {','.join(map(str, seeds))}\n")
        time.sleep(self.pause * len(seeds))
        return [self._one(seed) for seed in seeds]

    def _one(self, seed):
        values = self.change(self.scale * np.random.default_rng(seed).standard_normal(self.sizes).ravel())
        return Outcome({"error": values[0], "dead": float(seed % 3)}, (Series("error", (1, 2), tuple(values[:2])),))

    def fingerprint(self, seed):
        return f"normal {seed}"


@dataclass(frozen=True)
class Fails:
    """Goes wrong with some seeds, in a way of its own for each."""

    memory: bool = False

    def __call__(self, seeds):
        if self.memory:
            raise MemoryError
        if 43 in seeds:
            raise ZeroDivisionError("of what?\nof nothing")
        return [
            Outcome({"error": float("inf")}, failure="diverged at step 41, loss 3e+08")
            if seed == 44
            else Outcome({"error": 1.0})
            for seed in seeds
        ]

    def fingerprint(self, seed):
        return f"failing {seed}"


@dataclass(frozen=True)
class Short:
    """Keeps one outcome to itself."""

    def __call__(self, seeds):
        return [Outcome({"error": 0.0}) for _ in seeds[1:]]

    def fingerprint(self, seed):
        return f"short {seed}"


@dataclass(frozen=True)
class Kills:
    """Kills the process that it runs in: with seed `poison` always, with seed `once` unless `flag` is there by then."""

    flag: str
    once: int = -1
    poison: int = -1
    log: str = ""

    def __call__(self, seeds):
        if self.log:
            with Path(self.log).open("a") as file:
                file.write(f"{os.getpid()} {','.join(map(str, seeds))}\n")
        if self.poison in seeds or (self.once in seeds and not Path(self.flag).exists()):
            Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return [Outcome({"error": float(seed), "dead": 0.0}) for seed in seeds]

    def fingerprint(self, seed):
        return f"killing {seed}"


@dataclass(frozen=True)
class Threads:
    """How many threads the libraries of a worker were told to use."""

    def __call__(self, seeds):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        return [Outcome({name: float(os.environ.get(name, "nan")) for name in names}) for _ in seeds]

    def fingerprint(self, seed):
        return f"none {seed}"


METRICS = (Metric("error", "Error", "A number."), Metric("dead", "Dead", "Another."))


def design(*works, seeds=range(42, 45), name="tiny", metrics=METRICS):
    """Return a study of some works, one arm each."""
    arms = tuple(Arm(f"arm {number}", work, "all") for number, work in enumerate(works))
    return Design(name, "Tiny", "None.", arms, metrics, "arm 0", factor="none", seeds=tuple(seeds))


def slow(*, quick=False):
    """Return the study that drivers are killed in: 24 cells of 50 ms, or of none, with both other kinds of end."""
    pause = 0.0 if quick else 0.05
    works = (Draw(1.0, pause=pause), Draw(2.0, pause=pause), Fails(), Draw(3.0, pause=pause))
    return design(*works, seeds=range(42, 48), name="slow")

"""Random numbers that a network can keep, repeat and compile: a pure function of a key.

A `torch.Generator` neither enters a compiled graph nor a state dict. A key does: two integers, a seed and a counter, in a
tensor that travels with the module. The same key gives the same numbers on the same kind of device; nothing global is
touched.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zador.validation import as_count

__all__ = ["drawn_key", "new_key", "uniform"]

# splitmix64 [steele2014fast]: neighbouring keys give unrelated seeds.
_MASK = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def new_key(seed: int, stream: int = 0) -> Tensor:
    """Return the key (2,) int64 of a stream of random numbers: (seed mixed with the stream, counter 0).

    Args:
        seed: a whole number >= 0.
        stream: tells apart the streams of one seed.

    Raises:
        UsageError: the seed is no whole number of at least 0.

    >>> new_key(7).tolist() == new_key(7).tolist(), new_key(7).tolist() == new_key(7, 1).tolist()
    (True, False)
    """
    return torch.tensor([_mixed(as_count(seed, "seed", least=0), stream), 0], dtype=torch.int64)


def drawn_key(seed: int, number: Tensor, stream: int = 0) -> Tensor:
    """Return the key (2,) of draw `number` (0-d int64) of a stream: a counter that somebody else keeps.

    >>> drawn_key(7, torch.tensor(0)).equal(new_key(7))
    True
    """
    first = torch.full_like(number, _mixed(as_count(seed, "seed", least=0), stream))
    return torch.stack([first, number])


def uniform(key: Tensor, size: list[int]) -> Tensor:
    """Return `size` independent float32 numbers, uniform in [0, 1), that `key` alone decides.

    Whoever draws adds 1 to `key[1]` afterwards; drawing twice with one key gives the same numbers twice.

    Args:
        key: (2,) int64, from `new_key`.
        size: shape of the result.

    Returns:
        Numbers on the device of `key`. Draws inside `torch.compile` are those outside.

    >>> key = new_key(7)
    >>> uniform(key, [3]).equal(uniform(key, [3])), uniform(key, [3]).equal(uniform(key + torch.tensor([0, 1]), [3]))
    (True, False)
    """
    drawn: Tensor = _uniform(key, size)
    return drawn


@torch.library.custom_op("zador::uniform", mutates_args=())
def _uniform(key: Tensor, size: list[int]) -> Tensor:
    seed, counter = key.tolist()
    generator = torch.Generator(device=key.device).manual_seed(_mixed(seed, counter))
    return torch.rand(size, generator=generator, device=key.device, dtype=torch.float32)


@_uniform.register_fake
def _(key: Tensor, size: list[int]) -> Tensor:
    return torch.empty(size, device=key.device, dtype=torch.float32)


def _mixed(seed: int, number: int) -> int:
    """Return 63 bits that depend on every bit of both."""
    mixed = (seed + (number + 1) * _GOLDEN) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * _FIRST) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * _SECOND) & _MASK
    return (mixed ^ (mixed >> 31)) >> 1

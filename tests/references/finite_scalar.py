"""Finite scalar quantization one number at a time, from the list of the levels, in float64 and Python integers."""

from __future__ import annotations

import math


def grid(level, *, symmetric):
    """Return the numbers a coordinate of so many levels can take, ascending."""
    if symmetric:
        return [2 * k / (level - 1) - 1 for k in range(level)]
    return [k / (level // 2) - 1 for k in range(level)]


def bounded(number, level, *, symmetric):
    """Return the squashed number, such that 0 stays 0 for more than two levels, with the 10⁻³ of the paper."""
    if symmetric:
        return math.tanh(number)
    half = (level - 1) * (1 - 1e-3) / 2
    offset = 0.5 if level % 2 == 0 else 0.0
    shift = math.atanh(offset / half) if level > 2 else 0.0
    return (math.tanh(number + shift) * half - offset) / (level // 2)


def selected(row, levels, *, symmetric):
    """Return the index and the values nearest to a bounded row, by looking at every level of every coordinate."""
    index, weight, values = 0, 1, []
    for number, level in zip(row, levels, strict=True):
        points = grid(level, symmetric=symmetric)
        distances = [abs(number - point) for point in points]
        best = max(k for k in range(level) if distances[k] == min(distances))
        index, weight = index + weight * best, weight * level
        values.append(points[best])
    return index, values


def digits(index, levels):
    """Return the level of each coordinate of an index, the first coordinate counting fastest."""
    found = []
    for level in levels:
        index, digit = divmod(index, level)
        found.append(digit)
    return found

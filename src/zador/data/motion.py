"""Frames of motion with a known answer: limbs that swing, and which movement and phase each frame is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.errors import UsageError
from zador.validation import as_count, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Motion", "motion"]

_LIMBS, _ANGLES = 4, 2
_SWING = (0.35, 0.12)
"""Root mean square of the coefficients of the first and the second harmonic, in radians: limbs swing by some 30 degrees."""
_POSTURE = 0.15
"""Standard deviation, between sequences, of every angle at rest, in radians: bodies differ."""
_SLOWEST, _FASTEST = 1 / 40, 1 / 16
"""Cycles a frame, of classes."""
_TEMPO, _STRENGTH = 0.1, 0.2
"""Standard deviation between sequences of the logarithms of tempo and amplitude."""
_FADE = 5
"""Frames over which one movement turns into the next."""


@dataclass(frozen=True, eq=False)
class Motion:
    """N sequences of T frames of J joints.

    Attributes:
        frames: (N, T, 3J) float64, positions x, y, z of one joint after the other; a limb is 1 long.
        labels: (N, T) int64, which movement a frame is of; one number a sequence where `activities` is 1.
        phases: (N, T) float64, place in the cycle of that movement, radians in [0, 2 pi).
        tempi: (N,) float64, how much faster a sequence is than its classes.
        amplitudes: (N,) float64, how much wider its movements are.
    """

    frames: NDArray[np.float64]
    labels: NDArray[np.int64]
    phases: NDArray[np.float64]
    tempi: NDArray[np.float64]
    amplitudes: NDArray[np.float64]


def motion(
    *,
    sequences: int = 200,
    frames: int = 64,
    joints: int = 20,
    classes: int = 10,
    activities: int = 1,
    noise: float = 0.02,
    seed: int | np.random.Generator = 42,
) -> Motion:
    """Draw p_j(t) = p_parent(t) + l (sin a cos b, sin a sin b, -cos a) + noise, angles (a, b) as sums of sinusoids.

    The angles of joint j are those of its parent plus rho_j + delta_nj + s_n Im sum_h C_chj exp(i h phi_n(t)), h = 1, 2: the
    pose at rest rho and the complex coefficients C_c of class c are shared by all sequences, the posture delta_n, the
    amplitude s_n and the tempo r_n belong to sequence n, whose phase goes on by 2 pi r_n f_c a frame, f_c the frequency
    of its class. Four limbs hang from one root at the origin: the parent of joint j is joint j - 4. Classes share the pose
    at rest, and differ in amplitudes, relations between joints and frequency: several frames tell them apart, one does
    not for certain. They are balanced over sequences (over first activities where there are several).

    Synthetic: it has what frames of a body have (far fewer degrees of freedom than coordinates, joints bound to each
    other, curved paths that are run through again and again) and no recording behind it.

    Args:
        sequences: N.
        frames: T, of each.
        joints: J.
        classes: C, movements that there are.
        activities: movements of one sequence, one after the other, no two neighbours alike; each lasts at least half of
            its even share of the frames, and the coefficients fade from one to the next over five frames.
        noise: standard deviation of what is added to every coordinate, as a share of a limb's length.
        seed: a number >= 0, or a generator; draws everything, the classes too.

    Raises:
        UsageError: a number is out of its range, or `activities` that T or C does not allow.

    >>> drawn = motion(sequences=6, frames=32, joints=8, classes=3)
    >>> drawn.frames.shape, drawn.labels[:, 0].tolist()
    ((6, 32, 24), [2, 2, 0, 0, 1, 1])
    """
    sequences, frames = as_count(sequences, "sequences"), as_count(frames, "frames")
    joints, classes = as_count(joints, "joints"), as_count(classes, "classes")
    activities = as_count(activities, "activities")
    if activities > 1 and (classes == 1 or frames < 2 * activities):
        raise UsageError(
            f"activities: {activities} in a sequence need at least 2 classes and {2 * activities} frames, "
            f"got classes={classes} and frames={frames}"
        )
    if not 0.0 <= noise < np.inf:
        raise UsageError(f"noise: expected a finite number >= 0, got {noise}")
    rng = generator(seed)
    shape = (joints, _ANGLES)
    rest = rng.uniform(-0.5, 0.5, shape)
    rest[:_LIMBS, 1] += np.arange(len(rest[:_LIMBS])) * (2 * np.pi / _LIMBS)
    swing = np.array(_SWING)[:, None, None] * (rng.standard_normal((2, classes, 2, *shape)) / np.sqrt(2))
    frequencies = np.exp(rng.uniform(np.log(_SLOWEST), np.log(_FASTEST), classes))
    labels = _labels(rng, (sequences, frames), classes, activities)
    tempi, amplitudes = np.exp(np.array([[_TEMPO], [_STRENGTH]]) * rng.standard_normal((2, sequences)))
    posture = rest + _POSTURE * rng.standard_normal((sequences, *shape))
    steps = 2 * np.pi * tempi[:, None] * frequencies[labels]
    phases = np.mod(rng.uniform(0, 2 * np.pi, (sequences, 1)) + np.cumsum(steps, axis=1) - steps, 2 * np.pi)
    cycle = np.exp(1j * phases[..., None] * np.array([1, 2]))
    coefficients = np.tensordot(_weights(labels, classes), swing[0] + 1j * swing[1], axes=1)
    angles = posture[:, None] + amplitudes[:, None, None, None] * np.einsum("nth,nthjk->ntjk", cycle, coefficients).imag
    positions = _positions(angles).reshape(sequences, frames, 3 * joints)
    return Motion(positions + noise * rng.standard_normal(positions.shape), labels, phases, tempi, amplitudes)


def _labels(rng: np.random.Generator, shape: tuple[int, int], classes: int, activities: int) -> NDArray[np.int64]:
    """Return (N, T) classes: balanced first ones, each next one another than the last, cut at random frames."""
    sequences, frames = shape
    first = rng.permutation(sequences) % classes
    if activities == 1:
        return np.repeat(first[:, None], frames, axis=1)
    onward = rng.integers(1, classes, (sequences, activities - 1))
    order = np.cumsum(np.column_stack([first, onward]), axis=1) % classes
    least = frames // (2 * activities)
    spread = np.sort(rng.integers(0, frames - activities * least + 1, (sequences, activities - 1)), axis=1)
    cuts = spread + least * np.arange(1, activities)
    which = (np.arange(frames)[:, None] >= cuts[:, None, :]).sum(axis=2)
    return np.take_along_axis(order, which, axis=1)


def _weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return (N, T, C), how much of each class a frame moves by: a running mean of the labels, ends repeated."""
    padded = np.pad(labels, ((0, 0), (_FADE // 2, _FADE // 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FADE, axis=1)
    return np.asarray((windows[..., None] == np.arange(classes)).mean(axis=2))


def _positions(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, T, J, 3) of joints with (N, T, J, 2) angles to their parents."""
    joints = angles.shape[2]
    length = 1.0 / -(-joints // _LIMBS)
    angles, positions = angles.copy(), np.empty((*angles.shape[:3], 3))
    for joint in range(joints):
        parent = joint - _LIMBS
        if parent >= 0:
            angles[:, :, joint] += angles[:, :, parent]
        bend, turn = angles[:, :, joint, 0], angles[:, :, joint, 1]
        way = np.stack([np.sin(bend) * np.cos(turn), np.sin(bend) * np.sin(turn), -np.cos(bend)], axis=-1)
        positions[:, :, joint] = length * way + (positions[:, :, parent] if parent >= 0 else 0.0)
    return positions

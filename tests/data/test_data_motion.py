"""Motion is made of limbs of fixed length that swing with a period, and it knows its answer."""

import numpy as np
import pytest

from references import kinematics
from zador.data import motion
from zador.data.motion import _positions
from zador.errors import UsageError

LIMBS = 4


def segments(frames):
    """Return (N, T, J, 3), each joint's position less that of its parent."""
    positions = frames.reshape(*frames.shape[:2], -1, 3)
    parents = np.concatenate([np.zeros_like(positions[:, :, :LIMBS]), positions[:, :, :-LIMBS]], axis=2)
    return positions - parents


def test_positions_are_those_of_chains_followed_joint_by_joint():
    """The vectorised chain agrees with the written-out one, to rounding of sums of at most six terms."""
    angles = np.random.default_rng(3).normal(size=(2, 3, 10, 2))
    expected = [[kinematics.positions(angles[n, t]) for t in range(3)] for n in range(2)]
    np.testing.assert_allclose(_positions(angles).reshape(2, 3, 30), expected, rtol=0, atol=20 * np.finfo(float).eps)


@pytest.mark.parametrize(("joints", "length"), [(20, 1 / 5), (9, 1 / 3), (2, 1.0)])
def test_bones_keep_their_length(joints, length):
    """Without noise every joint is one bone away from its parent in every frame, for any number of joints."""
    drawn = motion(sequences=3, frames=20, joints=joints, noise=0.0)
    np.testing.assert_allclose(np.linalg.norm(segments(drawn.frames), axis=-1), length, rtol=1e-12)


def test_noise_has_the_standard_deviation_that_was_asked_for():
    """Two draws that differ in the noise alone differ by it, within 5 standard errors of a standard deviation."""
    clean, noisy = (motion(sequences=20, frames=50, noise=noise).frames for noise in (0.0, 0.1))
    difference = noisy - clean
    assert abs(difference.std() - 0.1) < 5 * 0.1 / np.sqrt(2 * difference.size)


def test_equal_phases_of_one_sequence_are_equal_frames():
    """A sequence of one movement is a closed curve: frames whose phases agree agree, and others do not."""
    drawn = motion(sequences=4, frames=600, joints=8, noise=0.0)
    for frames, phases in zip(drawn.frames, drawn.phases, strict=True):
        order = np.argsort(phases)
        near = np.linalg.norm(np.diff(frames[order], axis=0), axis=1) / np.diff(phases[order])
        # What a frame moves by in a radian is bounded: two harmonics, angles that add up along two bones.
        assert near.max() < 10
        assert np.linalg.norm(frames[0] - frames[np.argmin(np.abs(phases - (phases[0] + np.pi) % (2 * np.pi)))]) > 0.05


def test_phases_advance_by_tempo_times_the_frequency_of_the_class():
    """Steps of the phase, divided by the tempo, are one number a class."""
    drawn = motion(sequences=30, frames=20, classes=3, activities=2)
    steps = np.mod(np.diff(drawn.phases, axis=1), 2 * np.pi) / drawn.tempi[:, None]
    for label in range(3):
        of_class = steps[drawn.labels[:, :-1] == label]
        np.testing.assert_allclose(of_class, of_class[0], rtol=1e-9)


def test_labels_are_balanced_and_neighbours_differ():
    """Classes share the sequences evenly; with activities there are as many runs as asked for, none below its least."""
    single = motion(sequences=30, frames=10, joints=4, classes=4)
    assert (single.labels == single.labels[:, :1]).all()
    assert set(np.bincount(single.labels[:, 0])) == {7, 8}
    several = motion(sequences=30, frames=60, joints=4, classes=2, activities=5)
    for labels in several.labels:
        cuts = np.flatnonzero(np.diff(labels)) + 1
        assert len(cuts) == 4
        assert np.diff([0, *cuts, 60]).min() >= 6


def test_a_change_of_movement_is_no_jump():
    """At a cut joints move hardly further than elsewhere: coefficients fade."""
    drawn = motion(sequences=40, frames=60, activities=2, noise=0.0)
    moved = np.linalg.norm(np.diff(drawn.frames, axis=1), axis=2)
    at_cut = np.diff(drawn.labels, axis=1) != 0
    assert moved[at_cut].mean() < 3 * moved[~at_cut].mean()


def test_a_seed_draws_the_same_bits_and_another_seed_others():
    """The whole record repeats."""
    first, again, other = (motion(sequences=3, frames=5, seed=seed) for seed in (1, 1, 2))
    for name in ("frames", "labels", "phases", "tempi", "amplitudes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.frames != other.frames).any()


def test_movements_are_told_apart_over_time_and_less_well_by_a_frame():
    """The nearest other sequence is of the same movement: by spectra for over 90 %, by a frame for under 70 %."""
    drawn = motion(sequences=400)
    labels = drawn.labels[:, 0]
    spectra = np.abs(np.fft.rfft(drawn.frames, axis=1))[:, 1:8].reshape(400, -1)
    for vectors, least, most in ((spectra, 0.9, 1.0), (drawn.frames[:, 0], 0.1, 0.7)):
        distances = np.square(vectors).sum(axis=1) - 2 * vectors @ vectors.T
        np.fill_diagonal(distances, np.inf)
        assert least < (labels[distances.argmin(axis=1)] == labels).mean() < most


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        ({"sequences": 0}, "sequences"),
        ({"frames": 0}, "frames"),
        ({"joints": 0}, "joints"),
        ({"classes": 0}, "classes"),
        ({"activities": 2, "classes": 1}, "activities"),
        ({"activities": 4, "frames": 7}, "activities"),
        ({"noise": -1.0}, "noise"),
        ({"noise": float("nan")}, "noise"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_sizes_are_named(sizes, names):
    """What cannot be drawn is refused in a line that starts with its name."""
    with pytest.raises(UsageError, match=names):
        motion(**sizes)

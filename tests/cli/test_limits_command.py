"""`zador limits` as it is typed: the ladder, its picture, a measured error, vectors, and mistakes."""

import json

import numpy as np
import pytest

from zador.theory import gaussian


def test_the_ladder_of_a_spectrum_has_every_rung(zador_here):
    """Two codewords have closed forms for floor and best codebook: the whole ladder in a moment."""
    done = zador_here("limits", "--spectrum", "4,2,1,0.25", "--encoder-dim", "2", "-k", "2", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["limits"][0]
    rungs = {rung["label"]: rung["distortion"] for rung in found["rungs"]}
    assert rungs["K-point floor"] == pytest.approx(7.25 - 8 / np.pi)
    assert rungs["best known codebook"] == pytest.approx(7.25 - 8 / np.pi)
    assert rungs["Shannon bound"] == pytest.approx(gaussian.distortion_rate([4, 2, 1, 0.25], 1.0))
    assert rungs["random R(D) codebook"] > rungs["best known codebook"]


def test_a_measured_error_below_the_floor_is_questioned(zador_here):
    """A mean over coordinates in the place of a sum is the usual reason."""
    done = zador_here("limits", "--spectrum", "1,1,1,1", "-k", "2", "--measured", "0.9")
    assert done.code == 0, done.err
    assert "units or leakage?" in done.err
    assert "a mean over coordinates?" in done.err


@pytest.fixture(name="folder")
def _folder(tmp_path):
    x = np.random.default_rng(0).standard_normal((600, 2)) * [2.0, 1.0]
    np.save(tmp_path / "x.npy", x)
    return tmp_path


def test_vectors_get_a_floor_of_their_own_a_band_and_a_picture(zador_here, folder):
    """A codebook fitted to the vectors is taken apart, R(D) is bounded, and everything is drawn."""
    assert zador_here("fit", "x.npy", "-k", "2", "-o", "book").code == 0
    done = zador_here("limits", "--data", "x.npy", "-k", "2", "--with", "book", "--curve", "0.5", "--plot", "a.svg")
    assert done.code == 0, done.err
    for words in ("K-point floor of these vectors", "codebook sub-optimality", "R(D) of these vectors", "Gaussian rungs"):
        assert words in done.out
    assert "<svg" in (folder / "a.svg").read_text()


def test_few_vectors_are_warned_of(zador_here, folder):
    """A covariance from fewer than ten vectors a dimension spreads."""
    np.save(folder / "x.npy", np.random.default_rng(0).standard_normal((30, 5)))
    done = zador_here("limits", "--data", "x.npy", "-k", "2", "--quick")
    assert done.code == 0, done.err
    assert "n = 30 < 10 d = 50" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--spectrum", "4,2", "--curve", "1"], "--curve"),
        (["--spectrum", "4,2", "--with", "book"], "--with"),
        (["--data", "x.npy", "--with", "book", "--encoder-dim", "1"], "--encoder-dim"),
        (["--spectrum", "4,2", "--quick", "--measured", "1"], "--measured"),
        (["--spectrum", "4,2", "--plot", "a.gif"], ".svg"),
        (["--spectrum", "4,2", "--plot", "nowhere/a.svg"], "nowhere"),
        (["--data", "x.npy", "--curve", "0"], "--curve"),
        (["--data", "x.npy", "--curve", "a"], "--curve"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_mistakes_are_told_in_one_line(zador_here, arguments, message):
    """Exit code 2 before any work."""
    done = zador_here("limits", *arguments, "-k", "2")
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err

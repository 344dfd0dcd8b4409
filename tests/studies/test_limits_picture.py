"""Expectations of the picture of the ladder."""

from pathlib import Path

import numpy as np
import pytest

from zador.errors import UsageError
from zador.studies.limits_picture import draw
from zador.theory.limits import limits
from zador.theory.sandwich import sandwich


@pytest.fixture(name="ladders")
def _ladders():
    return [limits([4.0, 2.0, 1.0, 0.25], codebook_size=size, encoder_dim=2) for size in (1, 2)]


def test_every_rung_has_its_place_in_the_picture(ladders, tmp_path: Path):
    """Labels of all rungs, the measured value and no formatted powers of ten."""
    file = tmp_path / "ladder.svg"
    rungs = [ladder.rungs() for ladder in ladders]
    draw(str(file), ladders, rungs, measured=3.5)
    text = file.read_text()
    assert all(f">{rung.label}<" in text for column in rungs for rung in column)
    assert "measured 3.5" in text
    assert "mathdefault" not in text


def test_the_same_ladder_is_the_same_file(ladders, tmp_path: Path):
    """No date, no random identifiers."""
    rungs = [ladder.rungs(searched=False) for ladder in ladders]
    for name in ("a.svg", "b.svg"):
        draw(str(tmp_path / name), ladders, rungs)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_band_is_drawn_and_says_how_sure_it_is(ladders, tmp_path: Path):
    """The band's label names the confidence of the whole."""
    band = sandwich(np.random.default_rng(0).standard_normal((400, 1)), rates=[0.5])
    draw(str(tmp_path / "band.svg"), ladders, [ladder.rungs(searched=False) for ladder in ladders], band=band)
    assert "R(D) of the vectors, 99%" in (tmp_path / "band.svg").read_text()


@pytest.mark.parametrize("name", ["ladder.gif", "ladder"])
def test_other_formats_are_refused(ladders, name: str):
    """One line names those that exist."""
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf"):
        draw(name, ladders, [ladder.rungs(searched=False) for ladder in ladders])


def test_png_and_pdf_are_what_they_say(ladders, tmp_path: Path):
    """The ending decides."""
    for ending, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        draw(str(tmp_path / f"a.{ending}"), ladders, [ladder.rungs(searched=False) for ladder in ladders])
        assert (tmp_path / f"a.{ending}").read_bytes().startswith(magic)

"""Marks of arms: told apart by shape, by colour whatever the reader's eyes, and by fill where a coder is needed."""

from __future__ import annotations

import itertools
import re
from importlib import resources

import numpy as np
import pytest

from zador.studies.page.looks import SHAPES, glyph, looks

EYES = {
    "all colours": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What light becomes, by the model of Machado, Oliveira and Fernandes."""


def cielab(colour, eyes):
    """The colour as it is seen, in coordinates in which 2.3 is a difference that is just noticed."""
    shares = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    light = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(eyes) @ light, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ seen / [0.9505, 1.0, 1.089]
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def outline(drawn):
    """The shape of a glyph, whatever its colour and fill."""
    return re.search(r' d="(.*?)"', drawn)[1]


def of(count):
    """The looks of so many arms."""
    return list(looks({f"method {place}": False for place in range(count)}).values())


def test_every_arm_has_its_own_mark():
    """Shape and colour together tell 64 arms apart, and the shape alone sixteen."""
    glyphs = [glyph(look) for look in of(64)]
    assert len(set(glyphs)) == 64
    assert len({outline(drawn) for drawn in glyphs[:16]}) == 16


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("eyes", EYES)
def test_marks_of_one_shape_differ_in_colour_for_all_eyes(mode, eyes):
    """Of 32 arms no two have shape and colour alike for a reader who lacks a kind of cones, by day or by night."""
    css = (resources.files("zador.studies.page") / "report.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(series-\d): (#\w{6})", css.split("@media")[mode == "dark"]))
    for one, other in itertools.combinations(of(32), 2):
        if one.shape is other.shape:
            apart = cielab(colours[one.role], EYES[eyes]) - cielab(colours[other.role], EYES[eyes])
            assert np.linalg.norm(apart) > 10


def test_the_place_among_the_names_decides():
    """Names are given their shapes in turn."""
    found = looks({"a": False, "b": False, "c": False})
    assert list(found) == ["a", "b", "c"]
    assert [look.shape for look in found.values()] == list(SHAPES[:3])


def test_entropy_coded_arms_are_hollow():
    """A mark that needs an entropy coder is an outline, in the legend and for plots alike."""
    full, hollow = looks({"a": False, "c": True}).values()
    assert not full.hollow
    assert full.marks["markerfacecolor"] == full.marks["color"]
    assert hollow.hollow
    assert hollow.marks["markerfacecolor"] != hollow.marks["color"]
    assert 'fill="none" stroke=' in glyph(hollow)
    assert 'fill="none"' not in glyph(full)

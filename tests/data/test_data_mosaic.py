"""Patches become pictures again, and a note about them is believed only as far as it fits."""

import json

import numpy as np
import pytest
from PIL import Image

from zador.data import Mosaic, Picture, Vectors, cut_patches, join_patches, load
from zador.errors import DataError, FormatError


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(8, 8), (17, 30), (24, 8, 3), (9, 31, 3)])
@pytest.mark.parametrize("patch", [1, 3, 8])
def test_joining_undoes_cutting(shape, patch):
    """What was cut into patches is whole again, less the edges that filled none."""
    pixels = noise(*shape)
    rows, columns = shape[0] // patch, shape[1] // patch
    joined = join_patches(cut_patches(pixels, patch), columns, (patch, patch, *shape[2:]))
    np.testing.assert_array_equal(joined, pixels[: rows * patch, : columns * patch])


def test_blocks_that_make_no_picture_are_refused(refused):
    """Other lengths, half rows, no columns: the message says what was asked for."""
    blocks = np.zeros((6, 4))
    refused(DataError, lambda: join_patches(blocks, 3, (2, 3)), "(N, 6)", "(6, 4)")
    refused(DataError, lambda: join_patches(blocks, 4, (2, 2)), "rows of 4")
    refused(DataError, lambda: join_patches(blocks, 0, (2, 2)), "rows of 0")
    refused(DataError, lambda: join_patches(blocks[0], 1, (2, 2)), "(4,)")


def test_vectors_know_their_pictures(tmp_path):
    """Names relative to the folder, rows and columns of patches, and the pixels that filled none."""
    for name, shape in {"b.png": (8, 19, 3), "sub/a.png": (21, 8, 3)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(noise(*shape)).save(tmp_path / name)
    assert load(tmp_path).pictures == (Picture("b.png", 1, 2, 0, 3), Picture("sub/a.png", 2, 1, 5, 0))
    assert load(tmp_path / "sub" / "a.png").pictures == (Picture("a.png", 2, 1, 5, 0),)
    assert load("photos", patch=16).pictures == (Picture("china.jpg", 26, 40, 11, 0), Picture("flower.jpg", 26, 40, 11, 0))
    assert load("digits").pictures is None
    assert load("linear-gaussian").pictures is None


def test_pictures_do_not_enter_the_fingerprint():
    """Where vectors come from is no part of what they are."""
    array = np.eye(4)
    assert Vectors(array, "a", pictures=(Picture("x", 2, 2),)).fingerprint == Vectors(array, "a").fingerprint


def through_json(mosaic, vectors):
    note = json.loads(json.dumps(mosaic.note()))
    return Mosaic.read(note, count=len(vectors), dim=vectors.array.shape[1], source="x.tok")


@pytest.mark.parametrize("pieces", [1, 3, 50])
@pytest.mark.parametrize("colours", [(), (3,)])
def test_pictures_come_back_from_patches_in_pieces_of_any_length(tmp_path, colours, pieces):
    """Cut, noted, read, assembled: the pixels of every picture, whatever way the vectors arrive."""
    pictures = [noise(20, 33, *colours, seed=1), noise(8, 8, *colours, seed=2), noise(40, 16, *colours, seed=3)]
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    vectors = load(tmp_path)
    mosaic = through_json(Mosaic.of(vectors), vectors)
    assert mosaic == Mosaic.of(vectors)
    joined = list(mosaic.assemble(np.array_split(vectors.array, pieces)))
    for pixels, found in zip(pictures, joined, strict=True):
        np.testing.assert_array_equal(found, pixels[: len(pixels) // 8 * 8, : pixels.shape[1] // 8 * 8])


def test_single_vectors_are_numbered_pictures():
    """Digits: one word of note for all names; black and white are those of the value range."""
    vectors = load("digits")
    mosaic = through_json(Mosaic.of(vectors), vectors)
    assert [picture.name for picture in mosaic.pictures[:2]] == ["digits-0000", "digits-0001"]
    assert len(json.dumps(mosaic.note())) < 80
    first = next(mosaic.assemble([vectors.array]))
    np.testing.assert_array_equal(first, np.rint(vectors.array[0].reshape(8, 8).astype(float) * 255 / 16))


def test_values_are_rounded_and_clipped():
    """To the nearest whole number, halves to even; beyond black and white there is nothing."""
    mosaic = Mosaic((1, 8), (0.0, 255.0), (Picture("x", 1, 1),))
    values = np.array([[-3.0, 0.4, 0.5, 1.5, 254.6, 255.4, 256.0, 1e30]], np.float32)
    assert next(mosaic.assemble([values])).tolist() == [[0, 0, 0, 2, 255, 255, 255, 255]]
    spread = Mosaic((1, 4), (-1.0, 1.0), (Picture("x", 1, 1),))
    assert next(spread.assemble([np.array([[-1.0, 0.0, 1.0, 1e308]])])).tolist() == [[0, 128, 255, 255]]


def test_too_few_vectors_are_refused(refused):
    """A picture that is not complete is not shown."""
    mosaic = Mosaic((2, 2), (0.0, 255.0), (Picture("x", 2, 2),))
    refused(DataError, lambda: next(mosaic.assemble([np.zeros((3, 4))])), "got fewer")


def test_what_is_no_picture_has_no_mosaic():
    """Plain vectors have none to note, and a file without a note none to read."""
    assert Mosaic.of(load("linear-gaussian")) is None
    assert Mosaic.read({"title": "mine"}, count=1, dim=1, source="x.tok") is None


def test_other_notes_may_stand_beside():
    """What else somebody wrote into the file is passed over."""
    note = {"patch": [2, 2], "range": [0, 1], "pictures": [["x", 1, 1, 0, 0]], "title": "mine"}
    assert Mosaic.read(note, count=1, dim=4, source="x.tok").pictures == (Picture("x", 1, 1),)


def test_a_file_name_that_is_no_text_is_noted_as_far_as_it_is():
    """Bytes that no encoding explains become question marks instead of an error at the end."""
    mosaic = Mosaic((2, 2), (0.0, 1.0), (Picture("caf\udce9.png", 1, 1),))
    assert json.dumps(mosaic.note(), ensure_ascii=False).encode()
    assert mosaic.note()["pictures"] == [("caf?.png", 1, 1, 0, 0)]


GOOD = {"patch": [2, 2], "range": [0, 255], "pictures": [["x", 2, 3, 0, 0]]}


@pytest.mark.parametrize(
    ("wrong", "count"),
    [
        ({"pictures": [["x", 2, 2, 0, 0]]}, 6),
        ({"pictures": [["x", 2, 3, 0, 0], ["y", 1, 1, 0, 0]]}, 6),
        ({"pictures": [["x", -2, -3, 0, 0]]}, 6),
        ({"pictures": [["x", 0, 3, 0, 0]]}, 0),
        ({"pictures": [["x", 2, 3, -1, 0]]}, 6),
        ({"pictures": [["x", 10**400, 1, 0, 0]]}, 6),
        ({"pictures": [["x", 1 << 14, 1 << 14, 0, 0]]}, 1 << 28),
        ({"pictures": [["x", 2, 3]]}, 6),
        ({"pictures": [[1, 2, 3, 0, 0]]}, 6),
        ({"pictures": None}, 6),
        ({"pictures": 7}, 6),
        ({"pictures": "x" * 300}, 6),
        ({"pictures": "x"}, (1 << 20) + 1),
        ({"patch": [2, 3]}, 6),
        ({"patch": [4]}, 6),
        ({"patch": [-2, -2]}, 6),
        ({"patch": [1, 2, 2]}, 6),
        ({"patch": "2x2"}, 6),
        ({"range": [0, 0]}, 6),
        ({"range": [255, 0]}, 6),
        ({"range": [-1e308, 1e308]}, 6),
        ({"range": [0, 5e-324]}, 6),
        ({"range": [0, float("nan")]}, 6),
        ({"range": [0]}, 6),
    ],
    ids=str,
)
def test_a_note_that_does_not_fit_is_refused(refused, wrong, count):
    """Other counts, absurd sizes, no numbers: one line that names the file and says what still works."""
    assert Mosaic.read(GOOD, count=6, dim=4, source="x.tok").pictures == (Picture("x", 2, 3),)
    message = refused(
        FormatError, lambda: Mosaic.read({**GOOD, **wrong}, count=count, dim=4, source="x.tok"), "x.tok", "(.npy) instead"
    )
    assert len(message) < 300


@pytest.mark.parametrize("missing", ["patch", "range"])
def test_a_note_without_its_parts_is_refused(refused, missing):
    """Pictures without the shape of a patch, or without black and white, cannot be shown."""
    note = {key: value for key, value in GOOD.items() if key != missing}
    refused(FormatError, lambda: Mosaic.read(note, count=6, dim=4, source="x.tok"), missing)

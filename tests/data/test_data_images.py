"""Pictures become patches that can be put together again, or are refused by name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zador.data import load
from zador.errors import DataError, FormatError, UsageError


def noise(*shape):
    """Return random pixels, the same for the same shape."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def save(path, pixels, mode=None):
    """Write an image, in another mode if asked, and return its path."""
    path.parent.mkdir(exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path)
    return path


def blocks_one_by_one(pixels, patch):
    """Return the patches, cut by a plain loop."""
    rows, columns = pixels.shape[0] // patch, pixels.shape[1] // patch
    corners = [(i * patch, j * patch) for i in range(rows) for j in range(columns)]
    return np.array([pixels[i : i + patch, j : j + patch].ravel() for i, j in corners])


@pytest.mark.parametrize("shape", [(19, 25), (19, 25, 3)])
def test_image_is_cut_into_patches_and_its_edges_cropped(tmp_path, shape):
    """A grey or RGB image gives the blocks that a double loop cuts, as float32 from 0 to 255."""
    pixels = noise(*shape)
    vectors = load(save(tmp_path / "x.png", pixels))
    np.testing.assert_array_equal(vectors.array, blocks_one_by_one(pixels, 8))
    assert vectors.array.dtype == np.float32
    assert vectors.picture_shape == (8, 8, *shape[2:])
    assert vectors.value_range == (0.0, 255.0)
    np.testing.assert_array_equal(vectors.array[1].reshape(vectors.picture_shape), pixels[:8, 8:16])


def test_folder_gives_the_patches_of_all_images_in_order_of_their_paths(tmp_path, monkeypatch):
    """Subfolders count, other and hidden files do not, images may differ in size, and the disk's order does not show."""
    listed = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda folder, pattern: sorted(listed(folder, pattern), reverse=True))
    folder = tmp_path / "pictures"
    second = save(folder / "b.png", noise(8, 16, 3))
    first = save(folder / "a.bmp", 255 - noise(16, 8, 3))
    third = save(folder / "sub" / "c.PNG", noise(8, 8, 3) // 2)
    save(folder / ".hidden.png", noise(8, 8))
    (folder / "notes.txt").write_text("not an image")
    vectors = load(folder)
    alone = [load(path).array for path in (first, second, third)]
    np.testing.assert_array_equal(vectors.array, np.concatenate(alone))
    assert vectors.name == "pictures"
    assert len(vectors) == 2 + 2 + 1


def test_folder_with_a_dot_in_its_name_is_a_folder(tmp_path):
    """What a path is decides how it is read, before what it is called."""
    save(tmp_path / "set.npy" / "a.png", noise(8, 8))
    assert load(tmp_path / "set.npy").array.shape == (1, 64)


def test_patch_sets_the_side_of_the_patches(tmp_path):
    """The side is the caller's choice."""
    vectors = load(save(tmp_path / "x.png", noise(9, 9)), patch=3)
    assert vectors.array.shape == (9, 9)
    assert vectors.picture_shape == (3, 3)


@pytest.mark.parametrize(("mode", "shape"), [("1", (8, 8)), ("P", (8, 8, 3)), ("RGBA", (8, 8, 3)), ("LA", (8, 8))])
def test_modes_without_loss_are_read(tmp_path, mode, shape):
    """Bilevel is grey; palettes and opaque alpha are colour or grey."""
    vectors = load(save(tmp_path / "x.png", noise(8, 8, 3), mode))
    assert vectors.picture_shape == shape


def test_other_formats_are_read(tmp_path):
    """JPEG, GIF, TIFF, WebP and PPM give as many patches as PNG."""
    for extension in ("jpg", "gif", "tiff", "webp", "ppm"):
        assert load(save(tmp_path / f"x.{extension}", noise(16, 16, 3))).array.shape == (4, 192)


def test_images_that_need_a_judgement_are_refused(tmp_path, refused):
    """Transparency, sixteen bits and print colours are for the caller to convert."""
    clear = np.full((8, 8, 4), 254, np.uint8)
    refused(DataError, lambda: load(save(tmp_path / "a.png", clear)), tmp_path / "a.png", "transparent")
    deep = np.zeros((8, 8), np.uint16)
    refused(DataError, lambda: load(save(tmp_path / "b.png", deep)), tmp_path / "b.png", "I;16")
    refused(DataError, lambda: load(save(tmp_path / "c.jpg", noise(8, 8, 3), "CMYK")), tmp_path / "c.jpg", "CMYK")


def test_grey_and_colour_do_not_mix(tmp_path, refused):
    """A folder of both names one file of each."""
    folder = tmp_path / "mixed"
    save(folder / "a.png", noise(8, 8))
    save(folder / "b.png", noise(8, 8, 3))
    refused(DataError, lambda: load(folder), f"{folder / 'b.png'} is RGB", f"{folder / 'a.png'} is grey")


def test_image_smaller_than_a_patch_is_refused(tmp_path, refused):
    """An image that would contribute nothing is named instead of dropped."""
    path = save(tmp_path / "x.png", noise(7, 20))
    refused(DataError, lambda: load(path), path, "20 x 7", "8 x 8", "patch=")


def test_folder_without_images_is_refused(tmp_path, refused):
    """Empty, or full of other things: the message says what would be read."""
    refused(DataError, lambda: load(tmp_path), tmp_path, ".png")
    (tmp_path / "x.txt").write_text("x")
    refused(DataError, lambda: load(tmp_path), tmp_path, ".png")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow also remarks on the tags of a TIFF before it gives up
@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "bmp", "tiff", "webp", "ppm"])
def test_images_cut_short_are_refused_by_name(tmp_path, refused, extension):
    """A shortened file in a folder is named, wherever it was cut."""
    path = save(tmp_path / "pictures" / f"x.{extension}", noise(16, 16, 3))
    whole = path.read_bytes()
    for length in range(0, len(whole) * 3 // 4, max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        refused(FormatError, lambda: load(path.parent), path)


def test_formats_outside_the_list_are_never_tried(tmp_path, refused):
    """Pillow could read this file; what is not one of the usual formats is refused whatever its name."""
    path = tmp_path / "x.png"
    Image.fromarray(noise(8, 8)).save(path, format="PCX")
    refused(FormatError, lambda: load(path), path)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, refused, monkeypatch):
    """Pillow's guard against decompression bombs stays on."""
    path = save(tmp_path / "x.png", noise(32, 32))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    refused(DataError, lambda: load(path), path, "too many pixels")


@pytest.mark.parametrize("patch", [0, -1, 2.5, "8", None])
def test_patch_that_is_no_size_is_refused(tmp_path, refused, patch):
    """A side is a whole number of pixels."""
    refused(UsageError, lambda: load(tmp_path, patch=patch), "patch", repr(patch))

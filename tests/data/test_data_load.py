"""Names and paths lead to the right reader, or to one line that says what can be loaded."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zador.data import BUNDLED_NAMES, load, low_rank_gaussian
from zador.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("name", "shape", "picture_shape", "value_range"),
    [("digits", (1797, 64), (8, 8), (0.0, 16.0)), ("photos", (8480, 192), (8, 8, 3), (0.0, 255.0))],
)
def test_bundled_pictures(name, shape, picture_shape, value_range):
    """The pictures have the documented sizes and fill the range they are shown in."""
    vectors = load(name)
    assert vectors.name == name
    assert vectors.array.shape == shape
    assert vectors.array.dtype == np.float32
    assert vectors.picture_shape == picture_shape
    assert vectors.value_range == value_range == (vectors.array.min(), vectors.array.max())


def test_photos_are_the_photographs_of_scikit_learn():
    """The first patch is the upper left corner of the first photograph, the last one ends at its cropped corner."""
    from sklearn.datasets import load_sample_images

    images = load_sample_images().images
    rows = load("photos").array
    np.testing.assert_array_equal(rows[0].reshape(8, 8, 3), images[0][:8, :8])
    np.testing.assert_array_equal(rows[-1].reshape(8, 8, 3), images[1][416:424, 632:640])
    assert load("photos", patch=16).array.shape == (2 * 26 * 40, 768)


def test_linear_gaussian_gives_the_training_vectors_of_the_testbed():
    """The name stands for the vectors that the protocol trains on."""
    vectors = load("linear-gaussian")
    np.testing.assert_array_equal(vectors.array, low_rank_gaussian().train)
    assert vectors.value_range == (vectors.array.min(), vectors.array.max())


def test_bundled_names_mean_the_same_in_every_directory(tmp_path, monkeypatch):
    """A file called like bundled data does not shadow it, and is reached as a path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert load("digits").array.shape == (1797, 64)
    for path in ("./digits", Path("digits"), tmp_path / "digits"):
        with pytest.raises(DataError, match="folder of images"):
            load(path)


def test_a_mistyped_name_is_answered_with_the_nearest_one(refused):
    """The hint and all that can be loaded are in one line."""
    refused(UsageError, lambda: load("digit"), "'digit'", "did you mean 'digits'?", "photos", ".npy")
    refused(UsageError, lambda: load("Linear_Gaussian"), "did you mean 'linear-gaussian'?")
    assert "did you mean" not in refused(UsageError, lambda: load("xyz"), *BUNDLED_NAMES, ".safetensors")


@pytest.mark.parametrize("name", ["missing.npy", "missing/folder", "a\0b.npy", "x" * 5000 + ".npy"])
def test_a_missing_file_is_refused(refused, name):
    """What looks like a path is told to be missing, also when no system could hold it."""
    refused(DataError, lambda: load(name), name, "no such file", "digits")


def test_an_unknown_extension_is_refused(tmp_path, refused):
    """An existing file of another kind is answered with the kinds that are read."""
    for name in ("x.docx", "x.pkl", "noextension"):
        (tmp_path / name).write_text("x")
        refused(DataError, lambda name=name: load(tmp_path / name), tmp_path / name, ".parquet", "folders of images")


@pytest.mark.parametrize("source", [None, 3, np.ones((2, 2)), b"digits"])
def test_sources_that_are_no_names_are_refused(refused, source):
    """Only names and paths are sources."""
    refused(UsageError, lambda: load(source), type(source).__name__)


def test_the_empty_name_is_not_the_current_folder(refused):
    """An empty string, as an unset shell variable gives, is no path."""
    refused(UsageError, lambda: load(""), "''")


def test_a_key_where_there_is_nothing_to_pick_is_refused(tmp_path, refused):
    """Bundled data, images and folders hold one array."""
    for source in ("digits", tmp_path):
        refused(UsageError, lambda source=source: load(source, key="a"), source, "key='a'")


def test_no_reader_imports_torch(tmp_path):
    """Reading data, bfloat16 included, works without the heaviest dependency."""
    script = (
        "import sys, numpy as np; from safetensors import TensorSpec, serialize_file; import zador.data\n"
        "bits = np.full((2, 2), 0x3F80, np.uint16)\n"
        "ones = TensorSpec(dtype='bfloat16', shape=(2, 2), data_ptr=bits.ctypes.data, data_len=8)\n"
        "serialize_file({'e': ones}, sys.argv[1])\n"
        "assert zador.data.load(sys.argv[1]).array.tolist() == [[1.0, 1.0], [1.0, 1.0]]\n"
        "zador.data.load('digits'), zador.data.load('photos')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "x.safetensors")], check=True)

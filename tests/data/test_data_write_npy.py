"""A .npy file that grows block by block, and is there whole or not at all."""

import numpy as np
import pytest

from zador.data.arrays import write_npy
from zador.errors import UsageError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1000, 7)])
def test_the_bytes_are_those_of_numpy(tmp_path, shape, dtype):
    """In one block or many, strided or not: the file that numpy.save writes."""
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    np.save(tmp_path / "expected.npy", x)
    for number, blocks in enumerate(([x], np.array_split(x, 9), [np.asfortranarray(x)])):
        write_npy(tmp_path / f"{number}.npy", blocks, x.shape, x.dtype)
        assert (tmp_path / f"{number}.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_on_the_way_leaves_what_was_there(tmp_path, error):
    """An old file stays as it was, and nothing is left beside it."""

    def blocks():
        yield np.zeros((1, 2))
        raise error

    (tmp_path / "x.npy").write_text("old")
    with pytest.raises(error):
        write_npy(tmp_path / "x.npy", blocks(), (2, 2), np.dtype("float32"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_what_the_disk_has_no_room_for_is_not_begun(tmp_path, refused):
    """A short token file can promise more vectors than any disk holds: said before the first is decoded."""
    refused(UsageError, lambda: write_npy(tmp_path / "x.npy", [], (1 << 50, 64), np.dtype("float32")), "bytes", "free")
    assert list(tmp_path.iterdir()) == []

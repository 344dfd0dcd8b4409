"""Pictures to files: nothing lost, nothing half-written, nothing outside the folder."""

from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zador.data import write_png
from zador.data.png import safe_names, write_folder
from zador.errors import DataError, UsageError


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (5, 9, 3)])
def test_a_picture_comes_back_as_it_was(tmp_path, shape):
    """PNG loses nothing, grey stays grey."""
    write_png(tmp_path / "x.png", noise(*shape))
    image = Image.open(tmp_path / "x.png")
    assert image.mode == ("L" if len(shape) == 2 else "RGB")
    np.testing.assert_array_equal(np.asarray(image), noise(*shape))
    assert list(tmp_path.iterdir()) == [tmp_path / "x.png"]


def test_what_is_no_picture_is_refused(tmp_path, refused):
    """Floats, other channels, nothing at all, and a place that cannot be written."""
    refused(DataError, lambda: write_png(tmp_path / "x.png", np.zeros((4, 4))), "float64")
    refused(DataError, lambda: write_png(tmp_path / "x.png", np.zeros((4, 4, 2), np.uint8)), "(4, 4, 2)")
    refused(DataError, lambda: write_png(tmp_path / "x.png", np.zeros((4, 0), np.uint8)), "(4, 0)")
    refused(DataError, lambda: write_png(tmp_path / "x.png", np.zeros(4, np.uint8)), "(4,)")
    refused(UsageError, lambda: write_png(tmp_path / "no" / "x.png", noise(4, 4)), "cannot write")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "sub/b.tiff", "c"], ["a.png", "sub/b.png", "c.png"]),
        (["a.jpg", "a.bmp"], ["a.png", "a.bmp.png"]),
        (["a.png", "A.png", "a.png"], ["a.png", "A.png.png", "picture-2.png"]),
        (["picture-2.png", "x", "x", "x"], ["picture-2.png", "x.png", "picture-5.png", "picture-3.png"]),
        (["a.png/b.png", "a.png"], ["a.png/b.png", "a.png.png"]),
        (["a.png", "a.png/b.png"], ["a.png", "picture-1.png"]),
        (["/etc/passwd", "../../x.png", "a/./b/../c.png"], ["etc/passwd.png", "x.png", "a/b/c.png"]),
        (["..\\..\\x.png", "C:\\y.png"], ["x.png", "C_/y.png"]),
        (["", "/", "..", "."], ["picture-0.png", "picture-1.png", "picture-2.png", "picture-3.png"]),
        (["con.png", "sub/NUL", "a\nb.png", "a\u202eb.png"], ["_con.png", "sub/_NUL.png", "a_b.png", "a_b.png.png"]),
        ([".hidden.png", "trailing. .png"], ["hidden.png", "trailing. .png"]),
        (["/".join("abcdefghijklmnopqrstuvwxyz")], ["/".join("klmnopqrstuvwxyz") + ".png"]),
    ],
)
def test_names_are_kept_as_far_as_they_are_safe(names, expected):
    """Folders and stems stay; what differs only by case or extension is told apart; nothing leads elsewhere."""
    assert [str(path) for path in safe_names(names)] == expected


@given(st.lists(st.text(max_size=300) | st.text("./\\aA:\x00 ", max_size=12), max_size=30))
def test_no_name_leads_out_or_meets_another(names):
    """Whatever the names: relative, without `..`, short enough for a file system, each its own in any case."""
    paths = safe_names(names)
    places = {str(path).lower() for path in paths}
    assert len(paths) == len(places) == len(names)
    for path in paths:
        assert not path.is_absolute()
        assert path.suffix == ".png"
        assert all(part not in {"", ".", ".."} and len(part.encode()) <= 255 and part.isprintable() for part in path.parts)
        assert not any(str(parent).lower() in places for parent in path.parents)


def paths(*names):
    return [PurePosixPath(name) for name in names]


def test_a_new_folder_is_made_with_those_above_it(tmp_path):
    """Every picture under its name, and nothing else left."""
    write_folder(tmp_path / "new" / "out", paths("a.png", "sub/b.png"), [noise(4, 4), noise(8, 8)])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path)) for path in files) == ["new/out/a.png", "new/out/sub/b.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "out" / "sub" / "b.png")), noise(8, 8))


def test_a_folder_that_is_there_is_filled(tmp_path):
    """What was in it stays."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "old.txt").write_text("old")
    write_folder(tmp_path, paths("sub/b.png"), [noise(4, 4)])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["b.png", "old.txt", "sub"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError])
def test_a_failure_on_the_way_leaves_nothing(tmp_path, there, error):
    """If the second picture fails, the first is not there either."""

    def pictures():
        yield noise(4, 4)
        raise error("on the way")

    out = tmp_path / "out"
    if there:
        out.mkdir()
    with pytest.raises(error):
        write_folder(out, paths("a.png", "b.png"), pictures())
    assert list(tmp_path.rglob("*")) == ([out] if there else [])


def test_nothing_is_replaced(tmp_path, refused):
    """A file, a folder or a dangling link under one of the names: refused before anything is written."""
    (tmp_path / "a.png").write_text("mine")
    (tmp_path / "b.png").mkdir()
    (tmp_path / "c.png").symlink_to(tmp_path / "nowhere")
    for name in ("a.png", "b.png", "c.png"):
        refused(DataError, lambda name=name: write_folder(tmp_path, paths("new.png", name), [noise(4, 4)] * 2), name)
    assert (tmp_path / "a.png").read_text() == "mine"
    assert not (tmp_path / "new.png").exists()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path, refused):
    """A folder within, which is a link to elsewhere, takes no pictures."""
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    refused(DataError, lambda: write_folder(tmp_path / "out", paths("sub/a.png"), [noise(4, 4)]), "link out of")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_to_a_folder_is_that_folder(tmp_path):
    """The folder itself may be a link: that is the caller's choice."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_folder(tmp_path / "link", paths("sub/a.png"), [noise(4, 4)])
    assert (tmp_path / "real" / "sub" / "a.png").is_file()


def test_a_place_that_cannot_be_written_is_told(tmp_path, refused):
    """A file where the folder should be, or a path too long for the system."""
    (tmp_path / "file").write_text("x")
    refused(UsageError, lambda: write_folder(tmp_path / "file" / "out", paths("a.png"), [noise(4, 4)]), "is a file")
    deep = "/".join("d" * 200 for _ in range(25))
    refused(UsageError, lambda: write_folder(tmp_path / "out", paths(f"{deep}/a.png"), [noise(4, 4)]), "cannot write to")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

"""Codebooks on disk: what was saved comes back, and nothing else does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import save

import zador
from zador.artefacts import MANIFEST
from zador.errors import FormatError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path):
    """A directory with a codebook of 8 x 3 in float32."""
    x = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)
    zador.fit_codebook(x, 8).save(tmp_path / "book")
    return tmp_path / "book"


def manifest(folder):
    return json.loads((folder / MANIFEST).read_text())


def rewrite(folder, **changes):
    (folder / MANIFEST).write_text(json.dumps({**manifest(folder), **changes}))


def restate(folder, **changes):
    rewrite(folder, about={**manifest(folder)["about"], **changes})


def replace_tensors(folder, **tensors):
    """Put other tensors in place, with a checksum that fits: only their meaning is wrong."""
    import hashlib

    data = save(tensors)
    (folder / manifest(folder)["tensors"]).write_bytes(data)
    rewrite(folder, sha256=hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip(tmp_path, dtype):
    """Codewords, usage and origin come back bit for bit, whatever the float type."""
    x = np.random.default_rng(0).standard_normal((100, 3)).astype(dtype)
    codebook = zador.fit_codebook(x, 8)
    codebook.save(tmp_path)
    loaded = zador.load(tmp_path)
    np.testing.assert_array_equal(loaded.codewords, codebook.codewords)
    np.testing.assert_array_equal(loaded.usage, codebook.usage)
    assert loaded.codewords.dtype == dtype
    assert loaded.origin == codebook.origin
    assert (loaded.codebook_size, loaded.dim, loaded.bits) == (8, 3, 3.0)
    assert "codebook_size=8" in repr(loaded)


def test_a_codebook_of_tensors_is_saved_as_well(tmp_path):
    """A codebook fitted to a tensor saves; it comes back as NumPy."""
    codebook = zador.fit_codebook(torch.randn(50, 2, generator=torch.Generator().manual_seed(0)), 4)
    codebook.save(tmp_path)
    np.testing.assert_array_equal(zador.load(tmp_path).codewords, codebook.codewords.numpy())


def test_saving_again_replaces_and_tidies(saved):
    """The second codebook is what loads, and the first one's tensors are gone."""
    second = zador.fit_codebook(np.random.default_rng(1).standard_normal((50, 2)), 4)
    second.save(saved)
    np.testing.assert_array_equal(zador.load(saved).codewords, second.codewords)
    assert len(list(saved.iterdir())) == 2


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / MANIFEST).unlink(), "nothing that zador saved"),
        (lambda f: (f / MANIFEST).write_text("{"), "no manifest that zador wrote"),
        (lambda f: (f / MANIFEST).write_bytes(b"\xff\xfe\x00"), "not text"),
        (lambda f: rewrite(f, format="other"), "format"),
        (lambda f: rewrite(f, surprise=1), "surprise"),
        (lambda f: restate(f, surprise=1), "about.surprise"),
        (lambda f: restate(f, dim=0), "about.dim"),
        (lambda f: rewrite(f, kind="sculpture"), "upgrade zador"),
        (lambda f: rewrite(f, version=2), "upgrade zador"),
        (lambda f: rewrite(f, tensors="../../etc/passwd"), "tensors"),
        (lambda f: restate(f, codebook_size=9), "the manifest promises"),
        (lambda f: restate(f, dtype="float64"), "the manifest promises"),
        (lambda f: (f / manifest(f)["tensors"]).unlink(), "names this file"),
        (lambda f: (f / manifest(f)["tensors"]).write_bytes(b"short"), "checksum"),
        (lambda f: replace_tensors(f, codewords=np.ones((8, 3), np.float32)), "expected tensors"),
        (lambda f: replace_tensors(f, codewords=np.ones((8, 4), np.float32), usage=np.ones(8)), "the manifest promises"),
        (lambda f: replace_tensors(f, codewords=np.full((8, 3), np.nan, np.float32), usage=np.ones(8)), "NaN"),
        (lambda f: replace_tensors(f, codewords=np.ones((8, 3), np.float32), usage=-np.ones(8)), "negative"),
    ],
)
def test_what_is_no_codebook_is_refused(saved, harm, message):
    """Missing, foreign, newer, altered, truncated or meaningless: a FormatError of one line."""
    harm(saved)
    with pytest.raises(FormatError, match=message) as caught:
        zador.load(saved)
    assert "\n" not in str(caught.value)


def test_a_quantizer_is_no_codebook(saved):
    """The codebooks' own loader says what it found, and which loader reads it."""
    rewrite(saved, kind="product")
    with pytest.raises(FormatError, match=r"holds a product quantizer.*zador\.load"):
        zador.codebooks.load(saved)


def test_nothing_there():
    """A directory that does not exist is named."""
    with pytest.raises(FormatError, match="nothing that zador saved"):
        zador.load("no/such/place")


def test_a_file_in_the_way(tmp_path):
    """Saving to the path of a file is refused, and the file is left alone."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="choose a directory"):
        zador.fit_codebook(np.eye(3), 2).save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


_SAVE_FOREVER = """
import sys, numpy as np, itertools
from zador.codebooks import Codebook
for n in itertools.count():
    Codebook(np.full((200, 50), float(n % 7)), np.ones(200), {"n": n}).save(sys.argv[1])
"""


def test_a_killed_save_leaves_the_old_or_the_new(tmp_path):
    """Killed at 8 random moments of saving without pause, the directory always holds a codebook that loads whole."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", _SAVE_FOREVER, str(tmp_path)]) as process:
            deadline = time.monotonic() + 60
            before = _stamp(tmp_path)
            while _stamp(tmp_path) == before and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(float(rng.uniform(0, 0.03)))
            os.kill(process.pid, signal.SIGKILL)
        loaded = zador.load(tmp_path)
        assert (loaded.codewords == loaded.origin["n"] % 7).all()


def _stamp(folder: Path):
    path = folder / MANIFEST
    return path.stat().st_mtime_ns if path.exists() else 0

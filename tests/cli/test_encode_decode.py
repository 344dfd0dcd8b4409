"""`zador encode` and `zador decode`: what comes back, what is told, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import zador
from zador.coding import Adaptive, OrderOne, Static, TokenReader, TokenWriter, coded_bits
from zador.data import load
from zador.metrics import cross_entropy_bits, distortion, entropy_bits, psnr_db, usage_counts
from zador.quantizers import Rotation, VectorQuantizer, fit_product, fit_residual

FITS = {
    "vector": lambda x: VectorQuantizer.of(zador.fit_codebook(x, 64)),
    "product": lambda x: fit_product(x, slices=4, codebook_size=16),
    "product-rotated": lambda x: fit_product(x, slices=4, codebook_size=16, rotation=Rotation(iterations=2)),
    "residual": lambda x: fit_residual(x, stages=3, codebook_size=16, beam=3),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """A folder with a quantizer of each kind for digits, and a codebook for photos."""
    folder = tmp_path_factory.mktemp("books")
    x = load("digits").array
    for name, fit in FITS.items():
        fit(x).save(folder / f"digits-{name}")
    zador.fit_codebook(load("photos").array, 32, iterations=3).save(folder / "photos-vector")
    zador.fit_codebook(load("photos").array[:, :64], 16, iterations=3).save(folder / "grey-vector")
    return folder


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def lossless(path, pixels):
    """Save a codebook that holds every patch of `pixels`: what it decodes is what was encoded."""
    patches = load(path).array
    zador.Codebook(np.unique(patches, axis=0), usage=np.ones(len(np.unique(patches, axis=0)))).save("book")
    return pixels


class TestVectors:
    """What `quantizer.decode(quantizer.encode(x))` says, bit for bit."""

    @pytest.mark.parametrize("model", ["static", "adaptive", "order-1"])
    @pytest.mark.parametrize("name", FITS)
    def test_digits_come_back_as_the_quantizer_says(self, zador_here, books, name, model):
        """Every kind of quantizer, every entropy model: the vectors in the .npy are those of the Python route."""
        book = books / f"digits-{name}"
        assert zador_here("encode", "digits", "--with", book, "-o", "d.tok", "--model", model).code == 0
        assert zador_here("decode", "d.tok", "--with", book, "-o", "d.npy").code == 0
        quantizer, found = zador.quantizers.load_quantizer(book), np.load("d.npy")
        np.testing.assert_array_equal(found, quantizer.decode(quantizer.encode(load("digits").array)))
        assert found.dtype == quantizer.dtype

    def test_photos_come_back_as_the_quantizer_says(self, zador_here, books):
        """More vectors than one block holds."""
        book = books / "photos-vector"
        zador_here("encode", "photos", "--with", book, "-o", "p.tok")
        zador_here("decode", "p.tok", "--with", book, "-o", "p.npy")
        quantizer = zador.quantizers.load_quantizer(book)
        np.testing.assert_array_equal(np.load("p.npy"), quantizer.decode(quantizer.encode(load("photos").array)))

    def test_a_float64_file_comes_back_in_the_type_of_the_quantizer(self, zador_here):
        """The decoded file has the codebook's float type, whatever the data had."""
        x = np.random.default_rng(0).standard_normal((500, 3))
        np.save("x.npy", x)
        zador.fit_codebook(x, 8).save("book")
        zador_here("encode", "x.npy", "--with", "book", "-o", "x.tok")
        zador_here("decode", "x.tok", "--with", "book", "-o", "y.npy")
        assert np.load("y.npy").dtype == np.float64
        assert TokenReader("x.tok").about == {}


class TestNumbers:
    """What is printed is what is so."""

    @pytest.mark.parametrize(("name", "model"), [("static", Static()), ("adaptive", Adaptive()), ("order-1", OrderOne())])
    def test_every_number_is_that_of_the_library(self, zador_here, books, name, model):
        """Bits of the file, entropy, cross-entropy, distortion and PSNR equal what metrics and coding say."""
        book = books / "digits-residual"
        done = zador_here("encode", "digits", "--with", book, "-o", "d.tok", "--model", name, "--json")
        summary = json.loads(done.out)
        quantizer, x = zador.quantizers.load_quantizer(book), load("digits").array
        indices = quantizer.encode(x)
        counts = [usage_counts(column, 16) for column in indices.T]
        values = quantizer.decode(indices)
        size = (summary["file_bytes"], 8 * summary["file_bytes"] / len(x))
        note = len(json.dumps(TokenReader("d.tok").about, separators=(",", ":")))
        assert size == (pytest.approx(coded_bits(indices, quantizer, model=model) / 8 + note), summary["file_bits"])
        assert summary["fixed_length_bits"] == 12.0
        assert summary["entropy_bits"] == pytest.approx(sum(map(entropy_bits, counts)))
        crossed = sum(map(cross_entropy_bits, counts, quantizer.usage))
        assert summary["cross_entropy_bits"] == pytest.approx(crossed)
        assert summary["distortion"] == pytest.approx(distortion(x, values).mean)
        assert summary["psnr_db"] == pytest.approx(psnr_db(x, values, peak=16.0))
        assert (summary["vectors"], summary["dim"], summary["streams"], summary["model"]) == (1797, 64, 3, name)

    def test_the_sentences_hold_the_same_numbers(self, zador_here, books):
        """Without --json a person reads vectors, bits, distortion, PSNR, and where it was saved."""
        done = zador_here("encode", "photos", "--with", books / "photos-vector", "-o", "p.tok")
        assert done.err == ""
        for words in ("photos: 8480 vectors of 192", "2 pictures", "bits per vector (static", "PSNR", "p.tok", "edges of 2"):
            assert words in done.out

    def test_plain_vectors_have_no_psnr_and_unknown_usage_no_cross_entropy(self, zador_here):
        """What cannot be known is null, and the sentences leave it out."""
        np.save("x.npy", np.eye(4))
        zador.Codebook(np.eye(4), usage=np.zeros(4)).save("book")
        summary = json.loads(zador_here("encode", "x.npy", "--with", "book", "-o", "x.tok", "--json").out)
        assert (summary["psnr_db"], summary["cross_entropy_bits"], summary["pictures"]) == (None, None, 0)
        assert summary["distortion"] == 0.0
        out = zador_here("encode", "x.npy", "--with", "book", "-o", "x.tok").out
        assert "PSNR" not in out
        assert "training" not in out

    def test_a_perfect_copy_has_infinite_psnr(self, zador_here):
        """No error is no division by zero; JSON, which has no infinity, gets null."""
        Image.fromarray(noise(8, 8)).save("x.png")
        lossless("x.png", None)
        assert "PSNR inf dB" in zador_here("encode", "x.png", "--with", "book", "-o", "x.tok").out
        assert json.loads(zador_here("encode", "x.png", "--with", "book", "-o", "x.tok", "--json").out)["psnr_db"] is None


class TestPictures:
    """Pictures come back as pictures."""

    @pytest.mark.parametrize("shape", [(21, 35), (16, 35, 3), (21, 32)])
    def test_one_picture_comes_back_as_png(self, zador_here, shape):
        """With a codebook that holds every patch, the PNG is the picture, less the edges that filled no patch."""
        pixels = noise(*shape)
        Image.fromarray(pixels).save("x.png")
        lossless("x.png", pixels)
        zador_here("encode", "x.png", "--with", "book", "-o", "x.tok")
        done = zador_here("decode", "x.tok", "--with", "book", "-o", "y.png")
        assert f"x.png: {shape[0] - 16} below, {shape[1] - 32} right" in done.out
        np.testing.assert_array_equal(np.asarray(Image.open("y.png")), pixels[:16, :32])

    def test_a_folder_comes_back_under_its_own_names(self, zador_here, tmp_path):
        """Subfolders and names are kept, the extension becomes .png; --json tells what was cropped."""
        pictures = {"a.bmp": noise(8, 16, seed=1), "sub/b.png": noise(17, 8, seed=2), "sub/b.bmp": noise(8, 8, seed=3)}
        for name, pixels in pictures.items():
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "in" / name)
        lossless("in", None)
        zador_here("encode", "in", "--with", "book", "-o", "x.tok")
        summary = json.loads(zador_here("decode", "x.tok", "--with", "book", "-o", "out", "--json").out)
        assert summary["cropped"] == [{"name": "sub/b.png", "below": 1, "right": 0}]
        found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
        assert found == ["a.png", "sub/b.png", "sub/b.png.png"]
        for name, source in zip(found, ("a.bmp", "sub/b.bmp", "sub/b.png"), strict=True):
            kept = pictures[source][: pictures[source].shape[0] // 8 * 8]
            np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / name)), kept)

    def test_a_folder_is_one_whatever_its_name(self, zador_here, books, tmp_path):
        """A directory with an extension in its name is filled with pictures, a name with a slash at its end becomes one."""
        (tmp_path / "v1.2").mkdir()
        zador_here("encode", "photos", "--with", books / "photos-vector", "-o", "p.tok")
        for out in ("v1.2", "v1.3/"):
            assert zador_here("decode", "p.tok", "--with", books / "photos-vector", "-o", out).code == 0
            assert sorted(path.name for path in (tmp_path / out).iterdir()) == ["china.png", "flower.png"]

    def test_digits_come_back_as_numbered_pictures(self, zador_here, books, tmp_path):
        """Every vector is a picture of its own; 16 levels of ink become white."""
        zador_here("encode", "digits", "--with", books / "digits-vector", "-o", "d.tok")
        done = zador_here("decode", "d.tok", "--with", books / "digits-vector", "-o", "out")
        assert done.code == 0
        assert len(list((tmp_path / "out").iterdir())) == 1797
        quantizer = zador.quantizers.load_quantizer(books / "digits-vector")
        value = quantizer.decode(quantizer.encode(load("digits").array[42:43])).reshape(8, 8).astype(float)
        expected = np.clip(np.rint(value * (255 / 16)), 0, 255)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "digits-0042.png")), expected)

    def test_pictures_that_are_there_are_not_replaced(self, zador_here, books, tmp_path):
        """Decoding twice into one folder is refused, and the first pictures stay; a folder that exists may be filled."""
        book = books / "photos-vector"
        zador_here("encode", "photos", "--with", book, "-o", "p.tok")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes.txt").write_text("mine")
        assert zador_here("decode", "p.tok", "--with", book, "-o", "out").code == 0
        before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        done = zador_here("decode", "p.tok", "--with", book, "-o", "out")
        assert (done.code, "china.png: is there already" in done.err) == (3, True)
        assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
        assert set(before) == {"china.png", "flower.png", "notes.txt"}

    @pytest.mark.parametrize(
        "name", ["../x.png", "/etc/x.png", "a/../../x.png", "..\\x.png", "C:\\x.png", ".", "", "x\0.png"]
    )
    def test_a_hostile_name_stays_in_the_folder(self, zador_here, tmp_path, name):
        """Whatever a token file calls its pictures, they are written into the folder and nowhere else."""
        quantizer = VectorQuantizer.of(zador.Codebook(np.zeros((1, 4)), usage=np.ones(1)))
        quantizer.save("book")
        note = {"patch": [2, 2], "range": [0, 255], "pictures": [[name, 1, 1, 0, 0], [name, 1, 1, 0, 0]]}
        with TokenWriter("x.tok", quantizer, about=note) as writer:
            writer.append([[0], [0]])
        before = {path for path in tmp_path.rglob("*") if path.name != "out"}
        assert zador_here("decode", "x.tok", "--with", "book", "-o", "deep/out").code == 0
        written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        assert len(written) == 2
        assert all(path.is_relative_to(tmp_path / "deep" / "out") for path in written)

    def test_a_note_that_does_not_fit_is_refused_and_the_vectors_still_come_out(self, zador_here):
        """Wrong grids and absurd sizes are one line; decoding to .npy never looks at the note."""
        quantizer = VectorQuantizer.of(zador.Codebook(np.zeros((1, 4)), usage=np.ones(1)))
        quantizer.save("book")
        for grid in ([3, 1], [1 << 20, 1 << 20], [0, 2], [10**400, 1], [-1, -2]):
            note = {"patch": [2, 2], "range": [0, 255], "pictures": [["x", *grid, 0, 0]]}
            with TokenWriter("x.tok", quantizer, about=note) as writer:
                writer.append([[0], [0]])
            for out in ("y.png", "out"):
                done = zador_here("decode", "x.tok", "--with", "book", "-o", out)
                assert (done.code, done.err.count("\n")) == (3, 1)
                assert "note on pictures does not fit" in done.err
            assert zador_here("decode", "x.tok", "--with", "book", "-o", "y.npy").code == 0


class TestRefusals:
    """One clear line, the right exit code, and nothing written."""

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            ("encode digits -o x", 2, "Missing option '--with'"),
            ("encode digits --with none -o x", 3, "none: nothing that zador saved"),
            ("encode digits --with d.tok -o x", 3, "d.tok: nothing that zador saved"),
            ("encode photos --with B/digits-vector -o x", 3, "fitted to grey pictures, with --patch 8?"),
            ("encode photos --with B/photos-vector -o x --patch 4", 3, "48 coordinates (patches of 4 x 4 x 3)"),
            ("encode photos --with B/photos-vector -o x --patch 4", 3, "photos-vector takes 192; try --patch 8"),
            ("encode x.png --with B/digits-vector -o x --patch 4", 3, "takes 64; try --patch 8"),
            ("encode x.png --with B/photos-vector -o x", 3, "fitted to colour pictures, with --patch 8?"),
            ("encode x.png --with odd -o x", 3, "no --patch makes that many"),
            ("encode nan.npy --with B/digits-vector -o x", 3, "1 of 2 rows hold NaN"),
            ("encode odd.npy --with B/digits-vector -o x", 3, "vectors have 5 coordinates, the quantizer in"),
            ("encode none.npy --with B/digits-vector -o x", 3, "no such file"),
            ("encode digits --with B/digits-vector -o x --model magic", 2, "choose from static, adaptive, order-1"),
            ("encode digits --with B/digits-vector -o no/x", 2, "there is no directory"),
            ("encode digits --with B/digits-vector -o .", 2, "it is a directory"),
            ("encode odd.npy --with odd -o odd.npy", 2, "is what is to be read"),
            ("decode d.tok --with B/digits-vector", 2, "Missing option '--out'"),
            ("decode none.tok --with B/digits-vector -o x.npy", 3, "none.tok: cannot be read"),
            ("decode odd.npy --with B/digits-vector -o x.npy", 3, "a token file begins with"),
            ("decode . --with B/digits-vector -o x.npy", 3, "is no file"),
            ("decode short.tok --with B/digits-vector -o x.npy", 3, "truncated or altered"),
            ("decode d.tok --with B/digits-residual -o x.npy", 3, "was written with another quantizer"),
            ("decode d.tok --with odd.npy -o x.npy", 3, "odd.npy: nothing that zador saved"),
            ("decode d.tok --with B/digits-vector -o x.jpg", 2, "cannot write .jpg"),
            ("decode tokens.npy --with B/digits-vector -o tokens.npy", 2, "is what is to be read"),
            ("decode d.tok --with B/digits-vector -o x.png", 3, "holds 1797 pictures, x.png takes one"),
            ("decode odd.tok --with odd -o x.png", 3, "holds 2 vectors and no pictures"),
            ("decode odd.tok --with odd -o x", 3, "-o OUT.npy"),
            ("decode d.tok --with B/digits-vector -o no/x.npy", 2, "there is no directory"),
            ("decode d.tok --with B/digits-vector -o plain", 2, "choose a folder"),
            ("decode d.tok --with B/digits-vector -o plain/x/", 2, "is a file"),
        ],
    )
    def test_one_line_and_the_exit_code(self, zador_here, books, tmp_path, arguments, code, message):
        """Missing and foreign files, other quantizers, other sizes, outputs that cannot be."""
        rng = np.random.default_rng(0)
        np.save("odd.npy", rng.standard_normal((2, 5)))
        np.save("nan.npy", np.where(np.arange(2)[:, None] == 1, np.nan, np.zeros((2, 64))))
        Image.fromarray(noise(16, 16)).save("x.png")
        zador.Codebook(np.load("odd.npy"), usage=np.ones(2)).save("odd")
        (tmp_path / "plain").write_text("plain")
        digits = zador.quantizers.load_quantizer(books / "digits-vector")
        with TokenWriter("d.tok", digits, about={"patch": [8, 8], "range": [0, 16], "pictures": "digits"}) as writer:
            writer.append(np.zeros((1797, 1), int))
        with TokenWriter("odd.tok", zador.quantizers.load_quantizer("odd")) as writer:
            writer.append([[0], [1]])
        (tmp_path / "short.tok").write_bytes((tmp_path / "d.tok").read_bytes()[:-3])
        (tmp_path / "tokens.npy").write_bytes((tmp_path / "d.tok").read_bytes())
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        done = zador_here(*(part.replace("B/", f"{books}/") for part in arguments.split()))
        assert (done.code, done.out) == (code, "")
        assert message in done.err
        assert done.err.startswith("zador: ")
        assert done.err.count("\n") == 1
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before

    def test_an_old_file_stays_when_the_new_one_fails(self, zador_here, books, tmp_path, monkeypatch):
        """An interrupted encode or decode ends with 130, leaves the old file as it was and nothing beside it."""
        book = books / "digits-vector"
        zador_here("encode", "digits", "--with", book, "-o", "d.tok")
        (tmp_path / "old").write_text("old")
        (tmp_path / "old.npy").write_text("old")
        before = sorted(tmp_path.iterdir())

        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(VectorQuantizer, "_encode", interrupted)
        monkeypatch.setattr(VectorQuantizer, "_decode", interrupted)
        for arguments in (
            ("encode", "digits", "--with", book, "-o", "old"),
            ("decode", "d.tok", "--with", book, "-o", "old.npy"),
            ("decode", "d.tok", "--with", book, "-o", "new"),
        ):
            done = zador_here(*arguments)
            assert (done.code, done.err) == (130, "zador: interrupted; nothing was written\n")
        assert sorted(tmp_path.iterdir()) == before
        assert (tmp_path / "old").read_text() == (tmp_path / "old.npy").read_text() == "old"

    def test_what_cannot_be_written_is_told_before_the_work(self, zador_here, books, tmp_path, monkeypatch):
        """No data are read and no tokens opened for an output that cannot be."""
        (tmp_path / "file").write_text("x")

        def too_late(*_, **__):
            raise AssertionError("the work has begun")

        monkeypatch.setattr("zador.data.load", too_late)
        monkeypatch.setattr("zador.coding.TokenReader", too_late)
        for arguments in (
            ("fit", "digits", "-k", "4", "-o", "file"),
            ("encode", "digits", "--with", books / "digits-vector", "-o", "no/x"),
            ("decode", "d.tok", "--with", books / "digits-vector", "-o", "no/x.npy"),
            ("decode", "d.tok", "--with", books / "digits-vector", "-o", "file/x"),
        ):
            assert zador_here(*arguments).code == 2

    def test_too_many_names_for_a_token_file_are_refused(self, zador_here, monkeypatch):
        """Where names and sizes of the pictures outgrow what a token file keeps, the folder is to be encoded in parts."""
        from zador.coding import about

        Image.fromarray(noise(8, 8)).save("x.png")
        lossless("x.png", None)
        monkeypatch.setattr(about, "LONGEST", 20)
        done = zador_here("encode", "x.png", "--with", "book", "-o", "x.tok")
        assert (done.code, "encode the folder in parts" in done.err) == (3, True)


def test_neither_command_imports_torch_or_other_heavy_libraries(books, tmp_path):
    """Encoding and decoding load no torch, matplotlib or scikit-learn."""
    np.save(tmp_path / "x.npy", load("digits").array)
    code = (
        "import sys\nfrom zador.cli.app import app\n"
        f"app(['encode', 'x.npy', '--with', {str(books / 'digits-vector')!r}, '-o', 'x.tok'], standalone_mode=False)\n"
        f"app(['decode', 'x.tok', '--with', {str(books / 'digits-vector')!r}, '-o', 'y.npy'], standalone_mode=False)\n"
        "print('heavy:', sorted({'torch', 'matplotlib', 'sklearn', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_a_terminal_sees_how_far_it_is(zador_here, books, monkeypatch):
    """On a terminal, every block of an encoding moves a bar; elsewhere it is silent."""
    from contextlib import nullcontext

    shown = []
    monkeypatch.setattr("zador.cli.tally._BLOCK_BYTES", 100 * 64 * 4)
    monkeypatch.setattr("zador.cli.encode.progress", lambda _: nullcontext(lambda *step: shown.append(step)))
    assert zador_here("encode", "digits", "--with", books / "digits-vector", "-o", "d.tok").err == ""
    assert shown == []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    zador_here("encode", "digits", "--with", books / "digits-vector", "-o", "d.tok")
    assert shown == [(f"{100 * block} vectors", block + 1, 18) for block in range(18)]


MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.long
@pytest.mark.parametrize("name", FITS)
def test_a_million_vectors_stay_below_512_megabytes(tmp_path, name):
    """1,000,000 x 32 float32: encoded and decoded, each within 512 MB of resident memory, to the last bit."""
    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (1_000_000, 32))
    for start in range(0, len(x), 100_000):
        x[start : start + 100_000] = rng.standard_normal((100_000, 32), dtype=np.float32) * np.geomspace(2, 0.2, 32)
    quantizer = FITS[name](np.array(x[:10_000]))
    quantizer.save(tmp_path / "book")
    for command in (
        ["encode", "x.npy", "--with", "book", "-o", "x.tok"],
        ["decode", "x.tok", "--with", "book", "-o", "y.npy"],
    ):
        run = [sys.executable, "-c", "from zador.cli import main; main()", *command]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *run], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert int(done.stdout) * 1024 < 512e6, command
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert y.shape == x.shape
    for start in range(0, len(x), 100_000):
        expected = quantizer.decode(quantizer.encode(x[start : start + 100_000]))
        np.testing.assert_array_equal(y[start : start + 100_000], expected)

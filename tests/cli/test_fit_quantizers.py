"""`zador fit --quantizer`: every kind is fitted, saved, told about; options that mean nothing are refused."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

import zador
from zador import quantizers
from zador.cli.fitters import ENTROPY_CODED, TAKES
from zador.metrics import distortion, entropy_bits
from zador.theory import gaussian

CASES = {
    "vector": ("-k 16 --iterations 5 --restarts 2 --init from-data", quantizers.VectorQuantizer, 4.0),
    "product": ("-k 8 --slices 3", quantizers.ProductQuantizer, 9.0),
    "product --rotation": ("-k 8 --slices 3", quantizers.ProductQuantizer, 9.0),
    "residual": ("-k 8 --stages 2 --beam 2", quantizers.ResidualQuantizer, 6.0),
    "transform": ("--bits 7", quantizers.TransformQuantizer, 7.0),
    "lattice": ("--bits 7.5 --lattice D4", quantizers.LatticeQuantizer, 7.5),
    "entropy-constrained": ("--bits 3 -k 20 --iterations 50", quantizers.EntropyConstrainedQuantizer, 3.0),
    "random": ("--bits 5", quantizers.VectorQuantizer, 5.0),
}


@pytest.fixture
def data(tmp_path):
    """2000 vectors of 6 coordinates in x.npy."""
    x = np.random.default_rng(0).standard_normal((2000, 6)).astype(np.float32) * np.geomspace(3, 0.5, 6, dtype=np.float32)
    np.save(tmp_path / "x.npy", x)
    return x


@pytest.mark.parametrize("name", CASES)
def test_every_quantizer_is_fitted_saved_and_measured(zador_here, data, name):
    """The numbers of --json are those of the quantizer that was saved, at the rate that was asked for."""
    options, kind, rate = CASES[name]
    done = zador_here("fit", "x.npy", "-o", "book", "--quantizer", *name.split(), *options.split(), "--json")
    assert done.code == 0, done.err
    summary, quantizer = json.loads(done.out), quantizers.load_quantizer("book")
    assert isinstance(quantizer, kind)
    assert summary["training_distortion"] == pytest.approx(distortion(data, quantizer.decode(quantizer.encode(data))).mean)
    assert summary["bits"] == quantizer.bits
    assert summary["entropy_bits"] == pytest.approx(sum(map(entropy_bits, quantizer.usage)))
    plain = name.split()[0]
    assert summary["rate_bits"] == summary["entropy_bits" if plain in ENTROPY_CODED else "bits"]
    assert rate - 0.4 < summary["rate_bits"] < rate + 0.02
    bound = gaussian.distortion_rate(np.linalg.eigvalsh(np.cov(data.T, bias=True)), summary["rate_bits"])
    assert summary["gaussian_bound"] == pytest.approx(bound, rel=1e-4)
    assert summary["gap_db"] == pytest.approx(10 * np.log10(summary["training_distortion"] / bound), abs=1e-3)
    assert summary["unused"] == sum(int((counts == 0).sum()) for counts in quantizer.usage)
    assert (summary["quantizer"], summary["streams"], summary["saved_to"]) == (plain, len(quantizer.sizes), "book")


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("name", CASES)
def test_a_person_reads_what_was_made(zador_here, name):
    """Vectors, kind and rate, distance to the bound, and where it was saved, in three lines."""
    options, _, _ = CASES[name]
    done = zador_here("fit", "x.npy", "-o", "book", "--quantizer", *name.split(), *options.split())
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("x.npy: 2000 vectors of 6 coordinates -> ")
    assert ("codewords" if name == "vector" else f"{name.split()[0]} quantizer") in lines[0]
    assert "bits" in lines[0]
    assert "the Gaussian D(R) of the same covariance" in lines[1]
    assert lines[2] == "Saved to book"


def test_the_rotation_is_learnt_only_when_asked_for(zador_here, data):
    """--rotation gives the product quantizer axes of its own."""
    for option in ([], ["--rotation"]):
        zador_here("fit", "x.npy", "-o", "book", "--quantizer", "product", "--slices", "2", "-k", "8", *option)
        quantizer = quantizers.load_quantizer("book")
        assert (quantizer.frame is not None) == bool(option)
        assert quantizer.dim == data.shape[1]


@pytest.mark.usefixtures("data")
def test_a_lattice_is_the_one_that_was_named(zador_here):
    """Z has streams of its own for every axis; E8 needs eight of them."""
    streams = {}
    for lattice in ("Z", "D4"):
        zador_here("fit", "x.npy", "-o", "book", "--quantizer", "lattice", "--bits", "20", "--lattice", lattice)
        streams[lattice] = quantizers.load_quantizer("book").artefact().about
    assert streams["Z"] != streams["D4"]


@pytest.mark.usefixtures("data")
def test_the_seed_reaches_every_random_choice(zador_here):
    """The same seed gives the same quantizer, another seed another one; data alone decide where nothing is random."""
    for name, (options, _, _) in CASES.items():
        prints = []
        for seed in (1, 1, 2):
            zador_here("fit", "x.npy", "-o", "book", "--seed", seed, "--quantizer", *name.split(), *options.split())
            prints.append(quantizers.load_quantizer("book").fingerprint)
        assert prints[0] == prints[1], name
        assert (prints[0] == prints[2]) == (name in {"transform", "lattice"}), name


def test_every_option_is_a_parameter_of_what_it_is_for():
    """The table of options names nothing that the fitting functions do not take."""
    functions = {
        "vector": zador.fit_codebook,
        "product": quantizers.fit_product,
        "residual": quantizers.fit_residual,
        "transform": quantizers.fit_transform_coding,
        "lattice": quantizers.fit_lattice,
        "entropy-constrained": quantizers.fit_entropy_constrained,
        "random": quantizers.fit_random,
    }
    assert set(functions) == set(TAKES)
    for name, options in TAKES.items():
        assert {option.replace("-", "_") for option in options} <= set(inspect.signature(functions[name]).parameters)


VALUES = {
    "codebook-size": ["4"],
    "bits": ["4"],
    "slices": ["2"],
    "rotation": [],
    "stages": ["2"],
    "beam": ["2"],
    "lattice": ["Z"],
    "init": ["uniform"],
    "iterations": ["3"],
    "restarts": ["2"],
}


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("name", TAKES)
def test_an_option_that_means_nothing_is_refused(zador_here, tmp_path, name):
    """Each option of the others: exit code 2, one line that lists what this one takes; nothing is read or written."""
    assert set(VALUES) == {option for options in TAKES.values() for option in options}
    for option, value in VALUES.items():
        if option not in TAKES[name]:
            done = zador_here("fit", "x.npy", "-o", "book", "--quantizer", name, f"--{option}", *value)
            assert (done.code, done.err.count("\n")) == (2, 1)
            assert f"--{option}: means nothing for --quantizer {name}, which takes --" in done.err
    assert not (tmp_path / "book").exists()


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("x.npy -o book", 2, "--codebook-size: --quantizer vector cannot do without; try -k 256"),
        ("x.npy -o book --quantizer transform", 2, "--bits: --quantizer transform cannot do without; try --bits 8"),
        ("x.npy -o book --quantizer magic -k 4", 2, "choose from vector, product, residual"),
        ("x.npy -o book --quantizer lattice --bits 4 --lattice Leech", 2, "--lattice: unknown name 'Leech'; choose from Z"),
        ("x.npy -o book -k 4 --init magic", 2, "--init: unknown name 'magic'"),
        ("x.npy -o book --quantizer transform --bits -1", 2, "bits: expected a positive"),
        ("x.npy -o book --quantizer random --bits x", 2, "--bits"),
        ("x.npy -o book --quantizer product --slices 7 -k 4", 2, "slices=7"),
        ("x.npy -o book --quantizer product --slices 0", 2, "--slices"),
        ("x.npy -o book --quantizer residual -k 3000", 3, "codebook_size=3000"),
        ("x.npy -o x.npy -k 4", 2, "x.npy"),
        ("x.npy -k 4", 2, "--out"),
    ],
)
def test_mistakes_are_one_line(zador_here, tmp_path, arguments, code, message):
    """What is missing, unknown, or more than the data carry; nothing is saved."""
    done = zador_here("fit", *arguments.split())
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert message in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_what_was_fitted_encodes_and_decodes(zador_here, data):
    """Fit, encode, decode by every quantizer: the vectors are those of the Python route."""
    for name, (options, _, _) in CASES.items():
        zador_here("fit", "x.npy", "-o", "book", "--quantizer", *name.split(), *options.split())
        assert zador_here("encode", "x.npy", "--with", "book", "-o", "x.tok").code == 0
        assert zador_here("decode", "x.tok", "--with", "book", "-o", "y.npy").code == 0
        quantizer = quantizers.load_quantizer("book")
        np.testing.assert_array_equal(np.load("y.npy"), quantizer.decode(quantizer.encode(data)), err_msg=name)

"""Theory's prices, paid in the bits of real files."""

from __future__ import annotations

import numpy as np
import pytest

from zador import coding
from zador.quantizers import D4, E8, Z, fit_lattice, fit_transform_coding
from zador.theory import gaussian, high_rate

DIM = 8
COUNT = 60_000


def source(seed, count=COUNT):
    """Gaussian vectors whose eigenvalues span a factor of 16."""
    return np.random.default_rng(seed).standard_normal((count, DIM)) * np.sqrt(spectrum())


def spectrum():
    return np.geomspace(4, 0.25, DIM)


def file_bits_and_error(quantizer, x):
    indices = coding.unpack(coding.pack(quantizer.encode(x), quantizer), quantizer)
    return coding.coded_bits(indices, quantizer) / len(x), float(((x - quantizer.decode(indices)) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("lattice", [Z, D4, E8], ids=lambda lattice: lattice.name)
def test_an_entropy_coded_lattice_pays_its_space_filling_loss(lattice):
    """At 5 bits a dimension a file of new vectors is ½ log2(2πe G) bits a dimension over R(D): 0.2546 for Z."""
    quantizer = fit_lattice(source(0), bits=5 * DIM, lattice=lattice)
    bits, error = file_bits_and_error(quantizer, source(1))
    over = (bits - gaussian.rate_distortion(spectrum(), error)) / DIM
    expected = 0.5 * np.log2(2 * np.pi * np.e * high_rate.lattice_constant(lattice.dim))
    # The model learnt from as many vectors adds about K / (2 N ln 2) a stream, the error of the error 1e-3 at most.
    assert expected - 0.002 < over < expected + 0.006


@pytest.mark.parametrize("lattice", [Z, D4, E8], ids=lambda lattice: lattice.name)
def test_a_fine_lattice_reproduces_its_constant(lattice):
    """The error of a Gaussian much wider than a cell, per dimension over volume^(2/n), is the normalised second moment."""
    x = 20 * np.random.default_rng(0).standard_normal((100_000, lattice.dim))
    error = ((x - lattice.nearest(x)) ** 2).mean(axis=1) / lattice.volume ** (2 / lattice.dim)
    noise = error.std() / np.sqrt(len(x))
    assert abs(error.mean() - high_rate.lattice_constant(lattice.dim)) < 3 * noise


def test_without_an_entropy_coder_scalar_quantizers_lose_four_decibels():
    """Lloyd–Max on each axis at fixed length ends 4.35 dB over D(R) at high rate; at 5 bits a dimension nearly so."""
    quantizer = fit_transform_coding(source(0), bits=5 * DIM)
    x = source(1)
    error = ((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean()
    gap = 10 * np.log10(error / gaussian.distortion_rate(spectrum(), quantizer.bits))
    assert 4.0 < gap < 4.45

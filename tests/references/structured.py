"""Structured quantizers by definition: every codeword of the product or sum is looked at, in float64."""

from __future__ import annotations

import itertools

import numpy as np


def all_sums(codebooks):
    """Return every combination of indices (M, S), in lexicographic order, and the sum of codewords it stands for (M, d)."""
    combinations = np.array(list(itertools.product(*(range(len(codebook)) for codebook in codebooks))))
    sums = sum(codebook.astype(np.float64)[combinations[:, s]] for s, codebook in enumerate(codebooks))
    return combinations, sums


def best_of_all(x, codebooks, mean=0.0):
    """Return the least squared error that any sum of codewords reaches for each row of x."""
    _, sums = all_sums(codebooks)
    return ((np.asarray(x, np.float64)[:, None] - mean - sums[None]) ** 2).sum(axis=2).min(axis=1)


def beam_by_definition(x, codebooks, beam):
    """Return the indices (N, S) that a beam search ends with, one row at a time, on explicit residuals."""
    out = []
    for row in np.asarray(x, np.float64):
        paths = [((), row)]
        for codebook in codebooks:
            extended = [
                ((*path, k), residual - codeword)
                for path, residual in paths
                for k, codeword in enumerate(codebook.astype(np.float64))
            ]
            paths = sorted(extended, key=lambda entry: float((entry[1] ** 2).sum()))[:beam]
        out.append(min(paths, key=lambda entry: float((entry[1] ** 2).sum()))[0])
    return np.array(out)


def product_as_sums(quantizer):
    """Return the slices of a product quantizer as full-width codebooks: zero outside their columns, turned back."""
    full = []
    axes = sum(len(part) for part in quantizer.columns)
    for part, table in zip(quantizer.columns, quantizer.codebooks, strict=True):
        wide = np.zeros((len(table), axes))
        wide[:, part] = table
        full.append(wide if quantizer.frame is None else wide @ quantizer.frame.directions.T.astype(np.float64))
    return full

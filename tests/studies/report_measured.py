"""Comparisons to report on: small and real enough to look at, measured with the plainest tools."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_sample_image
from threadpoolctl import threadpool_limits

from zador.studies.records import Arm, Comparison, DataCard, Exhibit


def gaussian_curve(eigenvalues, rates):
    """D(R) by bisection on the water level; the library's own theory is not what is tested here."""
    distortions = []
    for rate in rates:
        low, high = 0.0, float(eigenvalues.max())
        for _ in range(80):
            level = (low + high) / 2
            spent = 0.5 * np.log2(np.maximum(eigenvalues / max(level, 1e-300), 1)).sum()
            low, high = (level, high) if spent > rate else (low, level)
        distortions.append(np.minimum(eigenvalues, high).sum())
    return np.array(distortions)


def nearest(x, codewords):
    """Squared distances of all vectors to all codewords."""
    return (
        ((x[:, None] - codewords) ** 2).sum(axis=2)
        if x.size * len(codewords) < 2e6
        else np.stack([((x - word) ** 2).sum(axis=1) for word in codewords], axis=1)
    )


def _fits(codebook_size, seed):
    def lloyd(start, iterations):
        return lambda x: KMeans(codebook_size, init=start, n_init=1, max_iter=iterations, random_state=seed).fit(x)

    return {
        "k-means++ + Lloyd": lambda x: lloyd("k-means++", 50)(x).cluster_centers_,
        "random start + Lloyd": lambda x: lloyd("random", 50)(x).cluster_centers_,
        "k-means++, no training": lambda x: lloyd("k-means++", 1)(x).cluster_centers_,
        "sample of the data": lambda x: x[np.random.default_rng(seed).choice(len(x), codebook_size, replace=False)],
    }


def _measure(name, rate, codewords, halves, bound, seconds):
    train, held_out = halves
    errors = nearest(held_out, codewords)
    error, usage = errors.min(axis=1), np.bincount(errors.argmin(axis=1), minlength=len(codewords))
    share = usage[usage > 0] / usage.sum()
    entropy = float(-(share * np.log2(share)).sum())
    rates, curve = bound
    arm = Arm(
        name=name,
        bits=float(rate),
        codebook_size=len(codewords),
        distortion=float(error.mean()),
        distortion_se=float(error.std(ddof=1) / math.sqrt(len(error))),
        excess_se=float(error.std(ddof=1) / math.sqrt(len(error))),
        train_distortion=float(nearest(train, codewords).min(axis=1).mean()),
        gaussian_bound=float(np.interp(rate, rates, curve)),
        gap_db=float(10 * np.log10(error.mean() / np.interp(rate, rates, curve))),
        effective_bits=_effective(error.mean(), bound),
        entropy_bits=entropy,
        perplexity=2**entropy,
        dead=int((usage == 0).sum()),
        real_bits=None,
        seconds=seconds,
        memory_mib=1.5 + 0.01 * len(codewords),
    )
    shown = held_out[:12]
    exhibit = Exhibit(name, float(rate), codewords, usage, shown, codewords[nearest(shown, codewords).argmin(axis=1)])
    return arm, exhibit


def _effective(error, bound):
    """The rate where the curve has this error; beyond its end, on along its last slope in dB."""
    rates, curve = bound
    slope = np.log(curve[-2] / curve[-1]) / (rates[-1] - rates[-2])
    beyond = rates[-1] + np.log(curve[-1] / error) / slope
    return float(beyond if error < curve[-1] else np.interp(-error, -curve, rates))


def compare(name, x, rates, *, picture_shape=None, value_range=(0.0, 1.0), seed=0):
    """Fit a few plain codebooks to four fifths of `x`, judge them on the rest."""
    x = x[np.random.default_rng(seed).permutation(len(x))]
    halves = train, held_out = np.split(x, [4 * len(x) // 5])
    eigenvalues = np.linalg.eigvalsh(np.cov(train.T).reshape(x.shape[1], -1)).clip(0)[::-1]
    grid = np.linspace(0, max(rates) + 1, 16 * (max(rates) + 1) + 1)
    bound = grid, gaussian_curve(eigenvalues, grid)
    arms, exhibits = [], []
    for rate in rates:
        found = []
        for method, fit in _fits(2**rate, seed).items():
            with threadpool_limits(1):  # waiting for a busy core costs more than these fits
                codewords = fit(train)
            found.append(_measure(method, rate, codewords, halves, bound, 1e-4 * len(codewords) * len(method)))
        arms += [arm for arm, _ in found]
        exhibits.append(min(found, key=lambda pair: pair[0].distortion)[1])
    card = DataCard(
        name, len(train), len(held_out), x.shape[1], float(eigenvalues.sum()), "5f1d0c3a9b77e2", picture_shape, value_range
    )
    provenance = {
        "command": f"zador compare {name} --bits {','.join(map(str, rates))}",
        "seed": str(seed),
        "zador": "0.1.0",
        "python": "3.11.2",
        "numpy": np.__version__,
        "date": "2026-11-21 08:30 UTC",
    }
    notes = ("One seed, one split: another split moves every number by about its standard error.",)
    return Comparison(card, tuple(arms), *bound, tuple(exhibits), provenance, notes)


@cache
def digits():
    """Pictures in grey, at 4 and 6 bits."""
    return compare("digits", load_digits().data, (4, 6), picture_shape=(8, 8), value_range=(0.0, 16.0))


@cache
def gaussian():
    """No pictures: correlated Gaussian vectors of 12 coordinates at 1, 3 and 5 bits."""
    scales = np.geomspace(3, 0.3, 12)
    return compare("linear-gaussian", np.random.default_rng(1).normal(size=(1500, 12)) * scales, (1, 3, 5))


@cache
def patches():
    """Coloured pictures of 192 numbers, at 4, 6 and 8 bits: the largest report that is promised to stay small."""
    image = load_sample_image("china.jpg") / 255.0
    rng = np.random.default_rng(2)
    corners = zip(rng.integers(0, 419, 1000), rng.integers(0, 632, 1000), strict=True)
    x = np.stack([image[row : row + 8, column : column + 8].ravel() for row, column in corners])
    return compare("china patches", x, (4, 6, 8), picture_shape=(8, 8, 3))

"""Comparisons to report on: small and real enough to look at, measured with the plainest tools."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_sample_image
from threadpoolctl import threadpool_limits

from zador.studies.comparison.records import Arm, Comparison, DataCard, Exhibit

HEAD_BITS = 300


class Fitted(NamedTuple):
    """A quantizer as three functions' worth: sizes of its streams, vectors to indices, indices to vectors."""

    sizes: tuple
    encode: object
    decode: object


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


def _clusters(x, size, start="k-means++", iterations=50, seed=0):
    with threadpool_limits(1):  # waiting for a busy core costs more than these fits
        return KMeans(size, init=start, n_init=1, max_iter=iterations, random_state=seed).fit(x).cluster_centers_


def _table(words):
    return Fitted((len(words),), lambda x: nearest(x, words).argmin(axis=1)[:, None], lambda i: words[i[:, 0]])


def _product(x, rate, seed):
    """Codewords of up to 6 bits for each of some slices of equal length."""
    streams = max(2, -(-rate // 6))
    cuts = np.array_split(np.arange(x.shape[1]), streams)
    sizes = [2 ** (rate // streams + (s < rate % streams)) for s in range(streams)]
    tables = [_clusters(x[:, cut], size, seed=seed) for cut, size in zip(cuts, sizes, strict=True)]

    def encode(x):
        return np.stack([nearest(x[:, cut], t).argmin(axis=1) for cut, t in zip(cuts, tables, strict=True)], axis=1)

    return Fitted(tuple(sizes), encode, lambda i: np.hstack([t[i[:, s]] for s, t in enumerate(tables)]))


def _grid(x, rate, _seed):
    """The integers, scaled until the entropies of the training vectors' coordinates add up to the rate."""
    middle, low, high = x.mean(axis=0), 1e-3 * x.std(), 1e2 * x.std()
    for _ in range(40):
        step = math.sqrt(low * high)
        first = np.rint((x - middle) / step)
        low, high = (low, step) if sum(map(_entropy, _usage(first - first.min(axis=0)))) < rate else (step, high)
    least, most = first.min(axis=0), first.max(axis=0)
    varying = np.flatnonzero(most > least)

    def encode(x):
        return (np.clip(np.rint((x - middle) / step), least, most) - least)[:, varying].astype(int)

    def decode(indices):
        whole = np.zeros((len(indices), len(middle)))
        whole[:, varying] = indices
        return middle + step * (whole + least)

    return Fitted(tuple((most - least + 1)[varying].astype(int).tolist()), encode, decode)


def _fits(rate, seed):
    fits = {"grid, coded": lambda x: _grid(x, rate, seed)}
    if rate > 1:
        fits["product"] = lambda x: _product(x, rate, seed)
    if rate > 8:
        return fits
    size = 2**rate
    return {
        "k-means++ + Lloyd": lambda x: _table(_clusters(x, size, seed=seed)),
        "random start + Lloyd": lambda x: _table(_clusters(x, size, "random", seed=seed)),
        "sample of the data": lambda x: _table(x[np.random.default_rng(seed).choice(len(x), size, replace=False)]),
        **fits,
    }


def _usage(indices, sizes=None):
    sizes = indices.max(axis=0).astype(int) + 1 if sizes is None else sizes
    return [np.bincount(column.astype(int), minlength=size) for column, size in zip(indices.T, sizes, strict=True)]


def _entropy(usage):
    share = usage[usage > 0] / usage.sum()
    return float(-(share * np.log2(share)).sum())


def _cross_entropy(usage, trained):
    law = (trained + 0.5) / (trained + 0.5).sum()
    return float(-(usage / usage.sum() * np.log2(law)).sum())


def _measure(name, rate, fitted, halves, bound, *, search):
    train, held_out = halves
    indices, known = fitted.encode(held_out), fitted.encode(train)
    copies = fitted.decode(indices)
    error = ((held_out - copies) ** 2).sum(axis=1)
    usage, trained = _usage(indices, fitted.sizes), _usage(known, fitted.sizes)
    cross = sum(map(_cross_entropy, usage, trained))
    real = cross + HEAD_BITS / len(held_out)
    streams, entropy = len(fitted.sizes), sum(map(_entropy, usage))
    return Arm(
        name=name,
        bits=float(rate),
        entropy_coded="coded" in name,
        streams=streams,
        alphabets=_alphabets(fitted.sizes),
        codebook_size=fitted.sizes[0] if streams == 1 else None,
        distortion=float(error.mean()),
        distortion_se=float(error.std(ddof=1) / math.sqrt(len(error))),
        excess_se=float(error.std(ddof=1) / math.sqrt(len(error))),
        train_distortion=float(((train - fitted.decode(known)) ** 2).sum(axis=1).mean()),
        gaussian_bound=float(np.interp(rate, *bound)),
        gap_db=float(10 * np.log10(error.mean() / np.interp(rate, *bound))),
        effective_bits=_effective(error.mean(), bound),
        entropy_bits=entropy,
        perplexity=2 ** (entropy / streams),
        dead=int(sum((counts == 0).sum() for counts in usage)),
        index_bits=float(np.log2(fitted.sizes).sum()),
        cross_entropy_bits=cross,
        real_bits=real,
        real_gap_db=float(10 * np.log10(error.mean() / np.interp(real, *bound))),
        recall=_recall(held_out, copies) if search else None,
        seconds=1e-4 * len(name) * 2.0 ** min(rate, 8),
        encode_seconds=1e-6 * len(held_out) * len(name),
        memory_mib=1.5 + 0.01 * sum(fitted.sizes),
    )


def _alphabets(sizes):
    if len(set(sizes)) > 1:
        return f"{len(sizes)} streams of {min(sizes)} to {max(sizes)}"
    return f"{len(sizes)} × {sizes[0]}" if len(sizes) > 1 else str(sizes[0])


def _recall(held_out, copies):
    """A fifth of the vectors looks for its nearest among the others, and among what stands for them."""
    count = len(held_out) // 5
    truth = nearest(held_out[:count], held_out[count:]).argmin(axis=1)
    found = nearest(held_out[:count], copies[count:]).argsort(axis=1, kind="stable")
    return {k: float((found[:, :k] == truth[:, None]).any(axis=1).mean()) for k in (1, 10)}


def _effective(error, bound):
    """The rate where the curve has this error; beyond its end, on along its last slope in dB."""
    rates, curve = bound
    slope = np.log(curve[-2] / curve[-1]) / (rates[-1] - rates[-2])
    beyond = rates[-1] + np.log(curve[-1] / error) / slope
    return float(beyond if error < curve[-1] else np.interp(-error, -curve, rates))


def _exhibit(arms, quantizers, held_out):
    """The best table, or, where there is none, the best arm."""
    tables = [arm for arm in arms if arm.codebook_size is not None]
    best = min(tables or arms, key=lambda arm: arm.distortion)
    fitted, shown = quantizers[best.name], held_out[:12]
    words = usage = None
    if tables:
        words = fitted.decode(np.arange(best.codebook_size)[:, None])
        usage = _usage(fitted.encode(held_out), fitted.sizes)[0]
    return Exhibit(best.name, best.bits, words, usage, shown, fitted.decode(fitted.encode(shown)))


def compare(name, x, rates, *, picture_shape=None, value_range=(0.0, 1.0), seed=0, search=False):
    """Fit a few plain quantizers to four fifths of `x`, judge them on the rest."""
    x = x[np.random.default_rng(seed).permutation(len(x))]
    halves = train, held_out = np.split(x, [4 * len(x) // 5])
    eigenvalues = np.linalg.eigvalsh(np.cov(train.T).reshape(x.shape[1], -1)).clip(0)[::-1]
    most = max(rates) + 3
    grid = np.linspace(0, most, 8 * most + 1)
    bound = grid, gaussian_curve(eigenvalues, grid)
    arms, exhibits = [], []
    for rate in rates:
        quantizers = {method: fit(train) for method, fit in _fits(rate, seed).items()}
        here = [_measure(method, rate, q, halves, bound, search=search) for method, q in quantizers.items()]
        arms += here
        exhibits.append(_exhibit(here, quantizers, held_out))
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
    """Pictures in grey, at 4 and 6 bits, and at 24, where there is no table of codewords."""
    return compare("digits", load_digits().data, (4, 6, 24), picture_shape=(8, 8), value_range=(0.0, 16.0))


@cache
def gaussian():
    """No pictures: correlated Gaussian vectors of 12 coordinates at 1, 3 and 5 bits."""
    scales = np.geomspace(3, 0.3, 12)
    return compare("linear-gaussian", np.random.default_rng(1).normal(size=(1500, 12)) * scales, (1, 3, 5))


@cache
def structured():
    """No pictures, no table of codewords, and recall: the Gaussian vectors at 12 and 60 bits."""
    scales = np.geomspace(3, 0.3, 12)
    x = np.random.default_rng(1).normal(size=(800, 12)) * scales
    return compare("linear-gaussian", x, (12, 60), search=True)


@cache
def patches():
    """Coloured pictures of 192 numbers, at 4, 6 and 8 bits: the largest report that is promised to stay small."""
    image = load_sample_image("china.jpg") / 255.0
    rng = np.random.default_rng(2)
    corners = zip(rng.integers(0, 419, 1000), rng.integers(0, 632, 1000), strict=True)
    x = np.stack([image[row : row + 8, column : column + 8].ravel() for row, column in corners])
    return compare("china patches", x, (4, 6, 8), picture_shape=(8, 8, 3))

"""Protocol A in plain NumPy: the low-rank Gaussian, PCA, k-means++ and Lloyd, step by step and without zador.

Published figures of the project lean on these numbers, so this file spells out every draw in its order.
"""

import numpy as np


def draw(dim=64, rank=6, noise_variance=0.0, train=20_000, evaluation=4_000, seed=42):
    """Return (training vectors, evaluation vectors, U, covariance)."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((dim, rank)))
    variances = np.geomspace(4.0, 0.25, rank)
    covariance = basis @ np.diag(variances) @ basis.T + noise_variance * np.eye(dim)
    x_train = rng.multivariate_normal(mean=np.zeros(dim), cov=covariance, size=train)
    x_evaluation = rng.multivariate_normal(mean=np.zeros(dim), cov=covariance, size=evaluation)
    return x_train, x_evaluation, basis, covariance


def principal_directions(x, count):
    """Return (count, D): the top eigenvectors of the biased covariance of `x`, as rows."""
    centred = x - x.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    return vectors[:, ::-1][:, :count].T


def squared_distances(z, codewords):
    """Return (N, K) squared distances, from the differences."""
    return ((z[:, None, :] - codewords[None, :, :]) ** 2).sum(axis=2)


def kmeans_plus_plus(z, size, seed=42):
    """Return (size, d) starting codewords: the first uniform, the next with probability proportional to squared distance."""
    rng = np.random.default_rng(seed)
    chosen = [z[rng.integers(0, len(z))]]
    nearest = ((z - chosen[0]) ** 2).sum(axis=1)
    while len(chosen) < size:
        chosen.append(z[rng.choice(len(z), p=nearest / nearest.sum())])
        nearest = np.minimum(nearest, ((z - chosen[-1]) ** 2).sum(axis=1))
    return np.array(chosen)


def lloyd(z, codewords, iterations):
    """Return the codewords after `iterations` rounds of assignment and averaging; an empty cluster keeps its centre."""
    codewords = codewords.copy()
    for _ in range(iterations):
        codes = squared_distances(z, codewords).argmin(axis=1)
        for k in range(len(codewords)):
            if (codes == k).any():
                codewords[k] = z[codes == k].mean(axis=0)
    return codewords


def baseline(x_train, x_evaluation, codebook_size=32, encoder_dim=4, iterations=30):
    """Return (reconstruction MSE, in-subspace distortion, usage entropy in nats) on the evaluation vectors."""
    directions = principal_directions(x_train, encoder_dim)
    z_train, z = x_train @ directions.T, x_evaluation @ directions.T
    codewords = lloyd(z_train, kmeans_plus_plus(z_train, codebook_size), iterations)
    codes = squared_distances(z, codewords).argmin(axis=1)
    quantized = codewords[codes]
    usage = np.bincount(codes, minlength=codebook_size) / len(codes)
    usage = usage[usage > 0]
    reconstruction = ((x_evaluation - quantized @ directions) ** 2).sum(axis=1).mean()
    in_subspace = ((z - quantized) ** 2).sum(axis=1).mean()
    return reconstruction, in_subspace, -(usage * np.log(usage)).sum()

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


def start(x_train, codebook_size=32, encoder_dim=4, sample=8_000, iterations=20, seed=42):
    """Return (W, E) where gradient methods start: principal directions, Lloyd on the first projected vectors."""
    directions = principal_directions(x_train, encoder_dim)
    z = (x_train @ directions.T)[:sample]
    return directions, lloyd(z, kmeans_plus_plus(z, codebook_size, seed), iterations)


def measure(encoder, codewords, x):
    """Return (reconstruction MSE, in-subspace distortion, usage entropy in nats, share of dead codes)."""
    z = x @ encoder.T
    codes = squared_distances(z, codewords).argmin(axis=1)
    quantized = codewords[codes]
    counts = np.bincount(codes, minlength=len(codewords))
    usage = counts[counts > 0] / len(codes)
    reconstruction = ((x - quantized @ encoder) ** 2).sum(axis=1).mean()
    in_subspace = ((z - quantized) ** 2).sum(axis=1).mean()
    return reconstruction, in_subspace, -(usage * np.log(usage)).sum(), (counts == 0).mean()


def polar(encoder):
    """Return U Vᵀ of the singular value decomposition."""
    left, _, right = np.linalg.svd(encoder, full_matrices=False)
    return left @ right


def qr_with_signs(encoder):
    """Return Gram-Schmidt of the rows, one after the other: the QR factor whose R has a positive diagonal."""
    rows = []
    for row in encoder:
        for done in rows:
            row = row - (row @ done) * done  # noqa: PLW2901
        rows.append(row / np.sqrt(row @ row))
    return np.array(rows)


def manual(encoder, codewords, x_train, batches, *, rates=(0.08, 0.2), weights=(1.0, 0.25), retract=polar):
    """Train by the written-down gradients: per-code codebook step, tangent encoder step. `batches` are index arrays."""
    encoder, codewords = encoder.copy(), codewords.copy()
    (encoder_rate, codebook_rate), (alpha, beta) = rates, weights
    for rows in batches:
        x = x_train[rows]
        z = x @ encoder.T
        codes = squared_distances(z, codewords).argmin(axis=1)
        q = codewords[codes]
        residual = x - q @ encoder
        size = len(x)
        gradient = -2 * q.T @ residual / size - 2 * (encoder @ residual.T) @ x / size + 2 * beta * (z - q).T @ x / size
        gradient = gradient - 0.5 * encoder @ (gradient.T @ encoder + encoder.T @ gradient)
        for k in range(len(codewords)):
            if (codes == k).any():
                codewords[k] -= codebook_rate * 2 * alpha * (codewords[k] - z[codes == k].mean(axis=0))
        encoder = retract(encoder - encoder_rate * gradient)
    return encoder, codewords


def autograd(encoder, codewords, x_train, batches, *, rates=(0.05, 0.2), weights=(1.0, 0.25), retract=polar):
    """Train by torch's gradients of the straight-through loss in the dtype of `encoder`; per-batch, plain steps."""
    import torch

    w, e = torch.tensor(encoder, requires_grad=True), torch.tensor(codewords, requires_grad=True)
    x_all = torch.tensor(x_train, dtype=w.dtype)
    for rows in batches:
        x = x_all[rows]
        z = x @ w.T
        codes = ((z[:, None] - e[None]) ** 2).sum(2).argmin(1)
        q = e[codes]
        decoded = (z + (q - z).detach()) @ w
        loss = ((x - decoded) ** 2).sum(1).mean()
        loss = loss + weights[0] * ((z.detach() - q) ** 2).sum(1).mean() + weights[1] * ((z - q.detach()) ** 2).sum(1).mean()
        along_w, along_e = torch.autograd.grad(loss, (w, e))
        with torch.no_grad():
            w = torch.tensor(retract((w - rates[0] * along_w).numpy()), requires_grad=True)
            e = (e - rates[1] * along_e).requires_grad_()
    return w.detach().numpy(), e.detach().numpy()

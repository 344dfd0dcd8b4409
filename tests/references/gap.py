"""The five terms of a measured error in 60 digits, by loops over vectors: no matrix product, no block, no centring trick."""

from __future__ import annotations

import mpmath


def decompose(vectors, indices, reconstructions, encoder, floor):
    """Return (measured, dropped, misalignment, floor, sub-optimality, mismatch) as floats, each from its own definition."""
    with mpmath.workdps(60):
        x = [[mpmath.mpf(float(value)) for value in row] for row in vectors]
        count, dim = len(x), len(x[0])
        table = [[mpmath.mpf(float(value)) for value in row] for row in reconstructions]
        measured = _mean([_square(row, table[i]) for row, i in zip(x, indices, strict=True)])
        residual = _left_by_regression(x, encoder)
        dropped = _smallest_eigenvalues(x, dim if encoder is None else len(encoder))
        members = {k: [row for row, i in zip(x, indices, strict=True) if i == k] for k in set(indices)}
        centres = {k: [_mean(column) for column in zip(*rows, strict=True)] for k, rows in members.items()}
        within = _mean([_square(row, centres[i]) for row, i in zip(x, indices, strict=True)])
        mismatch = sum(mpmath.mpf(len(members[k])) / count * _square(centres[k], table[k]) for k in centres)
        exact = mpmath.mpf(float(floor))
        return tuple(float(v) for v in (measured, dropped, residual - dropped, exact, within - residual - exact, mismatch))


def _mean(values):
    return sum(values, mpmath.mpf(0)) / len(values)


def _square(a, b):
    return sum(((u - v) ** 2 for u, v in zip(a, b, strict=True)), mpmath.mpf(0))


def _left_by_regression(x, encoder):
    """Regress every coordinate on the columns 1, z_1, ..., z_m, made orthogonal one after another; return what is left."""
    if encoder is None:
        return mpmath.mpf(0)
    weights = [[mpmath.mpf(float(value)) for value in row] for row in encoder]
    columns = [[mpmath.mpf(1)] * len(x)]
    columns += [[sum(w * v for w, v in zip(row, vector, strict=True)) for vector in x] for row in weights]
    basis = []
    for column in columns:
        rest = _without(column, basis)
        size = sum(v * v for v in rest)
        if size > mpmath.mpf(10) ** -40 * (1 + sum(v * v for v in column)):  # what is left of a repeated column is rounding
            basis.append(rest)
    left = [_without(list(coordinate), basis) for coordinate in zip(*x, strict=True)]
    return sum((v * v for column in left for v in column), mpmath.mpf(0)) / len(x)


def _without(column, basis):
    for direction in basis:
        share = sum(u * v for u, v in zip(column, direction, strict=True)) / sum(v * v for v in direction)
        column = [u - share * v for u, v in zip(column, direction, strict=True)]
    return column


def _smallest_eigenvalues(x, kept):
    dim = len(x[0])
    means = [_mean(column) for column in zip(*x, strict=True)]
    covariance = mpmath.matrix(dim, dim)
    for i in range(dim):
        for j in range(dim):
            covariance[i, j] = _mean([(row[i] - means[i]) * (row[j] - means[j]) for row in x])
    values = sorted(mpmath.eigsy(covariance, eigvals_only=True), reverse=True)
    return sum(values[kept:], mpmath.mpf(0))

"""Estimators as matrices, one vector at a time in float64: what multiplies the gradient, written out."""

from __future__ import annotations

import numpy as np


def projection_matrix(x, q):
    """Return u uᵀ, u the direction from x to q."""
    step = np.asarray(q, np.float64) - np.asarray(x, np.float64)
    return np.outer(step, step) / (step @ step)


def reflection_matrix(v):
    """Return I - 2 v vᵀ / vᵀv."""
    return np.eye(len(v)) - 2 * np.outer(v, v) / (v @ v)


def rotation_matrix(x, q):
    """Return the product of the reflection along x and the one along the bisector of x and q."""
    x, q = np.asarray(x, np.float64), np.asarray(q, np.float64)
    bisector = x / np.linalg.norm(x) + q / np.linalg.norm(q)
    return reflection_matrix(bisector) @ reflection_matrix(x)


def planar_rotation(x, q):
    """Return the rotation by the angle between x and q, in their plane: the same matrix by trigonometry."""
    x, q = np.asarray(x, np.float64), np.asarray(q, np.float64)
    first = x / np.linalg.norm(x)
    second = q - (q @ first) * first
    second = second / np.linalg.norm(second)
    angle = np.arctan2(q @ second, q @ first)
    turn = np.outer(second, first) - np.outer(first, second)
    plane = np.outer(first, first) + np.outer(second, second)
    return np.eye(len(x)) + np.sin(angle) * turn + (np.cos(angle) - 1) * plane


def stretch(x, q):
    """Return ||q|| / ||x||."""
    return np.linalg.norm(np.asarray(q, np.float64)) / np.linalg.norm(np.asarray(x, np.float64))


def backward(matrix, g):
    """Return Mᵀ g in float64."""
    return matrix.T @ np.asarray(g, np.float64)


def relaxed(logits, uniform, temperature):
    """Return softmax((logits + Gumbel noise) / temperature) of one row, and the category drawn."""
    drawn = np.asarray(logits, np.float64) - np.log(-np.log(np.asarray(uniform, np.float64)))
    scores = np.exp((drawn - drawn.max()) / temperature)
    return scores / scores.sum(), int(drawn.argmax())


def relaxed_gradients(logits, uniform, temperature, g):
    """Return the gradients at the logits (K,) and at the temperature, by the softmax's full Jacobian."""
    weights, _ = relaxed(logits, uniform, temperature)
    drawn = np.asarray(logits, np.float64) - np.log(-np.log(np.asarray(uniform, np.float64)))
    jacobian = np.diag(weights) - np.outer(weights, weights)  # of softmax at its own argument
    at_scores = jacobian.T @ np.asarray(g, np.float64)
    return at_scores / temperature, -(at_scores @ drawn) / temperature**2


def substituted_backward(x, q, direction, g):
    """Return y = x + ||q - x|| w of one vector, w along `direction`, and the gradients at x and q, by matrices."""
    x, q, g = (np.asarray(row, np.float64) for row in (x, q, g))
    length = np.linalg.norm(q - x)
    w, u = direction / np.linalg.norm(direction), (q - x) / length
    return x + length * w, (np.eye(len(x)) - np.outer(w, u)).T @ g, np.outer(w, u).T @ g


def softmax_jacobian(weights):
    """Return diag(p) - p pᵀ, the derivative of a softmax whose value is p."""
    return np.diag(weights) - np.outer(weights, weights)


def softmax(scores):
    """Return exp(scores) / Σ exp(scores) of one row."""
    shifted = np.exp(np.asarray(scores, np.float64) - np.max(scores))
    return shifted / shifted.sum()


def second_order_gradient(logits, index, temperature, g):
    """Return the gradient at the logits of one row when category `index` was drawn: ReinMax, by full Jacobians."""
    first = softmax(logits)
    middle = (np.eye(len(first))[index] + softmax(np.asarray(logits, np.float64) / temperature)) / 2
    return (2 * softmax_jacobian(middle) - softmax_jacobian(first) / 2).T @ np.asarray(g, np.float64)

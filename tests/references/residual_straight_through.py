"""The residual quantizer with the bug that many code bases share, to see that the tests see it.

Each stage subtracts what its straight-through estimator returns, instead of the hard value. The residual of the next stage
is then `r - (r + sg(q - r))`, whose gradient with respect to r is 0: no stage but the first draws the encoder.
"""

from __future__ import annotations


def commitment(x, codebooks, weight):
    """Return `β Σ_s ||r_s - sg q_s||² / n`, with residuals wired as in the reports."""
    rest, total = x, 0.0
    for codewords in codebooks:
        q = codewords[((rest[:, None] - codewords) ** 2).sum(-1).argmin(1)].detach()
        total = total + ((rest - q) ** 2).sum() / len(x)
        rest = rest - (rest + (q - rest).detach())
    return weight * total


def sound_commitment(x, codebooks, weight):
    """Return the same with hard values subtracted."""
    rest, total = x, 0.0
    for codewords in codebooks:
        q = codewords[((rest[:, None] - codewords) ** 2).sum(-1).argmin(1)].detach()
        total = total + ((rest - q) ** 2).sum() / len(x)
        rest = rest - q
    return weight * total

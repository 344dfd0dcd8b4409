"""Range decoding in Python's whole numbers, from the description in docs/coding.md: no constriction, no NumPy."""

from __future__ import annotations

from itertools import accumulate

TOTAL = 1 << 24
_WORD = 1 << 32
_STATE = 1 << 64


class RangeDecoder:
    """Decode from 32-bit words; zeros follow them."""

    def __init__(self, words):
        self._words = iter(words)
        self._lower, self._range = 0, _STATE - 1
        self._point = next(self._words, 0) * _WORD + next(self._words, 0)

    def decode(self, frequencies):
        """Return the next symbol, given whole-number frequencies that sum to 2**24."""
        assert sum(frequencies) == TOTAL
        assert min(frequencies) >= 1
        step = self._range // TOTAL
        target = (self._point - self._lower) % _STATE // step
        edges = [0, *accumulate(frequencies)]
        symbol = next(k for k in range(len(frequencies)) if target < edges[k + 1])
        self._lower = (self._lower + step * edges[symbol]) % _STATE
        self._range = step * frequencies[symbol]
        if self._range < _WORD:
            self._range *= _WORD
            self._lower = self._lower * _WORD % _STATE
            self._point = (self._point * _WORD + next(self._words, 0)) % _STATE
        return symbol

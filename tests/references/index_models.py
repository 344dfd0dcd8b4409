"""The three entropy models, one symbol at a time: each yields the frequencies in force and the symbol coded by them.

`steps(model, symbols)` is all that the coder does to one stream: a list of (frequencies, coded symbol), in order.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import accumulate, pairwise

TOTAL = 1 << 24


def frequencies(weights, total):
    """Return whole numbers >= 1 that sum to 2**24: a unit for each, the rest in proportion to what lies above a unit."""
    above = [max(math.floor(weight / total * 2.0**38) - 2**14, 0) for weight in weights]
    free = TOTAL - len(weights)
    scale = free / sum(above)
    edges = [0, *(math.floor(edge * scale) for edge in accumulate(above))]
    edges[-1] = free
    return [1 + high - low for low, high in pairwise(edges)]


def small_table(weights):
    """Return frequencies of whole-number weights, as constriction rounds them."""
    free = TOTAL - len(weights)
    scale = free / sum(weights)
    edges = [0, *(math.floor(edge * scale) for edge in accumulate(weights))]
    edges[-1] = free
    return [1 + high - low for low, high in pairwise(edges)]


def static(symbols, usage):
    """Yield the same table for every symbol."""
    weights = [u + 0.5 for u in usage]
    table = frequencies(weights, math.fsum(weights))
    for symbol in symbols:
        yield table, symbol


class Counting:
    """Counts that begin with half of Krichevsky-Trofimov and half of training usage, and take effect now and then."""

    def __init__(self, usage):
        self.size = len(usage)
        table, _ = next(static([0], usage))
        self.prior = [0.25 + f * (self.size / 4 / TOTAL) for f in table]
        self.counts = Counter()
        self.refresh()

    def refresh(self):
        seen = self.counts.total()
        self.table = frequencies([p + self.counts[k] for k, p in enumerate(self.prior)], seen + self.size / 2)
        self.until = seen + min(max(32, self.size // 16, seen // 8), max(65536, self.size))

    def learn(self, symbol):
        self.counts[symbol] += 1
        if self.counts.total() == self.until:
            self.refresh()


def adaptive(symbols, usage):
    """Yield tables of counts so far."""
    state = Counting(usage)
    for symbol in symbols:
        yield state.table, symbol
        state.learn(symbol)


def order_one(symbols, usage, most_pairs=1 << 20):
    """Yield, for each symbol, its place among the followers of the one before; if it has none there, itself as well."""
    base = Counting(usage)
    history = {}  # context: every follower in order, those that are remembered
    tables = {}  # context: (frequencies, followers by place, length of history when next made)
    previous, pairs = -1, set()
    for symbol in symbols:
        table, places, due = tables.get(previous, (None, [], 0))
        if table is not None:
            yield table, 1 + places.index(symbol) if symbol in places else 0
        if symbol not in places:
            yield base.table, symbol
            base.learn(symbol)
        remembered = previous in history or len(pairs) < most_pairs
        if (previous, symbol) not in pairs and len(pairs) < most_pairs:
            pairs.add((previous, symbol))
        if remembered:
            followers = history.setdefault(previous, [])
            followers.append(symbol)
            if len(followers) > due:
                tables[previous] = (*_followers_table(previous, followers, pairs, base.size), _due(len(followers)))
        previous = symbol


def _due(seen):
    return seen + seen // 8


def _followers_table(context, followers, pairs, size):
    counts = Counter(followers)
    places = [symbol for symbol in dict.fromkeys(followers) if (context, symbol) in pairs]
    escapes = len(places) + sum(counts[symbol] for symbol in counts if symbol not in places)
    if len(places) == size:
        escapes = 0
    return small_table([escapes, *(2 * counts[symbol] - 1 for symbol in places)]), places


def ideal_bits(steps):
    """Return `Σ log2(2**24 / f)` over the steps."""
    return math.fsum(24 - math.log2(table[symbol]) for table, symbol in steps)

"""Comparisons to report on: measured ones, and the edges that measuring does not reach; each report is drawn once."""

from __future__ import annotations

import dataclasses
import math
from functools import cache

import numpy as np

from studies.comparison.report_measured import digits, gaussian, patches, structured
from zador.studies.comparison import report
from zador.studies.comparison.records import Arm, Comparison, DataCard, Exhibit

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> $\\frac{1}$ 日本"


def _with_arms(comparison, arms, exhibits=()):
    return dataclasses.replace(comparison, arms=tuple(arms), exhibits=tuple(exhibits))


def arm(name="a", bits=4.0, distortion=10.0, se=0.1, **changes):
    """An arm of which only what matters to a test is said."""
    bound = changes.get("gaussian_bound", 9.0)
    size = round(2**bits)
    plain = Arm(
        name=name,
        bits=bits,
        entropy_coded=False,
        streams=1,
        alphabets=str(size),
        codebook_size=size,
        distortion=distortion,
        distortion_se=se,
        excess_se=math.sqrt(2) * se,
        train_distortion=distortion,
        gaussian_bound=bound,
        gap_db=10 * math.log10(distortion / bound),
        effective_bits=bits - 0.3,
        entropy_bits=bits,
        perplexity=2**bits,
        dead=0,
        index_bits=bits,
        cross_entropy_bits=bits,
        real_bits=bits,
        real_gap_db=10 * math.log10(distortion / bound),
        recall=None,
        seconds=0.5,
        encode_seconds=0.001,
        memory_mib=2.0,
    )
    return dataclasses.replace(plain, **changes)


def streams(name="s", bits=4.0, **changes):
    """An arm of several streams, such as a product."""
    several = {"streams": 2, "alphabets": f"2 × {round(2 ** (bits / 2))}", "codebook_size": None}
    return arm(name, bits, **{**several, **changes})


def coded(name="c", bits=4.0, **changes):
    """An arm whose rate is an entropy."""
    return streams(name, bits, **{"entropy_coded": True, "index_bits": 2 * bits, **changes})


def one_arm():
    """A single method at a single rate that is no whole number of bits."""
    whole = gaussian()
    only = dataclasses.replace(whole.arms[0], bits=math.log2(3), alphabets="3", codebook_size=3, index_bits=math.log2(3))
    return _with_arms(whole, [only], whole.exhibits[:1])


def no_exhibits():
    """Numbers only."""
    return dataclasses.replace(gaussian(), exhibits=())


def hostile():
    """Every text that a user gives tries to be markup."""
    whole = digits()
    return dataclasses.replace(
        whole,
        data=dataclasses.replace(whole.data, name=HOSTILE),
        arms=tuple(dataclasses.replace(arm, name=HOSTILE + arm.name) for arm in whole.arms),
        exhibits=tuple(dataclasses.replace(exhibit, arm=HOSTILE + exhibit.arm) for exhibit in whole.exhibits),
        provenance={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
    )


def no_error_left():
    """A codebook that holds every vector: no error, no finite gap, no noise."""
    whole = gaussian()
    nothing = {"distortion": 0.0, "distortion_se": 0.0, "train_distortion": 0.0}
    perfect = dataclasses.replace(
        whole.arms[-1], **nothing, gap_db=-math.inf, real_gap_db=-math.inf, effective_bits=math.inf
    )
    return _with_arms(whole, [*whole.arms[:-1], perfect], whole.exhibits)


def one_held_out():
    """A single vector to judge on, and a bound of zero: the noise is unknown, the gap is infinite."""
    unknown = {"se": math.nan, "gaussian_bound": 0.5}
    lost = {"se": math.nan, "gap_db": math.inf, "real_gap_db": math.inf, "effective_bits": math.inf}
    arms = [arm("a", 2.0, 1.0, **unknown), arm("b", 2.0, 9.0, **unknown), arm("a", 3.0, 0.4, **lost)]
    whole = _with_arms(gaussian(), arms)
    return dataclasses.replace(whole, curve_distortion=np.maximum(0, 3 - whole.curve_bits))


def many_arms():
    """Nineteen methods with long names at three rates, some without a table, some entropy-coded, not all at each rate."""
    kinds = (arm, streams, coded)
    return _with_arms(
        gaussian(),
        [
            kinds[index % 3](
                f"Maximum Width + Name {index:03}",
                bits,
                distortion=(24 - 2 * bits) * 10 ** (0.03 * index - 0.1),
                gaussian_bound=24 - 2 * bits,
                real_gap_db=0.35 * index - 1.2,
                real_bits=bits + 0.07 * (index * 5 % 19) - 0.2,
                recall={1: 0.02 * index, 10: 0.05 * index, 100: 1.0} if index % 4 else None,
            )
            for bits in (3.0, 4.0, 6.0)
            for index in range(19)
            if bits < 6 or index % 3
        ],
    )


@cache
def large_codebook():
    """4096 pictures of 28 × 28, most of them used a few times, one of them very often, some never."""
    rng = np.random.default_rng(3)
    words, shown = rng.random((4096, 784)), rng.random((8, 784))
    usage = np.where(np.arange(4096) % 5 == 0, 0, rng.integers(1, 9, 4096))
    usage[7] = 5000
    card = DataCard("noise", 50_000, int(usage.sum()), 784, 65.0, "00", (28, 28), (0.0, 1.0))
    whole = arm("sample", 12.0, 60.0, gaussian_bound=59.0)
    return Comparison(
        card,
        (whole,),
        np.linspace(0, 13, 40),
        np.linspace(65, 58, 40),
        (Exhibit("sample", 12.0, words, usage, shown, words[:8]),),
        {"seed": "3"},
    )


CASES = {
    "pictures": digits,
    "vectors": gaussian,
    "structured": structured,
    "colours": patches,
    "one arm": one_arm,
    "no exhibits": no_exhibits,
    "hostile names": hostile,
    "no error left": no_error_left,
    "one held out": one_held_out,
    "many arms": many_arms,
    "large codebook": large_codebook,
}


@cache
def rendered(case):
    """The report of a case; drawn once for all tests."""
    return report.render(CASES[case]())

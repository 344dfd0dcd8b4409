"""Studies to report on: made up, with noise and failures of known kinds; each is drawn once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from zador.studies import report
from zador.studies.claims import Claim, Status, Verdict
from zador.studies.claims.prediction import Fails
from zador.studies.design import Arm, Design, Metric, Quoted
from zador.studies.rows import Outcome, Series, Stamp
from zador.studies.run import Evidence


@dataclass(frozen=True)
class Fake:
    """Work that was done elsewhere: its outcomes are made up by the case."""

    level: float
    steps: int = 200

    def __call__(self, seeds, /):
        return [Outcome({}) for _ in seeds]

    def fingerprint(self, seed, /):
        return str(seed)


ERROR = Metric("error", "squared error", "Squared error per vector, summed over coordinates.")
ENTROPY = Metric("entropy", "entropy, bits", "Entropy of the indices in bits.", decimals=3, lower_is_better=None)
DEAD = Metric("dead", "dead codewords", "Codewords that no vector chose.", decimals=1)
EFFECTIVE = Metric("effective", "effective bits", "Rate at which Shannon's bound has this error.", 3, lower_is_better=False)
EXPLODES = Fails(kind="failure", arm="manual STE", setting="extreme", diverges=True)
RATES = ("very_low", "low", "standard", "high", "very_high", "extreme", "mismatch_low_W", "mismatch_high_W")
SIZES = tuple(f"K = {2**power}" for power in range(3, 11))
ARMS = {
    "autograd STE": 0.0,
    "PCA + Lloyd": -0.03,
    "manual STE": 0.012,
    "manual STE, per-batch normalisation": 0.0005,
    "rotation trick": 0.0004,
    "projection": 0.0,
}


def curve(end, steps=20, failed_at=None):
    """An error that falls to its end, or leaves for infinity."""
    at = np.linspace(0, 200, steps).round().astype(int)
    values = end + (3.0 - end) * np.exp(-at / 30)
    if failed_at is not None:
        values = np.where(at >= failed_at, 2.9 * np.exp((at - failed_at) / 5.0), values)
        values = np.where(values > 1e20, np.nan, values)
    return Series("error", tuple(at.tolist()), tuple(values.tolist()))


def evidence(design, outcome):
    """What a study came to if `outcome` says what came of an arm with a seed."""
    return Evidence(
        design,
        {
            Stamp(design.name, arm.setting, arm.name, seed): outcome(arm, seed)
            for arm in design.arms
            for seed in (design.seeds[:1] if arm.limit else design.seeds)
        },
    )


@cache
def stress(settings=RATES, seeds=20):
    """Eight settings, six arms, two limits, twenty seeds; one arm fails everywhere under one setting, some elsewhere."""
    arms, quoted = [], []
    for row, setting in enumerate(settings):
        arms += [Arm("Shannon D(R)", Fake(2.1), setting, limit=True), Arm("K-point floor", Fake(2.3), setting, limit=True)]
        arms += [Arm(name, Fake(shift), setting) for name, shift in ARMS.items()]
        quoted.append(Quoted("autograd STE", "error", round(2.4513 - 0.05 * row, 4), 42, setting, "stress-tests.md, 1"))
        quoted.append(Quoted("manual STE", "error", round(2.4529 - 0.05 * row, 4), 42, setting, "stress-tests.md, 1"))
    design = Design(
        "learning-rates",
        "At which learning rates do gradient methods diverge?",
        "Under eight pairs of learning rates, do manual and automatic gradients of the same model differ, and does either "
        "diverge? An answer is a paired difference whose interval, over all differences of the table, leaves out zero.",
        tuple(arms),
        (ERROR, EFFECTIVE, ENTROPY, DEAD),
        "autograd STE",
        "learning rate" if settings is RATES else "codebook size",
        tuple(range(42, 42 + seeds)),
        tuple(quoted),
        ("Errors are of held-out vectors.",),
    )

    def outcome(arm, seed):
        row = settings.index(arm.setting)
        end = 2.45 - 0.05 * row
        if arm.limit:
            value = end - (0.32 if arm.name == "Shannon D(R)" else 0.12)
            return Outcome({"error": value, **({"effective": 6.0} if arm.name == "Shannon D(R)" else {})})
        rng = np.random.default_rng(1000 * row + seed)
        shared, own = (
            0.01 * rng.standard_normal(),
            0.004 * np.random.default_rng([seed, row, len(arm.name)]).standard_normal(),
        )
        shift = ARMS[arm.name] * (1 + row)
        if seed == 42 and arm.name == "autograd STE":
            shared, own = 0.00128, 0.0
        value = end + shared + own + shift
        lost = arm.name == "manual STE" and (row == 5 or (row == 4 and seed % 7 == 0))
        if lost:
            at = 41 + seed % 5
            failure = f"diverged at step {at}, loss 3e+08"
            return Outcome({"error": 4.28e11}, (curve(end, failed_at=at),), failure)
        numbers = {"error": value, "effective": 5.6 - value / 10, "entropy": 5.8 + own, "dead": float(seed % 4)}
        return Outcome(numbers, (curve(value),))

    return evidence(design, outcome)


def verdict(status=Status.CONFIRMED, **changes):
    """A verdict of which only what matters to a test is said."""
    about = {
        "key": f"claim-{status.name.lower()}",
        "source": "stress-tests.md",
        "section": "Stress Test 1",
        "quote": "Extreme LR (lrW=1.0, lrE=2.0): CATASTROPHIC DIVERGENCE (Manual explodes to 428B MSE!)",
        "because": changes.pop("because", ""),
    }
    about |= {key: changes.pop(key) for key in list(changes) if key in about}
    claim = Claim(protocol="learning-rates", prediction=EXPLODES, **about)
    return Verdict(claim, status, **({"sentence": f"{status.value.capitalize()}: as the rows say."} | changes))


def verdicts():
    """One verdict of each status, as they come out of the rows."""
    return (
        verdict(sentence="Confirmed: 20 of 20 runs of manual STE under extreme fail; p < 0.0001 after Holm over 31 tests."),
        verdict(Status.SIZE_DIFFERS, quote="Very high LR: 14% difference (Manual vs Autograd)"),
        verdict(Status.REFUTED, quote="Both estimators equally robust", evidence=("One.", "Two.")),
        verdict(
            Status.ARTEFACT,
            quote="Small batches (32): Manual STE struggles (+9% MSE), Autograd robust",
            sentence="Artefact of the per-code normalisation: squared error of manual STE is 9.1 % higher than that of "
            "autograd STE. But with per-batch normalisation it is 0.02 % lower; p < 0.0001 after Holm over 31 tests.",
            because="Dividing by the count of each code makes the step of rare codes as long as that of frequent ones.",
            evidence=("Squared error of manual STE is 9.1 % higher.", "Control: of manual STE, per batch, 0.02 % lower."),
        ),
        verdict(Status.NOT_RESOLVED, quote="STE ≈ Rotation remains true even under stress", needed=45, n_seeds=20),
        verdict(
            Status.NOT_RUN, quote="Difficult data doesn't cause divergence", sentence="Not run: no rows of difficult data."
        ),
    )


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> a|b $\\frac{1}$ *x* `y` 日本"


def small(arms, outcome, *, seeds=5, settings=("",), metrics=(ERROR,), **changes):
    """A study of a few arms; the first is the reference."""
    made = tuple(
        Arm(name, Fake(float(place)), setting, limit=name.startswith("limit"))
        for setting in settings
        for place, name in enumerate(arms)
    )
    about = {"name": "small", "title": "A small study", "question": "Which?", "reference": arms[0]} | changes
    return evidence(Design(arms=made, metrics=metrics, seeds=tuple(range(seeds)), **about), outcome)


def noisy(arm, seed):
    """An error near the arm's level, with noise of its own."""
    return Outcome({"error": 2.0 + 0.1 * arm.work.level + 0.02 * float(np.random.default_rng([seed, 7]).standard_normal())})


def broken(arm, seed):
    """What measuring can give and should not: NaN, infinity, failures with and without numbers, a series without any."""
    if arm.name == "a":
        return noisy(arm, seed)
    nothing = Series("error", (0, 1), (float("nan"), float("inf")))
    return (
        Outcome({"error": float("nan")}),
        Outcome({"error": float("inf")}, (nothing,)),
        Outcome({}, (nothing,), "did not start"),
        Outcome({"error": 1e300}, (curve(2.0, failed_at=40),), "diverged at step 41, loss 3e+08"),
        Outcome({"error": 0.0}, (Series("error", (), ()),)),
    )[seed]


def hostile():
    """Every text that a user gives tries to be markup."""
    names = [HOSTILE + "a", HOSTILE + "b", "limit" + HOSTILE]
    metric = Metric("error", HOSTILE, HOSTILE)
    quoted = (Quoted(names[1], "error", 2.1, 0, HOSTILE, HOSTILE),)
    changes = {
        "title": HOSTILE,
        "question": HOSTILE,
        "factor": HOSTILE,
        "notes": (HOSTILE,),
        "quoted": quoted,
        "name": HOSTILE,
    }

    def outcome(arm, seed):
        if seed == 1 and arm.name == names[1]:
            return Outcome({}, (curve(2.0, failed_at=40),), HOSTILE)
        return Outcome(noisy(arm, seed).metrics, () if arm.limit else (curve(2.0 + seed / 10),))

    return small(names, outcome, settings=(HOSTILE, HOSTILE + "2", HOSTILE + "3"), metrics=(metric,), **changes)


def unfinished():
    """Cells of one arm that were never run are not there at all."""
    whole = small(("a", "b", "c"), noisy)
    kept = {stamp: run for stamp, run in whole.outcomes.items() if stamp.arm != "c" and (stamp.arm, stamp.seed) != ("b", 2)}
    return Evidence(whole.design, kept)


CASES = {
    "stress": stress,
    "sizes": lambda: stress(SIZES, 12),
    "one seed": lambda: stress(RATES[:3], 1),
    "one arm": lambda: small(("a",), noisy),
    "all alike": lambda: small(("a", "b"), lambda _, seed: Outcome({"error": float(seed)})),
    "broken": lambda: small(("a", "b", "c"), broken),
    "all failed": lambda: small(("a", "b"), lambda *_: Outcome({}, (curve(2.0, failed_at=10),), "out of memory")),
    "hostile names": hostile,
    "unfinished": unfinished,
    "nothing run": lambda: Evidence(small(("a", "b"), noisy).design, {}),
    "long names": lambda: small(tuple(f"{'a method with a very long name ' * 8}{k}" for k in range(20)), noisy),
}

ABOUT = {"command": "zador study learning-rate --seeds 20 -o DIR", "zador": "0.1, code 0123456789abcdef", "machine": "here"}


def hostile_verdicts():
    """Claims that try to be markup."""
    text = dict.fromkeys(("quote", "source", "section", "because"), HOSTILE)
    return (verdict(Status.ARTEFACT, **text, sentence=HOSTILE, evidence=(HOSTILE, HOSTILE)),)


def judged(case):
    """The verdicts that go with a case."""
    return {"stress": verdicts, "hostile names": hostile_verdicts}.get(case, tuple)()


@cache
def measured(case):
    """The evidence of a case; made up once."""
    return CASES[case]()


@cache
def rendered(case):
    """The page of a case; drawn once for all tests."""
    return report.render_html(measured(case), verdicts=judged(case), provenance=ABOUT)


@cache
def written(case):
    """The Markdown of a case."""
    return report.render_markdown(measured(case), verdicts=judged(case), provenance=ABOUT)

"""Expectations of the claims that come with the package."""

from collections import Counter

import pytest

from zador.studies.catalogue import STUDIES
from zador.studies.claims import all_claims, verdicts
from zador.studies.claims.prediction import parts_of

CLAIMS = all_claims()
REPORTS = {"collapse-report", "comprehensive-analysis", "estimator-comparison", "legacy-insights", "stress-tests"}


@pytest.fixture(scope="module")
def designs():
    """Every study of the catalogue in its full form, by name."""
    return {design.name: design for design in (study() for study in STUDIES)}


def predictions(claim):
    return [claim.prediction, *(control.prediction for control in claim.controls)]


def cells(prediction):
    """Yield (arm, setting) of everything that a prediction speaks of."""
    for part in parts_of(prediction):
        yield part.arm, part.setting
        if getattr(part, "other_setting", None) is not None or getattr(part, "other", ""):
            setting = part.setting if part.other_setting is None else part.other_setting
            yield part.other or part.arm, setting


def test_there_are_enough_and_keys_are_unique():
    """At least 60 claims, of the five reports and of nothing else, and no key twice."""
    assert len(CLAIMS) >= 60
    assert {claim.source for claim in CLAIMS} <= {f"{report}.md" for report in REPORTS}
    assert [key for key, count in Counter(claim.key for claim in CLAIMS).items() if count > 1] == []


@pytest.mark.parametrize(
    "key", ["gradients-beat-baseline", "manual-explodes-by-the-projection", "small-batches-hurt-manual"]
)
def test_the_three_explained_claims_have_controls(key):
    """What has arms of its own names what it would be an artefact of."""
    (claim,) = [claim for claim in CLAIMS if claim.key == key]
    assert claim.controls
    assert all(control.artefact_of for control in claim.controls)


@pytest.mark.parametrize("protocol", sorted({claim.protocol for claim in CLAIMS}))
def test_claims_speak_of_what_the_study_runs(protocol, designs):
    """Every arm, setting and metric of a claim is one of the study that it names: a misspelt one would never be tested."""
    design = designs[protocol]
    run = {(arm.name, arm.setting) for arm in design.arms}
    measured = {metric.name for metric in design.metrics}
    for claim in CLAIMS:
        if claim.protocol != protocol:
            continue
        for prediction in predictions(claim):
            assert set(cells(prediction)) <= run, claim.key
            named = {getattr(part, "metric", "diverged") for part in parts_of(prediction)}
            assert {word for metric in named for word in metric.replace(" - ", " / ").split(" / ")} <= measured, claim.key


def test_without_rows_every_claim_waits():
    """No verdict is typed in: without rows there is none."""
    assert {verdict.status for verdict in verdicts(CLAIMS, [])} == {"not run"}


def test_claimed_sizes_are_in_order_and_directions_signless():
    """Least before most, both positive: the direction is told apart from the size."""
    for claim in CLAIMS:
        for prediction in predictions(claim):
            for part in parts_of(prediction):
                size = getattr(part, "relative", None) or getattr(part, "absolute", None)
                if isinstance(size, tuple):
                    assert 0 < size[0] <= size[1], claim.key

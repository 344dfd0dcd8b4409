"""The catalogue of protocol A: designs that hold together, and say all that they do."""

from __future__ import annotations

import pytest

from zador.studies.catalogue import PROTOCOL_A, STUDIES
from zador.studies.catalogue.testbed.reported import SEED, quoted
from zador.studies.configuration import canonical, configuration
from zador.studies.design import Work

FULL = {study().name: study() for study in PROTOCOL_A}
QUICK = {study().name: study(quick=True) for study in PROTOCOL_A}
DESIGNS = [*FULL.values(), *QUICK.values()]
NAMES = (
    "verification",
    "convergence",
    "codebook-size",
    "commitment",
    "learning-rate",
    "batch-size",
    "difficult-data",
    "cost",
)


def test_protocol_a_is_complete():
    """Verification, convergence, size, β, learning rate, batch size, data, cost: in the order of the reports."""
    assert tuple(FULL) == NAMES
    assert set(PROTOCOL_A) < set(STUDIES)
    settings = {name: len(design.settings) for name, design in FULL.items()}
    assert settings["codebook-size"] == 8
    assert settings["commitment"] == 5
    assert settings["batch-size"] == 7
    assert settings["difficult-data"] == 7
    assert settings["learning-rate"] == 8 + 2 + 8 + 2


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: f"{design.name}, {len(design.seeds)} seeds")
def test_designs_hold_together(design):
    """Arms of a setting have names of their own, the reference is one of them, every work tells itself apart in text."""
    for setting in design.settings:
        names = [arm.name for arm in design.under(setting)]
        assert len(names) == len(set(names))
        assert design.reference in names or setting.startswith("boundary")
    for arm in design.arms:
        assert isinstance(arm.work, Work)
        assert canonical(configuration(arm.work))
    assert len({metric.name for metric in design.metrics}) == len(design.metrics)
    assert SEED in design.seeds


@pytest.mark.parametrize("design", [d for d in DESIGNS if d.name != "cost"], ids=lambda d: f"{d.name}, {len(d.seeds)} seeds")
def test_every_table_carries_limits_and_a_converged_baseline(design):
    """Shannon's bound, the K-point floor (not in quick runs) and converged Lloyd stand beside the reported baseline."""
    lloyd = {f"PCA + Lloyd, {how}" for how in ("as reported", "converged", "10 restarts")}
    limits = {"Shannon D(R)"} if design.short else {"Shannon D(R)", "K-point floor"}
    for setting in design.settings:
        if not setting.startswith("boundary"):
            names = {arm.name for arm in design.under(setting)}
            assert limits | lloyd <= names
            assert limits == names & {"Shannon D(R)", "K-point floor"}
    assert "effective bits" in {metric.name for metric in design.metrics}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_reports_printed_has_a_place(name):
    """Each printed number belongs to an arm, a setting and a metric of the study; a quick run stands beside none."""
    places = {(arm.setting, arm.name) for arm in FULL[name].arms}
    metrics = {metric.name for metric in FULL[name].metrics}
    for number in FULL[name].quoted:
        assert (number.setting, number.arm) in places
        assert number.metric in metrics
        assert number.tolerance > 0
    assert FULL[name].quoted == quoted(name)
    assert not QUICK[name].quoted
    assert QUICK[name].short
    assert not FULL[name].short


def test_printed_digits_decide_what_counts_as_reproduced():
    """Half of the last digit, in bits where the report has nats."""
    found = {(number.arm, number.metric): number for number in quoted("convergence")}
    assert found["manual STE", "reconstruction"].tolerance == pytest.approx(5e-5)
    assert found["manual STE", "entropy"].value == pytest.approx(3.426 / 0.6931471805599453)
    assert found["manual STE", "entropy"].tolerance == pytest.approx(5e-4 / 0.6931471805599453)
    assert quoted("nothing of the kind") == ()


def test_a_variant_changes_one_thing():
    """The arms that explain a claim differ from the one they explain in the field that they are named after."""
    arms = {arm.name: configuration(arm.work)["fields"] for arm in FULL["learning-rate"].under("extreme") if not arm.limit}
    manual, changed = arms["manual STE"], arms["manual STE, per batch"]
    step, other = manual["recipe"]["fields"]["step"]["fields"], changed["recipe"]["fields"]["step"]["fields"]
    assert {key for key in step if step[key] != other[key]} == {"codebook_gradient"}
    autograd, projection = arms["autograd STE"], arms["projection"]
    assert autograd["recipe"] == projection["recipe"]
    assert autograd["engine"] != projection["engine"]
    again = arms["autograd STE, other batches"]["recipe"]["fields"]
    assert {key for key in again if again[key] != autograd["recipe"]["fields"][key]} == {"batches"}

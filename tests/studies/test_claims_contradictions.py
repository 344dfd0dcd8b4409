"""Contradictions inside the reports: they name claims that there are, and their explanations can be tested."""

import pytest

from zador.errors import FormatError
from zador.studies.catalogue import STUDIES
from zador.studies.claims import all_claims, all_contradictions, read_contradictions, verdicts
from zador.studies.claims.prediction import parts_of

CONTRADICTIONS = all_contradictions()


def test_those_of_the_reports_are_there():
    """Rotation, β, and dead codes; each names at least two claims of the reports that are judged."""
    keys = {claim.key for claim in all_claims()}
    titles = " ".join(one.title for one in CONTRADICTIONS)
    assert len(CONTRADICTIONS) >= 3
    assert all(word in titles for word in ("Rotation", "β", "dead codes"))
    for one in CONTRADICTIONS:
        assert len(one.claims) > 1
        assert set(one.claims) <= keys


def test_explanations_speak_of_what_the_studies_run():
    """Every arm, setting and metric is one of the study that is named."""
    designs = {design.name: design for design in (study() for study in STUDIES)}
    for claim in (claim for one in CONTRADICTIONS for claim in one.tested()):
        design = designs[claim.protocol]
        run = {(arm.name, arm.setting) for arm in design.arms}
        measured = {metric.name for metric in design.metrics}
        for part in parts_of(claim.prediction):
            assert {(part.arm, part.setting), (getattr(part, "other", "") or part.arm, part.setting)} <= run
            assert set(getattr(part, "metric", "diverged").split(" - ")) <= measured


def test_without_rows_nothing_is_explained():
    """No explanation is typed in as true."""
    for one in CONTRADICTIONS:
        assert {verdict.status for verdict in verdicts(one.tested(), [])} == {"not run"}


@pytest.mark.parametrize("text", ["[[contradiction]]\ntitle = 'x'", "no toml", "[[contradiction]]\nunknown = 1"])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    """The message names the file."""
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(FormatError, match=r"mine\.toml: no file of contradictions"):
        read_contradictions(file)

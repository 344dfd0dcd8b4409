"""Running a design: only what is missing, nothing dropped, the same rows whatever happened on the way."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import works

from zador.errors import DataError, UsageError
from zador.studies.design import Arm
from zador.studies.folder import design_json, failures_csv, rows_csv
from zador.studies.in_process import InProcess
from zador.studies.plan import Alike, Plan, blocks_of
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import run, run_all, run_study
from zador.studies.store import Store
from zador.studies.task import Task, perform
from zador.studies.time_left import TimeLeft


def calls(log):
    """Return the seeds of each call that a log tells of."""
    return [tuple(map(int, line.split()[1].split(","))) for line in Path(log).read_text().splitlines()]


class Backwards:
    """An executor that does tasks last first, each seed on its own."""

    slots = 3

    def __call__(self, tasks):
        for task in reversed(tasks):
            for seed in reversed(task.seeds):
                yield task, perform(replace(task, seeds=(seed,)))


class TestRun:
    """From a design to evidence."""

    def test_rows_are_in_table_order(self, tmp_path):
        """Arms as listed, seeds in order, metrics in order."""
        evidence = run_study(works.design(works.Draw(), works.Draw(2.0)), tmp_path)
        places = [(row.arm, row.seed, row.metric) for row in evidence.rows]
        assert places == [
            (arm, seed, metric) for arm in ("arm 0", "arm 1") for seed in (42, 43, 44) for metric in ("error", "dead")
        ]
        assert all(math.isfinite(row.value) for row in evidence.rows)

    def test_the_order_of_work_leaves_no_trace(self, tmp_path):
        """Last first and one seed at a time: the same evidence, the same bytes."""
        design = works.design(works.Draw(), works.Fails(), works.Draw(2.0))
        first, second = run_study(design, tmp_path / "a"), run_study(design, tmp_path / "b", Backwards())
        assert repr(first) == repr(second)
        assert rows_csv(first) == rows_csv(second)

    def test_resubmission_runs_only_what_is_missing(self, tmp_path):
        """The same again runs nothing; more seeds run these only; another arm runs alone."""
        log = tmp_path / "log"
        design = works.design(works.Draw(log=str(log)), seeds=(42, 43))
        first = run_study(design, tmp_path)
        assert calls(log) == [(42,), (43,)]
        assert repr(run_study(design, tmp_path)) == repr(first)
        assert len(calls(log)) == 2
        run_study(design.with_seeds(4), tmp_path)
        assert calls(log)[2:] == [(44,), (45,)]
        run_study(works.design(works.Draw(log=str(log)), works.Draw(3.0, log=str(log)), seeds=(42, 43)), tmp_path)
        assert calls(log)[4:] == [(42,), (43,)]

    def test_equal_work_is_shared_under_any_name(self, tmp_path):
        """Another study, setting and arm with equal work finds its cells; two of one design are done once."""
        log = tmp_path / "log"
        work = works.Draw(log=str(log))
        run_study(works.design(work), tmp_path)
        done = len(calls(log))
        renamed = replace(
            works.design(work, work), name="other", arms=(Arm("one", work, "K = 2"), Arm("two", work, "K = 4"))
        )
        evidence = run_study(renamed, tmp_path)
        assert len(calls(log)) == done
        assert evidence.outcomes[Stamp("other", "K = 2", "one", 42)] == evidence.outcomes[Stamp("other", "K = 4", "two", 42)]
        several = run_all((works.design(work, name="x"), works.design(work, name="y")), Store(tmp_path / "z"), InProcess())
        assert [list(one.outcomes.values()) for one in several] == [list(several[0].outcomes.values())] * 2
        assert len(calls(log)) == 2 * done

    def test_a_limit_is_run_once_with_the_first_seed(self, tmp_path):
        """What depends on no seed has one outcome."""
        design = works.design(works.Draw(), works.Draw(2.0))
        design = replace(design, arms=(replace(design.arms[0], limit=True), design.arms[1]))
        assert [(s.arm, s.seed) for s in run_study(design, tmp_path).outcomes] == [
            ("arm 0", 42),
            ("arm 1", 42),
            ("arm 1", 43),
            ("arm 1", 44),
        ]

    def test_crashed_and_diverged_runs_are_results(self, tmp_path):
        """The seed that raised has failed, its neighbours have not; both failures are stored, and stand in the rows."""
        design = works.design(works.Fails())
        evidence = run_study(design, tmp_path)
        assert [outcome.failure for outcome in evidence.outcomes.values()] == [
            "",
            "crashed: ZeroDivisionError: of what?",
            "diverged at step 41, loss 3e+08",
        ]
        assert [row.value for row in evidence.rows if row.metric == "error"] == pytest.approx(
            [1.0, math.nan, math.inf], nan_ok=True
        )
        assert failures_csv(evidence).splitlines()[1:] == [
            "tiny,all,arm 0,43,crashed: ZeroDivisionError: of what?",
            'tiny,all,arm 0,44,"diverged at step 41, loss 3e+08"',
        ]
        assert len(list(tmp_path.glob("*/*.json"))) == 3

    def test_lack_of_memory_is_told_but_not_stored(self, tmp_path):
        """Another machine may have more: the outcome is in the evidence, and the cell is run again next time."""
        evidence = run_study(works.design(works.Fails(memory=True)), tmp_path)
        assert set(evidence.failures.values()) == {"crashed: MemoryError"}
        assert list(tmp_path.glob("*/*.json")) == []

    def test_an_interrupt_is_no_outcome(self, tmp_path):
        """Ctrl-C goes through; what was finished before is kept."""
        design = works.design(works.Draw(), works.Draw(2.0))

        def stop(step):
            if step.done == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(design, Store(tmp_path), InProcess(), progress=stop)
        assert len(list(tmp_path.glob("*/*.json"))) == 3

    def test_a_cell_that_cannot_be_believed_is_told_and_run_again(self, tmp_path):
        """One line names the file; the evidence is what it was, and the file is whole again."""
        log = tmp_path / "log"
        design = works.design(works.Draw(log=str(log)))
        first = run_study(design, tmp_path / "cells")
        victim = sorted((tmp_path / "cells").glob("*/*.json"))[1]
        whole = victim.read_bytes()
        victim.write_bytes(whole[:100])
        told, before = [], len(calls(log))
        again = run(design, Store(tmp_path / "cells"), InProcess(), notice=told.append)
        assert repr(again) == repr(first)
        assert len(calls(log)) == before + 1
        assert len(told) == 1
        assert str(victim) in told[0]
        assert "run again" in told[0]
        assert run_study(design, tmp_path / "cells") == first

    def test_a_work_that_returns_too_little_has_crashed(self):
        """Promises that are not kept are failures of their seeds, told as such."""
        performed = perform(Task.of(0, works.Short(), (42, 43, 44)))
        assert [one.outcome.failure[:18] for one in performed] == ["crashed: TypeError"] * 3

    def test_two_arms_of_one_name_are_refused(self, tmp_path):
        """One would hide the other."""
        design = works.design(works.Draw(), works.Draw(2.0))
        design = replace(design, arms=tuple(replace(arm, name="same") for arm in design.arms))
        with pytest.raises(UsageError, match="'same'"):
            run_study(design, tmp_path)

    def test_numbers_in_tables_are_exact(self, tmp_path):
        """Every value of rows.csv reads back to the same bits; the design names every field."""
        evidence = run_study(works.design(works.Draw(), works.Fails()), tmp_path)
        read = [float(line.rsplit(",", 1)[1]) for line in rows_csv(evidence).splitlines()[1:]]
        assert repr(read) == repr([row.value for row in evidence.rows])
        arms = json.loads(design_json(evidence.design))["fields"]["arms"]
        assert arms[0]["fields"]["work"]["fields"]["change"] == {"code": "works:doubled"}


class TestBlocks:
    """What is done together."""

    @pytest.mark.parametrize(
        ("slots", "sizes"), [(1, [5] * 8), (2, [5] * 8), (4, [5] * 8), (8, [3, 3] * 6 + [2, 2]), (64, [1] * 40)]
    )
    def test_blocks_keep_slots_at_work(self, slots, sizes):
        """At most five seeds; fewer where there are more slots than such blocks."""
        plan = Plan.of([works.design(works.Draw(), works.Draw(2.0), seeds=range(20))])
        assert [len(block) for block in blocks_of(list(plan.jobs.values()), slots)] == sizes

    def test_arms_on_the_same_data_are_neighbours(self):
        """Within a setting, all arms have their turn with some seeds before the next seeds come."""
        plan = Plan.of([works.design(works.Draw(), works.Draw(2.0), seeds=range(20))])
        order = [(block[0].stamp.arm, block[0].stamp.seed) for block in blocks_of(list(plan.jobs.values()), 1)]
        assert order == [(arm, seed) for seed in (0, 5, 10, 15) for arm in ("arm 0", "arm 1")]


class TestTimeLeft:
    """An estimate from what is known."""

    def test_nothing_is_told_before_anything_is_known(self):
        """No cell, no estimate."""
        assert TimeLeft(2).left({Alike(b"a", "A"): 3}) is None

    def test_stored_cells_are_enough_for_a_first_estimate(self):
        """Two cells of 3 s known, four more of the kind to do in two slots: 6 s."""
        estimate = TimeLeft(2)
        estimate.known(Alike(b"a", "A"), 3.0)
        estimate.known(Alike(b"a", "A"), 3.0)
        assert estimate.left({Alike(b"b", "A"): 4}) == pytest.approx(6.0)

    def test_own_cost_comes_before_that_of_the_kind_and_of_all(self):
        """A work's own cells tell most about it, then those of its class, then any."""
        estimate = TimeLeft(1)
        estimate.known(Alike(b"a", "A"), 1.0)
        estimate.known(Alike(b"b", "A"), 5.0)
        estimate.known(Alike(b"c", "C"), 12.0)
        costs = [estimate.left({alike: 1}) for alike in (Alike(b"a", "A"), Alike(b"x", "A"), Alike(b"x", "X"))]
        assert costs == pytest.approx([1.0, 3.0, 6.0])

    def test_the_speed_is_what_was_seen(self):
        """Four cells of 1 s, finished after 2 s of two slots and 2 s more: two left take 2 s."""
        now = [100.0]
        estimate, alike = TimeLeft(2, clock=lambda: now[0]), Alike(b"a", "A")
        estimate.finished([(alike, 1.0), (alike, 1.0)])
        now[0] += 2.0
        estimate.finished([(alike, 1.0), (alike, 1.0)])
        assert estimate.left({alike: 2}) == pytest.approx(2.0)

    def test_progress_says_where_it_is_and_how_long_it_takes(self, tmp_path):
        """Steps count up to the total, and each but the first guess has a time left, zero at the end."""
        steps = []
        run(works.design(works.Draw(), works.Draw(2.0)), Store(tmp_path), InProcess(), progress=steps.append)
        assert [(step.done, step.total) for step in steps][-1] == (6, 6)
        assert sorted(step.done for step in steps) == [step.done for step in steps]
        assert all(step.seconds_left >= 0 for step in steps)
        assert steps[-1].seconds_left == 0
        assert steps[0].label == "tiny, all, arm 0, seeds 42 to 44"
        stored = []
        run(works.design(works.Draw(), works.Draw(2.0)), Store(tmp_path), InProcess(), progress=stored.append)
        assert [step.label for step in stored] == ["stored already"]


def test_outcomes_without_a_metric_have_nan_rows(tmp_path):
    """A run that has no such number is not left out."""
    evidence = run_study(works.design(works.Threads()), tmp_path)
    assert all(math.isnan(row.value) for row in evidence.rows)
    assert len(evidence.rows) == 6
    assert all(isinstance(outcome, Outcome) for outcome in evidence.outcomes.values())


def test_other_code_on_a_worker_is_no_outcome():
    """A task that was planned with other code is not done: its result would be filed under code that did not make it."""
    task = Task.of(0, works.Draw(), (42,))
    assert len(perform(task)) == 1
    with pytest.raises(DataError, match="other code"):
        perform(replace(task, code="another"))

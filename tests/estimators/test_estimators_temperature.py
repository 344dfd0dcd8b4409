"""Temperatures: where they start and end, that a graph can hold them, and that learning reaches them."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from zador.errors import UsageError
from zador.estimators import Constant, Cosine, Cyclic, Exponential, Linear, Schedule, effective_temperature

ANNEALED = [Exponential, Linear, Cosine]

annealed = pytest.mark.parametrize("schedule", ANNEALED, ids=lambda kind: kind.__name__)


def at(schedule, step):
    """Return the temperature at `step` as a number."""
    return schedule(torch.tensor(step)).item()


@annealed
@pytest.mark.parametrize(("start", "end"), [(2.0, 0.125), (0.5, 4.0), (1.0, 1.0)])
def test_it_goes_from_start_to_end_and_stays(schedule, start, end):
    """Step 0 is the start, step `steps` and everything after it the end, and it never turns on the way."""
    temperature = schedule(start, end, 40)
    values = [at(temperature, step) for step in range(60)]
    assert values[0] == start
    assert values[40:] == pytest.approx([end] * 20, rel=2**-21)
    moves = [after - before for before, after in pairwise(values)]
    assert all(move * (end - start) >= 0 for move in moves)
    assert all(move != 0 for move in moves[:38]) == (start != end)


def test_each_follows_its_formula():
    """Exponential is geometric, linear arithmetic, cosine half a wave."""
    for step in (1, 7, 20, 33):
        share = step / 40
        assert at(Exponential(2.0, 0.125, 40), step) == pytest.approx(2.0 * (0.125 / 2.0) ** share, rel=1e-6)
        assert at(Linear(2.0, 0.125, 40), step) == pytest.approx(2.0 + (0.125 - 2.0) * share, rel=1e-6)
        wave = (1 + math.cos(math.pi * share)) / 2
        assert at(Cosine(2.0, 0.125, 40), step) == pytest.approx(0.125 + (2.0 - 0.125) * wave, rel=1e-6)


@pytest.mark.parametrize("schedule", [Constant(0.7), *(kind(2.0, 0.5, 1_000_000) for kind in ANNEALED)], ids=repr)
def test_one_graph_serves_every_step(schedule):
    """The step is a tensor: a compiled graph is not compiled again as it advances, and agrees with eager."""
    torch._dynamo.reset()
    assert isinstance(schedule, Schedule)
    counter = CompileCounter()
    compiled = torch.compile(schedule, fullgraph=True, backend=counter)
    for step in (0, 1, 400_000, 2_000_000):
        assert compiled(torch.tensor(step)).equal(schedule(torch.tensor(step)))
        assert compiled(torch.tensor(step)).shape == ()
    assert counter.frame_count == 1


def test_learning_scales_the_schedule():
    """τ = schedule · exp(log_scale), dτ / d log_scale = τ: a factor of 2 is learned as ln 2."""
    log_scale = torch.tensor(math.log(2.0), requires_grad=True)
    temperature = effective_temperature(Linear(1.0, 0.5, 10), torch.tensor(5), log_scale, 0.01)
    temperature.backward()
    assert temperature.item() == pytest.approx(1.5)
    assert log_scale.grad.item() == pytest.approx(1.5)


@pytest.mark.parametrize(("wish", "passes"), [(-1.0, True), (1.0, False)])
def test_at_the_floor_only_the_way_up_is_open(wish, passes):
    """Below the floor the temperature is the floor; a loss that wants it warmer is heard, a colder one is not."""
    log_scale = torch.tensor(-5.0, requires_grad=True)
    temperature = effective_temperature(Constant(1.0), torch.tensor(0), log_scale, 0.25)
    (wish * temperature).backward()
    assert temperature.item() == 0.25
    assert log_scale.grad.item() == (pytest.approx(-math.exp(-5.0)) if passes else 0.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), 1e-300, True, None, "cold"], ids=repr)
def test_what_is_no_temperature_is_refused(bad):
    """Zero, negative, not finite, not a number: refused where it is written down."""
    with pytest.raises(UsageError, match="value: expected a positive, finite temperature"):
        Constant(bad)
    for kind in ANNEALED:
        with pytest.raises(UsageError, match="start"):
            kind(bad, 1.0, 10)
        with pytest.raises(UsageError, match="end"):
            kind(1.0, bad, 10)


@annealed
@pytest.mark.parametrize("steps", [0, -3, 2.5, None], ids=repr)
def test_steps_are_a_positive_count(schedule, steps):
    """A course of no steps, or of half a step, is refused."""
    with pytest.raises(UsageError, match="steps"):
        schedule(1.0, 0.1, steps)


def test_cycles_repeat_their_course():
    """A period of the schedule again and again, the rest of a longer period at its end; it counts with whole tensors."""
    saw = Cyclic(Linear(2.0, 1.0, 4), period=6)
    assert [saw(torch.tensor(step)).item() for step in range(13)] == [2.0, 1.75, 1.5, 1.25, 1.0, 1.0] * 2 + [2.0]
    restarts = Cyclic(Cosine(1.0, 0.1, 10), period=10)
    assert restarts(torch.tensor(27)).equal(Cosine(1.0, 0.1, 10)(torch.tensor(7)))


def test_a_cycle_needs_a_schedule_and_a_length():
    """A number is no schedule, and 0 steps are no period."""
    with pytest.raises(UsageError, match="schedule: expected one such as"):
        Cyclic(0.5, 10)
    with pytest.raises(UsageError, match="period"):
        Cyclic(Constant(0.5), 0)

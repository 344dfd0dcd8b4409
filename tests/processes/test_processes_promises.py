"""What two processes promise each other: nobody waits in vain, and wrappers of torch find what they need."""

from __future__ import annotations

import pytest


def test_a_refused_batch_stops_all_processes_with_a_line_each(found):
    """NaN in one: it names the row, the other says that somebody refused, and the next batch is learnt by both."""
    there, here = found("refusal")
    assert here["said"][0] == "NonFiniteError"
    assert "rows 3" in here["said"][1]
    assert there["said"] == ["DataError", "another process has refused its batch; its own message says why"]
    assert there["same"]
    assert here["same"]


def test_evaluation_asks_nobody(found):
    """One process may evaluate, encode, or pass without learning, alone."""
    assert all(each["same"] for each in found("evaluation"))


def test_a_layer_may_belong_to_some_processes_only(found):
    """In a group of one it learns by itself and waits for nobody; in a group of all, as without one, copied or not."""
    for each in found("groups"):
        assert each == {"apart": True, "as all": True, "same": True}


def test_a_layer_built_before_the_group_learns_from_all_processes(found):
    """Whether there are others is asked in every pass: 3 batches of 64 vectors in two processes, faded a little."""
    for each in found("built before the group"):
        assert each["same"]
        assert 3 * 64 < each["vectors"] <= 3 * 2 * 64


@pytest.mark.parametrize("case", ["ema", "gradient", "reservoir", "start"])
def test_a_compiled_layer_is_the_same_in_one_graph(found, case):
    """`torch.compile(fullgraph=True)`: float32, so close to one plain process, and the same bits everywhere."""
    for each in found("compiled"):
        assert each["same"][case]
        assert each["apart"][case] <= 1e-4


def test_the_entropy_loss_is_that_of_all_vectors(found):
    """The mean of value and gradient over the processes is that of one process, however the vectors are shared out."""
    for each in found("lfq"):
        assert each["loss"] <= 1e-6
        assert each["gradient"] <= 1e-6 * each["scale"]


def test_a_checkpointed_pass_that_is_repeated_finds_what_it_found(found):
    """The repetition in the backward asks the other processes again: gradients and states are those without it."""
    for each in found("checkpointed"):
        assert all(each.values()), each


@pytest.mark.parametrize("learner", ["ema", "gradient", "ema, checkpointed", "gradient, checkpointed"])
def test_ddp_trains_as_one_process_does(found, learner):
    """Encoder, decoder, codewords and statistics: the same bits on all, and those of one process."""
    for each in found("ddp"):
        assert each[learner]["same"]
        assert each[learner]["apart"] <= 1e-6


def test_ddp_with_an_empty_and_with_a_masked_batch(found):
    """Every parameter has a gradient in every pass, so that no process waits for one."""
    for each in found("ddp empty"):
        assert each["gradients"] == [True] * 3
        assert each["same"]


@pytest.mark.parametrize("learner", ["ema", "gradient"])
def test_fully_shard_trains_and_its_checkpoint_loads_in_one_process(found, learner):
    """Losses are those of DDP, and a plain model says the same with what was saved."""
    for each in found("fsdp"):
        assert each[learner]["same"]
        assert each[learner]["apart"] <= 1e-6
    first, _ = found("fsdp")
    assert first[learner]["restored"] == pytest.approx(first[learner]["said"], rel=1e-12)


def test_sharded_codewords_are_refused(found):
    """A table that cannot keep what it places says so, and what to pass."""
    for each in found("fsdp refused"):
        assert "ignored_params=zador.layers.codebook_parameters(model)" in each["said"]

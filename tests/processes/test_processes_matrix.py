"""Learner × initialiser × reviver in two processes, with batches of unequal size, empty ones and masked ones."""

from __future__ import annotations

import pytest

from processes.layers_in_two import CASES as LAYERS
from processes.layers_in_two import MEMBERS
from processes.matrix import CASES, LEARNERS

# Codewords are some units from the origin, statistics float64, sums over processes taken in another order.
CLOSE = 1e-6


@pytest.mark.parametrize("name", CASES)
def test_codebooks_are_the_same_everywhere_and_those_of_one_process(found, name):
    """After every step: the same bits in all processes, and the codewords of one process that saw all vectors."""
    there, here = found(f"matrix {name}")
    assert there["digests"] == here["digests"]
    for finding in (there, here):
        assert max(finding["apart"]) <= CLOSE


@pytest.mark.parametrize("learner", LEARNERS)
def test_codewords_were_revived(found, learner):
    """The cases above are about revival as well: every reviver moved codewords of every learner."""
    for name in CASES:
        reviver = name.split(" × ")[-1]
        if name.startswith(f"{learner} × given") and reviver != "nobody":
            assert found(f"matrix {name}")[0]["revived"] > 0, name


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_the_same_everywhere_and_those_of_one_process(found, name):
    """All layers of the conformance suite: states agree to the bit, and with one process unless each draws for itself."""
    there, here = found(f"layer {name}")
    assert there["digests"] == here["digests"]
    for finding in (there, here):
        if "one process" not in MEMBERS[name].without:
            assert max(finding["apart"].values()) <= CLOSE, finding["apart"]

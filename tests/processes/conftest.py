"""What the two processes wrote down, for all tests here."""

from __future__ import annotations

import pytest

from processes.battery import told


@pytest.fixture(scope="session")
def ranks(tmp_path_factory):
    """Return the findings of both processes, scenario by scenario; they run once, whichever test asks first."""
    base = tmp_path_factory.getbasetemp()
    # With several test processes the folder above is the one that they share.
    shared = base.parent if base.name.startswith("popen-") else base
    return told(shared / "in-two-processes")


@pytest.fixture
def found(ranks):
    """Return a function from the name of a scenario to the findings of both processes."""

    def of(name):
        findings = [each[name] for each in ranks]
        for rank, finding in enumerate(findings):
            assert "raised" not in finding, f"process {rank} raised:\n{finding['raised']}"
        return findings

    return of

"""Peak memory of one training step of a contestant of `layers.py`, beyond what its process holds before it (Linux)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import layers

KIB_IN_MIB = 1 << 10
# The first steps compile, and fill what is kept from step to step.
WARM_UP = 5


def main() -> None:
    """Reset the peak of the resident set, take a step, and print by how many MiB it rose."""
    contestant, *numbers = sys.argv[1:]
    arguments = (tuple(map(int, numbers)), False) if numbers else ()
    work = getattr(layers, contestant)(*arguments)
    for _ in range(WARM_UP):
        work()
    Path("/proc/self/clear_refs").write_text("5")
    before = _kib("VmRSS")
    work()
    print((_kib("VmHWM") - before) / KIB_IN_MIB)


def _kib(field: str) -> int:
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


if __name__ == "__main__":
    main()

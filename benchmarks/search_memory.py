"""Peak memory of one certified search at N = 1,000,000 and K = 65,536, beyond what the process holds before it (Linux)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

import zador

MIB = 1 << 10


def main() -> None:
    """Reset the peak of the resident set, search, and print how far it rose."""
    dim = int(sys.argv[1])
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1_000_000, dim), dtype=np.float32)
    codebook = rng.standard_normal((65_536, dim), dtype=np.float32)
    zador.nearest(np.round(x[:4_000]), np.round(codebook[:1_000]))
    Path("/proc/self/clear_refs").write_text("5")
    before = _kib("VmRSS")
    found = zador.nearest(x, codebook)
    print(
        f"memory at N=1e6 d={dim} K=65536: {(_kib('VmHWM') - before) / MIB:.1f} MiB beyond the input, "
        f"of which results {(found.indices.nbytes + found.squared_distances.nbytes) / 2**20:.1f} MiB"
    )


def _kib(field: str) -> int:
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


if __name__ == "__main__":
    main()

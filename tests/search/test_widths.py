"""The kernels on machines with narrower vectors than this one may have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Pretends to have other registers before the kernels are built, then compares with the definition: search and seeding.
_SCRIPT = """
import sys
import llvmlite.binding
llvmlite.binding.get_host_cpu_features = lambda: dict.fromkeys(sys.argv[1].split(), True)
import numpy as np
from zador.search.certified import certified
from zador.search.emitter import PANEL, ROW_VECTORS, VECTOR_BYTES
from zador.search.reference import nearest_by_definition
from zador.codebooks.initialise.seeding import Seeding
print(PANEL, ROW_VECTORS, VECTOR_BYTES)
rng = np.random.default_rng(0)
for dim, count, shift in ((3, 5, 0.0), (8, 301, 0.0), (17, 64, 1000.0)):
    modes = shift * rng.choice([-1.0, 1.0], (500, 1))
    x = (rng.standard_normal((500, dim)) + modes).astype(np.float32)
    codebook = (rng.standard_normal((count, dim)) + shift * rng.choice([-1.0, 1.0], (count, 1))).astype(np.float32)
    expected, squared = nearest_by_definition(x, codebook)
    indices, distances, _ = certified(x, codebook)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, squared, rtol=1e-5)
    state, chosen = Seeding(x, None), []
    for row in rng.choice(500, 9, replace=False):
        chosen.append(int(row))
        state._add(chosen[-1:])
    squared = nearest_by_definition(x, x[chosen])[1]
    np.testing.assert_allclose(state._closest.ravel()[:500], squared, rtol=2e-3, atol=1e-12)
"""


@pytest.mark.parametrize(
    ("processor", "features", "shape"),
    [("haswell", "avx2 fma", "4 3 32"), ("x86-64", "sse2", "4 3 16"), ("generic", "neon", "8 2 16")],
)
def test_every_tile_shape_gives_the_definition(tmp_path, processor, features, shape):
    """With the registers of AVX2, SSE and NEON the tile has another shape, and search and seeding the same results."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, features], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == shape

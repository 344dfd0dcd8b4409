"""How many threads: what torch was told, and nothing said back to it."""

from __future__ import annotations

import subprocess
import sys

from threads import threads
from zador.search.threads import in_threads, thread_count


def test_torchs_number_of_threads_is_heeded():
    """`torch.set_num_threads(1)` leaves one thread."""
    with threads(1):
        assert thread_count() == 1


def test_a_search_leaves_torchs_number_of_threads_alone():
    """In a fresh process, set to one thread, torch still has one after the first search and the first learning step."""
    code = (
        "import torch, zador; torch.set_num_threads(1); x = torch.randn(4096, 8); zador.vq(8, 64)(x);"
        "zador.nearest(x, torch.randn(300, 8)); print(torch.get_num_threads())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "1"


def test_ranges_cover_everything_in_order():
    """Any number of threads: ranges follow each other, none is missing."""
    for count in (1, 2):
        with threads(count):
            assert [n for part in in_threads(range, 3000, smallest=100) for n in part] == list(range(3000))

"""A driver to kill: runs a study with two workers, then writes its rows. Arguments: number of seeds, directory."""

from __future__ import annotations

import sys
from pathlib import Path

import works

from zador.studies.cluster import LocalWorkers
from zador.studies.folder import rows_csv
from zador.studies.run import run_study

if __name__ == "__main__":
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    evidence = run_study(works.slow().with_seeds(count), folder / "cells", LocalWorkers(2))
    (folder / "rows.csv").write_text(rows_csv(evidence))

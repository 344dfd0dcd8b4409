"""`python -m zador.studies.atlas CELLS PAGE`: runs the studies of the atlas, fills the page's tables, draws its pictures.

What is in CELLS already is not run again; pictures go to a folder beside the page that has its name.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zador.files import write_atomically
from zador.studies.atlas.page import claimed, filled, overview, table, write_pictures
from zador.studies.catalogue import ATLAS
from zador.studies.cluster import LocalWorkers
from zador.studies.run import run_all
from zador.studies.store import Store


def main(cells: str, page: str) -> None:
    """Bring the page and its pictures up to date.

    Args:
        cells: folder in which results are kept.
        page: the Markdown file.
    """
    found = {
        evidence.design.name: evidence for evidence in run_all([study() for study in ATLAS], Store(cells), LocalWorkers())
    }
    distance, noise = found["gradient-atlas"], found["gradient-atlas-noise"]
    tables = {
        "overview": overview(distance, "distance / σ = 1"),
        "distance": table(distance, "hard cosine"),
        "length": table(distance, "length"),
        "dimension": table(found["gradient-atlas-dimension"], "hard cosine"),
        "size": table(found["gradient-atlas-size"], "hard cosine"),
        "loss": table(found["gradient-atlas-loss"], "hard bias"),
        "noise": table(noise, "hard bias"),
        "claims": claimed(distance),
    }
    place = Path(page)
    write_atomically(place, filled(place.read_text(encoding="utf-8"), tables).encode())
    write_pictures(place.with_suffix(""), distance, noise)


if __name__ == "__main__":
    main(*sys.argv[1:])

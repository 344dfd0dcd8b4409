"""`python -m zador.studies.pages CELLS DOCS [NAME …]`: brings pages of the documentation up to date, all or those named.

What is in CELLS already is not run again: after `zador study all -o DIR` that is `DIR/cells`. Several commands of that kind
may be at work in one folder of cells, each for other studies.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zador.errors import UsageError, ZadorError
from zador.studies.cluster import LocalWorkers
from zador.studies.pages import PAGES
from zador.studies.pages.page import refresh
from zador.studies.run import run_all
from zador.studies.store import Store


def main(cells: str, docs: str, *names: str) -> None:
    """Bring pages and their pictures up to date.

    Args:
        cells: folder in which results are kept.
        docs: folder of the pages.
        names: of the pages; all if there are none.

    Raises:
        UsageError: there is no such page.
    """
    known = {page.name: page for page in PAGES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"expected names of {', '.join(known)}, got {', '.join(unknown)}")
    chosen = [known[name] for name in names] or list(PAGES)
    designs = {design.name: design for page in chosen for design in (study() for study in page.studies)}
    found = {evidence.design.name: evidence for evidence in run_all([*designs.values()], Store(cells), LocalWorkers())}
    for page in chosen:
        refresh(page, found, Path(docs))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ZadorError as error:
        sys.exit(f"zador: {error}")

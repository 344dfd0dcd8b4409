"""A page of the documentation whose tables and pictures are made from the rows of studies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.errors import DataError
from zador.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from zador.studies.design import Design
    from zador.studies.run import Evidence

__all__ = ["Page", "filled", "refresh"]


def _no_pictures(_found: Mapping[str, Evidence]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Page:
    """What is made from rows on one page; its prose is written by hand around the marks.

    Attributes:
        name: of the file in the folder of pages, without its extension.
        studies: whose rows it needs.
        tables: from the evidence of these studies, by name, to the Markdown between the marks of the page, by mark.
        pictures: from the same to SVG by file name; they go to a folder beside the page that has its name.
    """

    name: str
    studies: tuple[Callable[..., Design], ...]
    tables: Callable[[Mapping[str, Evidence]], Mapping[str, str]]
    pictures: Callable[[Mapping[str, Evidence]], Mapping[str, str]] = _no_pictures


def refresh(page: Page, found: Mapping[str, Evidence], docs: Path) -> None:
    """Bring a page and its pictures up to date.

    Args:
        page: which.
        found: the evidence of its studies, by name; of others too.
        docs: folder of the pages.

    Raises:
        DataError: the page has no place for a table.
    """
    place = docs / f"{page.name}.md"
    text = filled(place.read_text(encoding="utf-8"), page.tables(found))
    for name, picture in page.pictures(found).items():
        (docs / page.name).mkdir(exist_ok=True)
        write_atomically(docs / page.name / name, picture.encode())
    write_atomically(place, text.encode())


def filled(page: str, tables: Mapping[str, str]) -> str:
    r"""Return a page with these tables between its marks `<!-- name -->` and `<!-- end of name -->`.

    Args:
        page: Markdown.
        tables: by name.

    Raises:
        DataError: a name has no such marks.

    >>> filled("<!-- a --> old <!-- end of a -->", {"a": "new"})
    '<!-- a -->\n\nnew\n\n<!-- end of a -->'
    """
    for name, text in tables.items():
        pattern = re.compile(rf"<!-- {name} -->.*?<!-- end of {name} -->", re.DOTALL)
        if not pattern.search(page):
            raise DataError(f"the page has no place for {name!r}: expected <!-- {name} --> and <!-- end of {name} -->")
        whole = f"<!-- {name} -->\n\n{text}\n\n<!-- end of {name} -->"
        page = pattern.sub(lambda _, whole=whole: whole, page)  # type: ignore[misc]
    return page

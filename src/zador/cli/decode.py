"""`zador decode`: a token file back into vectors or pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zador.cli.options import AsJson, With, refuse_replacing
from zador.cli.output import print_json
from zador.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from zador.coding import TokenReader
    from zador.data import Mosaic
    from zador.quantizers import Quantizer

_NAMED = 3


def decode(
    tokens: Annotated[str, typer.Argument(help="A file that `zador encode` wrote.", metavar="FILE")],
    book: With,
    out: Annotated[
        str, typer.Option("--out", "-o", help="OUT.npy for vectors; OUT.png for one picture, or a folder for many.")
    ],
    as_json: AsJson = False,
) -> None:
    """Decode a token file with the quantizer that wrote it, into vectors or into pictures.

    The name of the output says which: OUT.npy holds the vectors, OUT.png the picture if there is one, a folder all of them.
    """
    from zador.coding import TokenReader
    from zador.quantizers import load_quantizer

    target = _target(out)
    refuse_replacing(tokens, out)
    reader, quantizer = TokenReader(tokens), load_quantizer(book)
    blocks = _vectors(quantizer, reader.chunks(quantizer))
    summary = {
        "tokens": tokens,
        "vectors": reader.count,
        "dim": quantizer.dim,
        "dtype": str(quantizer.dtype),
        "model": reader.model,
        "file_bits": 8 * reader.file_bytes / reader.count if reader.count else None,
    }
    if target == ".npy":
        from zador.data.arrays import write_npy

        write_npy(out, blocks, (reader.count, quantizer.dim), quantizer.dtype)
        summary |= {"pictures": 0, "cropped": []}
    else:
        mosaic = _mosaic(reader, quantizer, tokens)
        _write_pictures(mosaic, blocks, out, tokens, alone=target == ".png")
        summary |= {"pictures": len(mosaic.pictures), "cropped": _cropped(mosaic)}
    summary["saved_to"] = out
    if as_json:
        print_json(summary)
    else:
        typer.echo(_sentences(summary))


def _target(out: str) -> str:
    """Return ".npy", ".png" or "" for a folder, after checking that it can be written."""
    from zador.files import check_folder, check_writable

    path = Path(out)
    extension = path.suffix.lower()
    if path.is_dir() or out.endswith(("/", "\\")) or not extension:
        if path.is_file():
            raise UsageError(f"--out: {out!r} is a file, and its name ends in neither .npy nor .png; choose a folder")
        check_folder(path)
        return ""
    if extension not in {".npy", ".png"}:
        raise UsageError(
            f"--out: cannot write {extension}, got {out!r}; name OUT.npy for vectors, OUT.png for one picture, or a folder"
        )
    check_writable(path)
    return extension


def _vectors(quantizer: Quantizer, chunks: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[Any]]:
    from zador.cli.tally import rows_at_once

    step = rows_at_once(quantizer.dim, quantizer.dtype.itemsize)
    for indices in chunks:
        for start in range(0, len(indices), step):
            yield quantizer.decode(indices[start : start + step])


def _mosaic(reader: TokenReader, quantizer: Quantizer, tokens: str) -> Mosaic:
    from zador.data import Mosaic

    mosaic = Mosaic.read(reader.about, count=reader.count, dim=quantizer.dim, source=tokens)
    if mosaic is None:
        raise DataError(f"{tokens}: holds {reader.count} vectors and no pictures; write them to a file, -o OUT.npy")
    return mosaic


def _write_pictures(mosaic: Mosaic, blocks: Iterable[NDArray[Any]], out: str, tokens: str, *, alone: bool) -> None:
    from zador.data.png import safe_names, write_folder, write_png

    if alone and len(mosaic.pictures) != 1:
        raise DataError(f"{tokens}: holds {len(mosaic.pictures)} pictures, {out} takes one; name a folder, -o OUT")
    pictures = mosaic.assemble(blocks)
    if alone:
        write_png(out, next(pictures))
    else:
        write_folder(Path(out), safe_names(picture.name for picture in mosaic.pictures), pictures)


def _cropped(mosaic: Mosaic) -> list[dict[str, Any]]:
    return [
        {"name": picture.name, "below": picture.cropped_below, "right": picture.cropped_right}
        for picture in mosaic.pictures
        if picture.cropped_below or picture.cropped_right
    ]


def _sentences(summary: dict[str, Any]) -> str:
    lines = [
        f"{summary['tokens']}: {summary['vectors']} vectors of {summary['dim']} coordinates, {summary['dtype']}"
        + (f", {summary['pictures']} pictures" if summary["pictures"] else "")
    ]
    cropped = summary["cropped"]
    if cropped:
        named = "; ".join(f"{one['name']}: {one['below']} below, {one['right']} right" for one in cropped[:_NAMED])
        more = f"; and {len(cropped) - _NAMED} more" if len(cropped) > _NAMED else ""
        lines.append(f"Edges that filled no patch were cropped as it was encoded, in pixels: {named}{more}")
    return "\n".join([*lines, f"Saved to {summary['saved_to']}"])

"""`zador encode`: vectors or pictures into a file of real bits."""

from __future__ import annotations

import json
import math
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zador.cli.options import AsJson, Data, Key, Patch, With, pick, refuse_replacing
from zador.cli.output import print_json, progress
from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from zador.cli.tally import Tally
    from zador.coding import EntropyModel, TokenWriter
    from zador.data import Mosaic, Vectors
    from zador.quantizers import Quantizer


def encode(
    data: Data,
    book: With,
    out: Annotated[str, typer.Option("--out", "-o", help="File to write the tokens to.", metavar="FILE")],
    model: Annotated[
        str, typer.Option(help="What an index costs: by training (static), by this file (adaptive), by its place (order-1).")
    ] = "static",
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Encode vectors with a saved quantizer into a token file, and say what that costs.

    `zador decode` brings them back. Pictures (an image, a folder of them, photos, digits) come back as pictures.
    """
    from zador.cli.tally import Tally
    from zador.coding import TokenWriter
    from zador.data import Mosaic, load
    from zador.files import check_writable
    from zador.quantizers import load_quantizer

    coder = pick(_models(), model, "--model")
    check_writable(out)  # before the work, not after it
    refuse_replacing(data, out)
    quantizer = load_quantizer(book)
    vectors = load(data, key=key, patch=patch)
    _check_dim(vectors, data, quantizer, book)
    mosaic, tally = Mosaic.of(vectors), Tally(quantizer)
    with TokenWriter(out, quantizer, model=coder, about=_note(mosaic, data)) as writer, _progress() as announce:
        for number, block in enumerate(tally.blocks(vectors.array), start=1):
            announce(f"{writer.count} vectors", number, tally.blocks_of(vectors.array))
            indices = quantizer.encode(block)
            writer.append(indices)
            tally.add(block, indices)
    summary = _summary(vectors, quantizer, tally, writer, out) | {"model": model} | _pictures(mosaic)
    if as_json:
        print_json(summary)
    else:
        typer.echo(_sentences(summary))


def _models() -> dict[str, EntropyModel]:
    from zador.coding import Adaptive, OrderOne, Static

    return {"static": Static(), "adaptive": Adaptive(), "order-1": OrderOne()}


def _progress() -> AbstractContextManager[Callable[[str, int, int], None]]:
    # Without a terminal, a line a block would drown whatever else a log has to say.
    return progress("encode") if sys.stderr.isatty() else nullcontext(lambda *_: None)


def _check_dim(vectors: Vectors, data: str, quantizer: Quantizer, book: str) -> None:
    dim, wanted, shape = vectors.array.shape[1], quantizer.dim, vectors.picture_shape
    if dim == wanted:
        return
    cut = "" if shape is None or vectors.pictures is None else f" (patches of {' x '.join(map(str, shape))})"
    what = f"{data}: its vectors have {dim} coordinates{cut}, the quantizer in {book} takes {wanted}"
    if not cut or shape is None:
        raise DataError(f"{what}; encode vectors like those that it was fitted to")
    colours = math.prod(shape[2:])
    others = 4 - colours  # grey has one value a pixel, RGB three
    side, otherwise = math.isqrt(wanted // colours), math.isqrt(wanted // others)
    if side**2 * colours == wanted:
        raise DataError(f"{what}; try --patch {side}")
    if otherwise**2 * others == wanted:
        kind = "colour" if colours == 1 else "grey"
        raise DataError(f"{what}; was it fitted to {kind} pictures, with --patch {otherwise}?")
    raise DataError(f"{what}; no --patch makes that many of these pictures: fit one to them")


def _note(mosaic: Mosaic | None, data: str) -> dict[str, Any]:
    from zador.coding.about import LONGEST

    note = {} if mosaic is None else mosaic.note()
    if mosaic is not None and len(json.dumps(note, ensure_ascii=False, separators=(",", ":")).encode()) > LONGEST:
        raise DataError(
            f"{data}: the names of {len(mosaic.pictures)} pictures are longer than the {LONGEST} bytes that a token file "
            "keeps for them; encode the folder in parts"
        )
    return note


def _summary(vectors: Vectors, quantizer: Quantizer, tally: Tally, writer: TokenWriter, out: str) -> dict[str, Any]:
    count = len(vectors)
    low, high = vectors.value_range
    return {
        "data": vectors.name,
        "vectors": count,
        "dim": quantizer.dim,
        "streams": len(quantizer.sizes),
        "fixed_length_bits": quantizer.bits,
        "file_bits": 8 * writer.file_bytes / count,
        "entropy_bits": tally.entropy_bits,
        "cross_entropy_bits": tally.cross_entropy_bits,
        "file_bytes": writer.file_bytes,
        "distortion": tally.distortion,
        "psnr_db": None if vectors.picture_shape is None else tally.psnr_db(high - low),
        "saved_to": out,
    }


def _pictures(mosaic: Mosaic | None) -> dict[str, Any]:
    if mosaic is None:
        return {"pictures": 0, "cropped_pictures": 0}
    cropped = sum(1 for picture in mosaic.pictures if picture.cropped_below or picture.cropped_right)
    return {"pictures": len(mosaic.pictures), "cropped_pictures": cropped}


def _sentences(summary: dict[str, Any]) -> str:
    cost = summary["cross_entropy_bits"]
    by_training = "" if cost is None else f", {cost:.4g} as training usage predicts them"
    psnr = "" if summary["psnr_db"] is None else f", PSNR {summary['psnr_db']:.2f} dB"
    pictures = f", {summary['pictures']} pictures" if summary["pictures"] else ""
    cropped = ""
    if summary["cropped_pictures"]:
        cropped = f"\nThe edges of {summary['cropped_pictures']} pictures filled no patch and are not in the file."
    return (
        f"{summary['data']}: {summary['vectors']} vectors of {summary['dim']} coordinates{pictures} -> "
        f"{summary['file_bytes']} bytes, {summary['file_bits']:.4g} bits per vector ({summary['model']} model)\n"
        f"of fixed length {summary['fixed_length_bits']:.4g} bits, entropy of these indices {summary['entropy_bits']:.4g}"
        f"{by_training}\n"
        f"distortion {summary['distortion']:.6g} per vector{psnr}{cropped}\n"
        f"Saved to {summary['saved_to']}"
    )

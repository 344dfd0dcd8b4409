"""`zador compare`: every way to a codebook, at the same rates, against the Gaussian bound."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from zador.cli.options import AsJson, Key, Patch, Seed, report_path, whole_numbers
from zador.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from rich.table import Table

    from zador.studies.records import Arm, Comparison

_MOST_BITS = 16


def compare(
    data: Annotated[
        str, typer.Option(help="digits, photos, linear-gaussian, or a file or folder of vectors or images.")
    ] = "digits",
    bits: Annotated[str, typer.Option(help="Rates in bits per vector: codebooks of 2^bits codewords.")] = "4,6,8",
    report: Annotated[
        str | None, typer.Option(help="Where the HTML report goes.", show_default="zador-compare-DATA.html")
    ] = None,
    seed: Seed = 0,
    held_out: Annotated[float, typer.Option(help="Share of the vectors to judge on.")] = 0.25,
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Say which codebook serves these vectors at which rate, and how far it is from what is possible.

    Fits every initialiser with Lloyd's algorithm, a random R(D) codebook and a scalar quantizer on one part of the data,
    and judges them on the rest. Prints a table and writes one self-contained HTML report; with --json, prints one JSON
    object, and writes the report only if --report says where.
    """
    rates = whole_numbers(bits, "--bits", least=1, most=_MOST_BITS)
    from zador.data import load
    from zador.files import check_writable
    from zador.studies import report as pages
    from zador.studies.catalogue.compare import METHODS
    from zador.studies.catalogue.compare import compare as run

    path = None if as_json and report is None else report_path(report, data)
    if path is not None:
        check_writable(path)
    vectors = load(data, key=key, patch=patch)
    with progress("compare", len(rates) * len(METHODS)) as announce:
        comparison = run(vectors, rates, held_out=held_out, seed=seed, progress=announce)
    if path is not None:
        pages.write(comparison, path)
    if as_json:
        print_json(_object(comparison))
        return
    _print_tables(comparison)
    typer.echo(f"Report: {path}")


def _object(comparison: Comparison) -> dict[str, object]:
    return {
        "data": asdict(comparison.data),
        "arms": [asdict(arm) for arm in comparison.arms],
        "provenance": comparison.provenance,
        "notes": list(comparison.notes),
    }


def _print_tables(comparison: Comparison) -> None:
    card = comparison.data
    typer.echo(
        f"{card.name}: {card.train} vectors to fit on, {card.held_out} held out, {card.dim} coordinates; "
        f"error at zero rate {card.variance:.5g}"
    )
    for rate in sorted({arm.bits for arm in comparison.arms}):
        print_table(_table([arm for arm in comparison.arms if arm.bits == rate]))
    typer.echo(
        "Distortion: squared error summed over coordinates, mean over held-out vectors. The bound is D(R) of a Gaussian\n"
        "with the same covariance, an upper bound on D(R) of these vectors: data that are not Gaussian allow less."
    )
    for note in comparison.notes:
        typer.echo(f"Note: {note}")


def _table(arms: list[Arm]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable

    first = arms[0]
    title = f"{first.bits:g} bits, {first.codebook_size} codewords: Gaussian D(R) = {first.gaussian_bound:.5g}"
    table = RichTable(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("method", no_wrap=True)
    for name in ("distortion", "± s.e.", "gap dB", "eff. bits", "entropy", "dead", "seconds", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    best = min(arms, key=lambda arm: arm.distortion)
    for arm in arms:
        table.add_row(
            arm.name,
            f"{arm.distortion:.5g}",
            f"{arm.distortion_se:.2g}",
            f"{arm.gap_db:.2f}",
            f"{arm.effective_bits:.2f}",
            f"{arm.entropy_bits:.2f}",
            str(arm.dead),
            f"{arm.seconds:.2f}",
            f"{arm.memory_mib:.1f}",
            style="bold" if arm is best else "",
        )
    return table

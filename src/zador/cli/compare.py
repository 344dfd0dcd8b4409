"""`zador compare`: every way to a codebook, at the same rates, against the Gaussian bound."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from zador.cli.options import AsJson, Key, Patch, Seed, pick, report_path, whole_numbers
from zador.cli.output import print_json, print_table, progress
from zador.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from zador.studies.comparison.method import Method
    from zador.studies.comparison.records import Arm, Comparison

_MOST_BITS = 1024
_DATA = "digits (the default), photos, linear-gaussian, or a file or folder of vectors or images."


def compare(
    data: Annotated[str, typer.Argument(help=_DATA, show_default=False)] = "",
    data_option: Annotated[str, typer.Option("--data", help="The same, as an option.", show_default=False)] = "",
    bits: Annotated[str, typer.Option(help="Rates in bits per vector, separated by commas, e.g. 8,64.")] = "4,6,8",
    methods: Annotated[
        str, typer.Option(help="all, codebooks (2^bits codewords), trained, structured, or names separated by ';'.")
    ] = "all",
    retrieval: Annotated[bool, typer.Option("--retrieval", help="Measure recall@1,10,100 of a search among codes.")] = False,
    report: Annotated[
        str | None, typer.Option(help="Where the HTML report goes.", show_default="zador-compare-DATA.html")
    ] = None,
    seed: Seed = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many: each fits anew, on another split of the data.")] = 1,
    held_out: Annotated[float, typer.Option(help="Share of the vectors to judge on.")] = 0.25,
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Say which quantizer serves these vectors at which rate, and how far it is from what is possible.

    Fits codebooks from every initialiser, codebooks that gradients and layers train, product, residual, scalar, lattice,
    entropy-constrained and random quantizers to one part of the data, each at the rates it can be had at, and judges them on
    the rest, in real bits too. Prints a table and writes one self-contained HTML report; with --json, prints one JSON
    object, and writes the report only if --report says where.
    """
    rates = whole_numbers(bits, "--bits", least=1, most=_MOST_BITS)
    from zador.data import load
    from zador.files import check_writable

    source = _one_source(data, data_option)
    path = None if as_json and report is None else report_path(report, source)
    if path is not None:
        check_writable(path)
    vectors = load(source, key=key, patch=patch)
    # Only now: these take seconds to import, and a mistake in the arguments should not wait for them.
    from zador.studies.comparison import report as pages
    from zador.studies.comparison.compare import compare as run

    chosen = _methods(methods)
    with progress("compare") as announce:
        comparison = run(
            vectors,
            rates,
            methods=chosen,
            held_out=held_out,
            retrieval=retrieval,
            seeds=range(seed, seed + seeds),
            progress=announce,
        )
    if path is not None:
        pages.write(comparison, path)
    if as_json:
        print_json(_object(comparison))
        return
    _print_tables(comparison)
    typer.echo(f"Report: {path}")


def _one_source(argument: str, option: str) -> str:
    """Return where vectors come from, however it was said; digits if it was not."""
    if argument and option and argument != option:
        raise UsageError(f"two sources, {argument!r} and --data {option!r}; compare takes one, run it once for each")
    return argument or option or "digits"


def _methods(text: str) -> tuple[Method, ...]:
    from zador.studies.comparison.methods import CODEBOOKS, METHODS, STRUCTURED
    from zador.studies.comparison.trained import TRAINED

    groups = {"all": METHODS, "codebooks": CODEBOOKS, "trained": TRAINED, "structured": STRUCTURED}
    if text in groups:
        return groups[text]
    named = {method.name: method for method in METHODS}
    asked = dict.fromkeys(part.strip() for part in text.split(";") if part.strip())
    return tuple(pick({**named}, name, "--methods") for name in asked) or pick({**groups}, text, "--methods")


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
        "Distortion: squared error summed over coordinates, mean over held-out vectors. Gaps: to the bound at the rate\n"
        "asked for, and at the real bits of a token file. The bound is D(R) of a Gaussian with the same covariance: an\n"
        "upper bound on D(R) of these vectors, as data that are not Gaussian allow less."
    )
    if comparison.seeds > 1:
        typer.echo("p: of the paired difference to the best (bold) over the seeds, Holm-adjusted for the arms at this rate.")
    for note in comparison.notes:
        typer.echo(f"Note: {note}")


def _table(arms: list[Arm]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable

    first = arms[0]
    title = f"{first.bits:g} bits a vector: Gaussian D(R) = {first.gaussian_bound:.5g}"
    table = RichTable(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("method", no_wrap=True)
    found = sorted(first.recall or {})
    several = any(arm.excess_p is not None for arm in arms)
    errors = ("distortion", "± s.e.", *(("p",) * several))
    names = ("codewords", *errors, "gap dB", "eff. bits", "entropy", "real bits", "real gap", "dead")
    for name in (*names, *(f"R@{k}" for k in found), "seconds", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    best = min(arms, key=lambda arm: arm.distortion)
    for arm in arms:
        table.add_row(
            arm.name,
            arm.alphabets,
            f"{arm.distortion:.5g}",
            f"{arm.distortion_se:.2g}",
            *(() if arm.excess_p is None else ("" if arm is best else f"{arm.excess_p:.2g}",)),
            f"{arm.gap_db:.2f}",
            f"{arm.effective_bits:.2f}",
            f"{arm.entropy_bits:.2f}",
            f"{arm.real_bits:.2f}",
            f"{arm.real_gap_db:.2f}",
            str(arm.dead),
            *(f"{(arm.recall or {})[k]:.3f}" for k in found),
            f"{arm.seconds:.2f}",
            f"{arm.memory_mib:.1f}",
            style="bold" if arm is best else "",
        )
    return table

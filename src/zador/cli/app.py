"""The commands under one name. Nothing here imports NumPy or torch: `--help` has to be instant."""

from __future__ import annotations

from typing import Annotated

import typer

from zador.cli.compare import compare
from zador.cli.decode import decode
from zador.cli.encode import encode
from zador.cli.fit import fit
from zador.cli.limits import limits
from zador.cli.study import study

__all__ = ["app"]

app = typer.Typer(
    name="zador",
    help="Vector quantization, judged against the rate-distortion bound.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from zador import __version__

        typer.echo(f"zador {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Vector quantization, judged against the rate-distortion bound."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command()(compare)
app.command()(fit)
app.command()(encode)
app.command()(decode)
app.command()(limits)
app.command()(study)

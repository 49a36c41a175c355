"""The command ``hwsim``: its commands, and how errors leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from hwsim import __version__
from hwsim.cli import block, catalogue, plot, search, serve, show, simulation, sweep, validation
from hwsim.cli.help import ABOUT, EXAMPLES, FIRST, examples
from hwsim.core.errors import HwsimError


class Commands(TyperGroup):
    """The group of commands; an error that the user can repair becomes one message on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HwsimError as error:
            typer.echo(f"hwsim: {error}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=Commands, name="hwsim", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Cycle-approximate hardware models: an operator graph goes in; latency, energy and area come out.",
    epilog=examples(FIRST),
)  # fmt: skip
_COMMANDS: tuple[Callable[..., None], ...] = (
    simulation.run, simulation.compare, simulation.op, simulation.primitive, block.block, sweep.sweep, search.search, search.pareto,
    search.sensitivity, search.inverse, serve.serve, plot.plot, validation.validate,
    catalogue.chips, catalogue.traces, show.show, catalogue.export,
)  # fmt: skip
for _command in _COMMANDS:
    app.command(short_help=ABOUT[_command.__name__], epilog=examples(EXAMPLES[_command.__name__]))(_command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hwsim {__version__}")
        raise typer.Exit


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and exit.")) -> None:
    """Cycle-approximate hardware models: an operator graph goes in; latency, energy and area come out."""


def main() -> None:
    """Run the command line."""
    app()

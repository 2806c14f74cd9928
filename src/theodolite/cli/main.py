"""The command `theodolite`: one function runs it, and every way it can end is decided here."""

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from theodolite.cli import console, failures, stops
from theodolite.cli.arrow import arrow
from theodolite.cli.connect import connect
from theodolite.cli.curvature import curvature
from theodolite.cli.datasets import datasets
from theodolite.cli.papers import papers
from theodolite.cli.phase import phase
from theodolite.cli.predict import predict
from theodolite.cli.reproduce import reproduce
from theodolite.cli.slim import slim
from theodolite.cli.survey import survey

# JAX 0.10 computing in the background was seen to wait for itself for ever, on two cores, training small networks
STEADY = {"JAX_CPU_ENABLE_ASYNC_DISPATCH": "0"}
BROKEN_PIPE = 141  # what shells report for a process that nobody listens to

app = typer.Typer(
    name="theodolite",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command()(survey)
app.command()(predict)
app.command()(phase)
app.command()(curvature)
app.command()(slim)
app.command()(connect)
app.command()(arrow)
app.command()(datasets)
app.command()(reproduce)
app.command()(papers)


def _version(asked: bool) -> None:
    if asked:
        from theodolite._version import __version__

        typer.echo(f"theodolite {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which one this is.")
    ] = False,
) -> None:
    """Survey how models learn: predict the risk of every candidate kernel from the training data alone.

    [dim]Start with:[/dim]  theodolite survey diabetes
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 done; 1 a fault of ours, or a case of `reproduce` that broke; 2 something the user can mend; 130 interrupted;
    143 terminated. Errors are one paragraph on stderr; set THEODOLITE_TRACEBACK=1 for the traceback.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    console.forgiving_streams()
    for name, value in STEADY.items():
        os.environ.setdefault(name, value)
    streams = sys.stdout, sys.stderr
    try:
        with stops.heeded(), warnings.catch_warnings():
            if not sys.warnoptions and not failures.wants_traceback():
                warnings.simplefilter("ignore")
            code = _called(given)
            sys.stdout.flush()
            return code
    except (BrokenPipeError, SystemExit):  # the libraries below leave by SystemExit when a pipe is closed, only then
        sys.stdout, sys.stderr = streams
        _silence_stdout()
        return BROKEN_PIPE
    except stops.Stopped as stop:
        console.complain(str(stop))
        return stop.code
    except Exception as error:
        if failures.wants_traceback():
            traceback.print_exception(error)
        code, message = failures.explained(error)
        console.complain(message)
        _silence_stdout()
        return code


def _called(arguments: list[str]) -> int:
    code = typer.main.get_command(app).main(arguments, prog_name="theodolite", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _silence_stdout() -> None:
    """Keep the interpreter from failing once more when it flushes a broken stdout on its way out."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

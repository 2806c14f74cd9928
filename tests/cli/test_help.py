"""Help answers at once, is short, and shows an example."""

import os
import resource
import subprocess
import sys

import pytest

COMMANDS = (
    "survey",
    "predict",
    "phase",
    "curvature",
    "slim",
    "connect",
    "arrow",
    "papers",
    "datasets",
    "reproduce",
)


def test_help_answers_in_well_under_a_second() -> None:
    program = "import sys; from theodolite.cli.main import run; sys.exit(run(['--help']))"
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # computing time, because others may share the machine: 0.25 s on an idle core, where the promise is 0.5 s to wait
    assert min(times) < 1.0


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from theodolite.cli.main import run; run(['survey', '--help']);"
        "sys.exit(', '.join({'numpy', 'scipy', 'pandas', 'sklearn', 'jax', 'matplotlib', 'jinja2'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stderr.strip() == ""
    assert "--target" in ended.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, theodolite) -> None:
    ended = theodolite(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"theodolite {command}" in ended.out.split("Usage:")[1].split("\n", 1)[1]
    assert len(ended.out.splitlines()) < 50


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_without_a_command_there_is_help(arguments: tuple[str, ...], theodolite) -> None:
    ended = theodolite(*arguments)
    assert ended.code == 0
    assert all(command in ended.out for command in COMMANDS)


def test_the_version_is_one_line(theodolite) -> None:
    from theodolite import __version__

    assert theodolite("--version").out == f"theodolite {__version__}\n"


def test_help_fits_a_narrow_terminal(theodolite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    ended = theodolite("datasets", "--help")
    assert max(map(len, ended.out.splitlines())) <= 60


def test_the_console_script_is_installed() -> None:
    script = os.path.join(os.path.dirname(sys.executable), "theodolite")
    if not os.path.exists(script):
        pytest.skip("the package runs from its sources here")
    ended = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("theodolite ")

"""`theodolite phase`: order or chaos, and what to change."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress

if TYPE_CHECKING:
    from theodolite.architectures import Node
    from theodolite.infinite_width import Checkerboards, Phase
    from theodolite.numerics.progress import Progress


def phase(
    architecture: Annotated[
        list[str],
        typer.Argument(metavar="ARCHITECTURE", help='Words such as "relu*8 bias=0.1" or "gelu.normalised*12".'),
    ],
    bias: Annotated[
        float | None, typer.Option("--bias", metavar="STD", help="bias_std of all layers.", show_default="as written")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Draw the kernels there, .svg or .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say whether depth makes inputs alike (order) or different (chaos), how fast, and what to change.

    For a network that makes images ("reshape((1, 1, 64)) convtranspose(4, 4) relu convtranspose"), also what
    checkerboards and borders to expect.

    [dim]Example:[/dim]  theodolite phase "relu*8 bias=0.1"
    """
    text = " ".join(architecture)
    if out is not None:
        from theodolite.reporting.picture_file import picture_ending

        picture_ending(out)
    with progress.shown("reading the architecture") as tell:
        from theodolite import infinite_width
        from theodolite.architectures import parse

        net = parse(text)
        found = infinite_width.phase(net, bias_std=bias)
        images = _images(net, bias, tell)
        if out is not None:
            tell(0, 1, f"drawing {out}")
            from theodolite.reporting.phase_picture import write_phase_picture

            write_phase_picture(found, text if bias is None else f"{text} (bias_std {bias:g})", out)
    if as_json:
        console.tell_json({**_document(text, net, found, out), "checkerboards": images and _numbers(images)})
        return
    _tell(text, found, out)
    for line in images.advice if images else ():
        console.say(line)


def _images(net: "Node", bias: float | None, tell: "Progress") -> "Checkerboards | None":
    """What a generator, which begins with reshape and makes images by strides, will draw; None for other networks."""
    from theodolite.architectures import Reshape, nodes_of
    from theodolite.infinite_width import checkerboards
    from theodolite.infinite_width.generators.position_kernels import makes_images
    from theodolite.infinite_width.order_chaos.phase_changes import with_bias

    if not isinstance(nodes_of(net)[0], Reshape) or not makes_images(net):
        return None
    tell(0, 1, "checkerboards")
    return checkerboards(net if bias is None else with_bias(net, bias), advise=True)


def _numbers(images: "Checkerboards") -> dict[str, Any]:
    shown = ("period", "isotropic", "drawn", "first_step", "first_step_constant", "same_for_all", "border", "condition")
    return {name: getattr(images, name) for name in (*shown, "dominance", "effective_rank", "advice")}


def _document(text: str, net: Any, found: "Phase", out: Path | None) -> dict[str, Any]:
    import dataclasses

    entries = dataclasses.asdict(found)
    entries["alternatives"] = [
        {"change": change, "characteristic": r, "verdict": verdict} for change, r, verdict in found.alternatives
    ]
    written = None if out is None else str(out)
    return {"architecture": text, "network": net.config(), "written": written, **entries}


def _tell(text: str, found: "Phase", out: Path | None) -> None:
    from theodolite.reporting.terminal_phase import phase_picture, phase_table

    stdout = console.stdout()
    console.say(f"{text}: {found.depth} layers of weights")
    stdout.print(phase_table(found))
    unicode = (stdout.encoding or "").lower().replace("-", "").startswith("utf")
    stdout.print(phase_picture(found, unicode=unicode))
    for line in (*found.advice, *found.notes):
        console.say(line)
    if out is not None:
        console.say(f"Written: {out}")

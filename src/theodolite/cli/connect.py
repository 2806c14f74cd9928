"""`theodolite connect`: whether two networks are one up to the order of neurons, and the path between them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress

if TYPE_CHECKING:
    from theodolite.landscape import Connection, Mlp


def connect(
    first: Annotated[Path, typer.Argument(metavar="A", help="A .safetensors file of a plain network.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another of the same shapes.")],
    activation: Annotated[
        str | None,
        typer.Option(
            "--activation", "-a", metavar="NAME", help="relu, tanh, gelu, ...", show_default="as the file says, or relu"
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", "-d", metavar="DATA", help="Measure the loss on these rows.", show_default="512 random inputs"
        ),
    ] = None,
    target: Annotated[str | None, typer.Option("--target", "-t", metavar="COLUMN", help="The target in them.")] = None,
    rows: Annotated[int | None, typer.Option("--rows", metavar="N", help="At most N rows, at random.")] = None,
    points: Annotated[int, typer.Option("--points", metavar="N", help="Points on each segment.")] = 4,
    spares: Annotated[
        int, typer.Option("--spares", metavar="N", help="Silent neurons a hidden layer; so many move at a time.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Draw the loss there, .svg or .png.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides every random draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Match the neurons of two networks and walk from one to the other; say how far the outputs stray.

    With one spare neuron a hidden layer, networks that differ by the order of neurons are joined by straight segments
    on which the outputs do not change; so are networks that are one narrower network with copies and silent neurons.
    Other networks are joined as far as that goes, and by a straight line from there.

    [dim]Example:[/dim]  theodolite connect one.safetensors other.safetensors --activation tanh --out path.svg
    """
    _check(points, spares, out)
    with progress.shown(f"reading {first}") as tell:
        from theodolite import landscape
        from theodolite.cli.landscape_inputs import gather

        one, _ = landscape.read_checkpoint(first, activation)
        other, _ = landscape.read_checkpoint(second, activation if activation is not None else one.activation)
        inputs = gather(one, data, target, rows, seed)
        loss, loss_name = inputs.loss(one)
        found = landscape.connect(one, other, inputs.X, loss, spares=spares, points=points, progress=tell)
        if out is not None:
            tell(0, 0, f"drawing {out}")
            from theodolite.reporting.connection_picture import write_connection_picture

            write_connection_picture(found, (first.name, second.name), loss_name, out)
    document = _document((first, second), one, found, inputs.words, loss_name, out)
    if as_json:
        console.tell_json(document)
        return
    _tell(document, found, loss_name, spares, out)


def _check(points: int, spares: int, out: Path | None) -> None:
    from theodolite.numerics import BadInput

    if points < 1:
        raise BadInput(f"--points must be at least 1, got {points}")
    if spares < 1:
        raise BadInput(f"--spares must be at least 1, got {spares}")
    if out is not None:
        from theodolite.reporting.picture_file import picture_ending

        picture_ending(out)


def _document(
    paths: tuple[Path, Path], one: "Mlp", found: "Connection", words: str, loss_name: str, out: Path | None
) -> dict[str, Any]:
    return {
        "networks": [str(path) for path in paths],
        "activation": one.activation.name,
        "widths": list(one.widths),
        "permutation": found.permutation,
        "narrow_widths": None if found.narrow is None else list(found.narrow),
        "distance": found.distance,
        "segments": found.segments,
        "certificate": found.deviation,
        "residual": found.residual,
        "barrier": found.barrier,
        "straight_barrier": found.straight_barrier,
        "loss": loss_name,
        "measured_on": words,
        "orders": [order.tolist() for order in found.match.orders],
        "factors": [factors.tolist() for factors in found.match.factors],
        "path": {"position": found.position, "loss": found.loss},
        "straight": {"position": found.straight_position, "loss": found.straight_loss},
        "written": None if out is None else str(out),
    }


def _tell(document: dict[str, Any], found: "Connection", loss_name: str, spares: int, out: Path | None) -> None:
    from theodolite.reporting.terminal_landscape import change, connection_picture, connection_table

    stdout = console.stdout()
    console.say(
        f"{document['networks'][0]} and {document['networks'][1]}: hidden layers of "
        f"{', '.join(map(str, document['widths']))} neurons, activation {document['activation']}"
    )
    stdout.print(connection_table(found, loss_name))
    unicode = (stdout.encoding or "").lower().replace("-", "").startswith("utf")
    stdout.print(connection_picture(found, unicode=unicode))
    if found.narrow is not None:
        console.say(
            f"Copies and silent neurons aside they are one network, of {' and '.join(map(str, found.narrow))} hidden "
            f"neurons (theodolite slim writes it). Along {found.segments} straight segments, which gather the copies, "
            f"move the neurons and share out again, the outputs change by {change(found.deviation)} on "
            f"{document['measured_on']}."
        )
    elif document["permutation"]:
        spare = "one spare neuron" if spares == 1 else f"{spares} spare neurons"
        console.say(
            f"They are one network up to the order of neurons. Along {found.segments} straight segments, with {spare} "
            f"in each hidden layer, the outputs change by {change(found.deviation)} on {document['measured_on']}."
        )
    else:
        console.say(
            f"They are no permutations of each other: matched as well as can be, their weights differ by "
            f"{found.distance:.2g} of their size. {found.segments} segments lead to the nearest permutation without a "
            f"change of the outputs ({change(found.deviation)}); the straight line from there rises by "
            f"{found.barrier:.3g}."
        )
    if out is not None:
        console.say(f"Written: {out}")

"""`theodolite slim`: how many neurons of a network are copies or dead, and the smaller one that does the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress

if TYPE_CHECKING:
    from theodolite.landscape import Mlp, Reduction


def slim(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A .safetensors file: matrices and biases of a plain network.")
    ],
    activation: Annotated[
        str | None,
        typer.Option(
            "--activation", "-a", metavar="NAME", help="relu, tanh, gelu, ...", show_default="as the file says, or relu"
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="DATA", help="Verify on these rows.", show_default="512 random inputs"),
    ] = None,
    target: Annotated[str | None, typer.Option("--target", "-t", metavar="COLUMN", help="The target in them.")] = None,
    rows: Annotated[int | None, typer.Option("--rows", metavar="N", help="At most N rows, at random.")] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", metavar="SHARE", help="How near copies must be, as a share of their size.")
    ] = 1e-6,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the smaller network there, .safetensors.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides every random draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Count the neurons of a network that are copies or dead, and write the smaller one that does the same.

    The outputs are compared before anything is written. Names and precision of the tensors are kept.

    [dim]Example:[/dim]  theodolite slim model.safetensors --activation tanh --out small.safetensors
    """
    _check(model, out)
    with progress.shown(f"reading {model}") as tell:
        from theodolite.cli.landscape_inputs import gather
        from theodolite.landscape import read_checkpoint, reduce, write_checkpoint

        network, layout = read_checkpoint(model, activation)
        inputs = gather(network, data, target, rows, seed)
        tell(0, 1, "looking for copies")
        found = reduce(network, inputs.X, tolerance=tolerance, inactive=data is not None)
        written = None
        if out is not None and found.removed:
            written = write_checkpoint(found.network, out, layout=layout)
    document = _document(model, network, found, inputs.words, written)
    if as_json:
        console.tell_json(document)
        return
    _tell(document, found, out)


def _check(model: Path, out: Path | None) -> None:
    from theodolite.numerics import BadInput

    if out is None:
        return
    if out.is_dir():
        raise BadInput(f"--out {out} is a folder; add a file name, for example {out / 'small.safetensors'}")
    if out.suffix.lower() != ".safetensors":
        raise BadInput(f"--out {out} must end with .safetensors")
    if out.exists() and model.exists() and out.samefile(model):
        raise BadInput(f"--out {out} is the model itself; name another file")


def _document(model: Path, network: "Mlp", found: "Reduction", words: str, written: Path | None) -> dict[str, Any]:
    import dataclasses

    return {
        "model": str(model),
        "activation": network.activation.name,
        "inputs": network.inputs,
        "outputs": network.outputs,
        "layers": [dataclasses.asdict(layer) for layer in found.layers],
        "neurons": sum(network.widths),
        "removed": found.removed,
        "parameters": network.parameters,
        "parameters_left": found.network.parameters,
        "largest_change": found.after,
        "verified_on": words,
        "refitted": found.refitted,
        "accepted": found.accepted,
        "tolerance": found.tolerance,
        "written": None if written is None else str(written),
    }


def _tell(document: dict[str, Any], found: "Reduction", out: Path | None) -> None:
    from theodolite.reporting.terminal_landscape import change, reduction_table

    console.say(f"{document['model']}: {document['neurons']} hidden neurons, activation {document['activation']}")
    console.stdout().print(reduction_table(found))
    if not found.removed:
        why = "no two neurons are copies and none is dead"
        if not found.accepted:
            why = "some neurons look alike, but no smaller network gives the same outputs"
        console.say(f"Nothing to take away: {why}." + ("" if out is None else f" {out} was not written."))
        return
    console.say(
        f"{document['removed']} of {document['neurons']} neurons can go: {document['parameters']} parameters become "
        f"{document['parameters_left']}. Outputs change by {change(found.after)} on {document['verified_on']}"
        + (", after a refit." if found.refitted else ".")
    )
    if document["written"]:
        console.say(f"Written: {document['written']}")
    else:
        console.say("Write the smaller network with --out small.safetensors")

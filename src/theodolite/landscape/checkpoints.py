"""Networks of other libraries: a pytree or a file of named tensors, read as a chain of matrices, and written back."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.architectures import Dense, Node, nodes_of
from theodolite.architectures.activation import Activation
from theodolite.landscape.mlp import Mlp, mlp
from theodolite.landscape.nonlinearity import NONLINEARITIES, Nonlinearity
from theodolite.numerics.errors import BadInput, ShapeMismatch

_NORMALISATION = re.compile(r"running_(mean|var)|batch_?stats|(^|[^a-z])(bn|ln)\d*([^a-z]|$)|norm", re.IGNORECASE)
_WORDS = frozenset(("weight", "weights", "kernel", "kernels", "w", "bias", "biases", "b"))
_MOST_TO_ORDER = 6


@dataclass(frozen=True)
class Layout:
    """How the tensors of a checkpoint make a network, so that another one can be written in their place.

    Attributes: weights, the names of the matrices in the order of the layers; biases, of their vectors, None where
    there is none; transposed, whether matrices are (inputs, outputs); dtypes, of each tensor by name.
    """

    weights: tuple[str, ...]
    biases: tuple[str | None, ...]
    transposed: bool
    dtypes: Mapping[str, str]

    def tensors(self, network: Mlp) -> dict[str, np.ndarray]:
        """The network as named tensors of this layout, in the dtypes they came in."""
        found: dict[str, np.ndarray] = {}
        for name, w in zip(self.weights, network.weights):
            found[name] = np.ascontiguousarray((w.T if self.transposed else w).astype(self.dtypes[name]))
        for name, b in zip(self.biases, network.biases):
            if name is not None and b is not None:
                found[name] = b.astype(self.dtypes[name])
        return found


def read_mlp(tree: Any, activation: str | Nonlinearity = "relu") -> tuple[Mlp, Layout]:
    """Read a pytree of weight matrices and biases, such as the parameters of another library, as a network.

    Matrices follow each other in the order of the numbers in their names (or of the tree); a vector belongs to the
    matrix whose name it shares up to the last word. Whether a matrix is (outputs, inputs), as in PyTorch, or (inputs,
    outputs), as in Flax, is what makes the shapes chain; where both do, names decide ("kernel": inputs first).

    Args: tree, nested dicts and sequences of arrays; activation as in `mlp`: files do not say it.
    Returns: the Mlp, and the Layout that writes one back.
    Raises: BadInput for batch normalisation, convolutions, tied weights and tensors that belong to no layer;
        ShapeMismatch when shapes do not chain.

    >>> net, layout = read_mlp({"0.weight": np.ones((8, 3)), "0.bias": np.ones(8), "2.weight": np.ones((1, 8))})
    >>> net.widths, layout.transposed, sorted(layout.tensors(net))
    ((8,), False, ['0.bias', '0.weight', '2.weight'])
    """
    named = dict(_leaves(tree))
    if not named:
        raise BadInput("no tensors came; expected matrices of weights and vectors of biases")
    arrays = {name: np.asarray(value) for name, value in named.items()}
    _refuse_strangers(arrays)
    matrices_found = [name for name in arrays if arrays[name].ndim == 2]
    if len(matrices_found) < 2:
        raise BadInput(
            f"{len(matrices_found)} matrices of weights among {', '.join(arrays)}; a hidden layer needs at least two"
        )
    _refuse_tied({name: named[name] for name in matrices_found})
    order, transposed = _chain(matrices_found, arrays)
    matrices = [arrays[name].T if transposed else arrays[name] for name in order]
    biases = _biases(order, arrays)
    network = mlp(matrices, [None if name is None else arrays[name] for name in biases], activation)
    dtypes = {name: str(array.dtype) for name, array in arrays.items()}
    return network, Layout(tuple(order), tuple(biases), transposed, dtypes)


def from_params(net: Node, params: Any) -> Mlp:
    """Read the parameters of `finite_width.network(net, ...)` for fully connected layers and one activation.

    The factors weight_std / sqrt(fan_in) and bias_std of the forward pass go into the matrices: the Mlp is the same
    function. Raises: BadInput for an architecture that is not Dense and one activation in turn.

    >>> from theodolite.architectures import Dense, Relu
    >>> from_params(Dense() >> Relu() >> Dense(), {"0_dense": {"weight": np.ones((4, 2))},
    ...     "2_dense": {"weight": np.ones((2, 1))}}).weights[0].tolist()
    [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]]
    """
    nodes = nodes_of(net)
    dense, between = [node for node in nodes[::2] if isinstance(node, Dense)], nodes[1::2]
    if (
        len(nodes) % 2 == 0
        or len(dense) != len(between) + 1
        or not all(isinstance(node, Activation) for node in between)
        or len({repr(node) for node in between}) > 1
    ):
        raise BadInput(
            f"{net!r} is not Dense and one activation in turn, ending with Dense; only such networks are read"
        )
    weights, biases = [], []
    for place, node in enumerate(dense):
        own = params[f"{2 * place}_dense"]
        weight = np.asarray(own["weight"], dtype=np.float64)
        weights.append(node.weight_std / np.sqrt(weight.shape[0]) * weight.T)
        biases.append(node.bias_std * np.asarray(own["bias"], dtype=np.float64) if "bias" in own else None)
    return mlp(weights, biases, _known(between[0]) if between else "identity")


def read_checkpoint(path: str | Path, activation: str | Nonlinearity | None = None) -> tuple[Mlp, Layout]:
    """Read a .safetensors file as a network. Arguments, returns and raises as in `read_mlp`.

    The activation is the one the file's metadata name, "relu" where they name none, unless given.

    >>> import tempfile
    >>> from theodolite.landscape import mlp
    >>> path = write_checkpoint(mlp([np.ones((3, 2)), np.ones((1, 3))]), Path(tempfile.mkdtemp()) / "net.safetensors")
    >>> read_checkpoint(path)[1].weights
    ('0.weight', '2.weight')
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.exists():
        raise BadInput(f"there is no file {path}; give a .safetensors file of weights")
    if path.is_dir() or path.suffix.lower() != ".safetensors":
        raise BadInput(
            f"{path} is not a .safetensors file; only these are read, because pickled checkpoints can run code: "
            "convert with safetensors.torch.save_file or safetensors.flax.save_file"
        )
    try:
        with safe_open(str(path), framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
            metadata = file.metadata() or {}
    except (SafetensorError, TypeError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}); write it again, in float32 or float64") from None
    chosen = activation if activation is not None else metadata.get("activation", "relu")
    try:
        return read_mlp(tensors, chosen)
    except (BadInput, ShapeMismatch) as error:
        raise type(error)(f"{path}: {error}") from None


def write_checkpoint(network: Mlp, path: str | Path, *, layout: Layout | None = None) -> Path:
    """Write a network as .safetensors, whole or not at all, with the names of a layout ("0.weight", ... without one).

    The metadata say the activation. Returns: the path. Raises: OSError.

    >>> import tempfile
    >>> from theodolite.landscape import mlp
    >>> path = Path(tempfile.mkdtemp()) / "net.safetensors"
    >>> net, _ = read_checkpoint(write_checkpoint(mlp([np.ones((3, 2)), np.ones((1, 3))], activation="tanh"), path))
    >>> net.widths, net.activation.name
    ((3,), 'tanh')
    """
    from safetensors.numpy import save

    from theodolite.numerics.files import write_atomically

    layout = layout if layout is not None else default_layout(network)
    metadata = {"activation": network.activation.name, "format": "pt"}
    return write_atomically(path, save(layout.tensors(network), metadata=metadata))


def default_layout(network: Mlp) -> Layout:
    """Names as PyTorch gives them to nn.Sequential: "0.weight", "0.bias", "2.weight", ..., (outputs, inputs).

    >>> from theodolite.landscape import mlp
    >>> default_layout(mlp([np.ones((3, 2)), np.ones((1, 3))])).weights
    ('0.weight', '2.weight')
    """
    weights = tuple(f"{2 * i}.weight" for i in range(len(network.weights)))
    biases = tuple(None if b is None else f"{2 * i}.bias" for i, b in enumerate(network.biases))
    return Layout(weights, biases, False, {name: "float64" for name in (*weights, *biases) if name is not None})


def _known(node: Any) -> Nonlinearity:
    name = type(node).__name__.lower()
    name = {"swish": "silu"}.get(name, name)
    found = NONLINEARITIES.get(name)
    points = np.linspace(-2.0, 2.0, 9)
    if found is not None and np.allclose(np.asarray(node(points)), found(points), atol=1e-12):
        return found
    raise BadInput(
        f"{node!r} has no second derivative here; known are {', '.join(NONLINEARITIES)}: build the network with "
        "landscape.mlp and a landscape.Nonlinearity of your own"
    )


def _leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        items = [(str(name), value) for name, value in tree.items()]
    elif isinstance(tree, Sequence) and not isinstance(tree, str) and not hasattr(tree, "shape"):
        items = [(str(place), value) for place, value in enumerate(tree)]
    else:
        return [] if tree is None else [(path, tree)]
    return [leaf for name, value in items for leaf in _leaves(value, f"{path}.{name}" if path else name)]


def _refuse_strangers(arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if _NORMALISATION.search(name):
            raise BadInput(
                f"tensor {name!r} belongs to a normalisation layer: neurons coupled by batch or layer normalisation "
                "cannot be merged or moved one by one; fold batch normalisation into the weights first"
            )
        if array.ndim > 2:
            raise BadInput(
                f"tensor {name!r} has shape {array.shape}: convolutions and attention heads are not read, only chains "
                "of matrices (fully connected layers)"
            )


def _refuse_tied(matrices: Mapping[str, Any]) -> None:
    arrays = {name: np.asarray(value) for name, value in matrices.items()}
    names = list(arrays)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            one, other = arrays[first], arrays[second]
            if one.size < 2 or np.ptp(one) == 0:
                continue
            same = one.shape == other.shape and np.array_equal(one, other)
            mirrored = one.shape == other.shape[::-1] and np.array_equal(one, other.T)
            if matrices[first] is matrices[second] or np.shares_memory(one, other) or same or mirrored:
                raise BadInput(
                    f"tensors {first!r} and {second!r} hold the same numbers: tied weights cannot be changed one by "
                    "one, and a merged or moved neuron would change both places"
                )


def _chain(names: list[str], arrays: Mapping[str, np.ndarray]) -> tuple[list[str], bool]:
    """The matrices in the order of the layers, and whether they are (inputs, outputs).

    A chain read backwards and transposed is a chain, too: biases must fit, numbers in the names are believed before the
    habits of libraries, and those before any other order.
    """
    natural = sorted(names, key=_natural)
    habit = any(re.search(r"kernel|\d+_dense", name, re.IGNORECASE) for name in names)
    by_name = [(order, way) for way in (habit, not habit) for order in (natural, names)]
    searched: list[tuple[list[str], bool]] = []
    if len(names) <= _MOST_TO_ORDER:
        searched = [(list(order), way) for way in (habit, not habit) for order in itertools.permutations(names)]
    numbered = all(re.search(r"\d", name) for name in names)
    half = len(searched) // 2
    tries = [*by_name, *searched] if numbered else [*by_name[:2], *searched[:half], *by_name[2:], *searched[half:]]
    for order, way in tries:
        if _chains(order, arrays, way):
            return order, way
    listed = ", ".join(f"{name} {arrays[name].shape}" for name in natural)
    raise ShapeMismatch(
        f"the layers do not chain in the order of their names, neither as (outputs, inputs) nor as (inputs, outputs), "
        f"or biases do not fit: {listed}; give one network's matrices, named so that their order can be told"
    )


def _chains(order: Sequence[str], arrays: Mapping[str, np.ndarray], transposed: bool) -> bool:
    shapes = [arrays[name].shape[::-1] if transposed else arrays[name].shape for name in order]
    vectors = {_stem(name): len(array) for name, array in arrays.items() if array.ndim == 1}
    fits = all(vectors.get(_stem(name), shape[0]) == shape[0] for name, shape in zip(order, shapes))
    return fits and all(second[1] == first[0] for first, second in itertools.pairwise(shapes))


def _biases(order: list[str], arrays: Mapping[str, np.ndarray]) -> list[str | None]:
    vectors = [name for name in arrays if arrays[name].ndim == 1]
    others = [name for name in arrays if arrays[name].ndim == 0]
    by_stem = {_stem(name): name for name in vectors}
    found: list[str | None] = [by_stem.get(_stem(name)) for name in order]
    left = sorted((name for name in vectors if name not in found), key=_natural)
    if left and not any(found) and len(left) == len(order):
        found[:], left = left, []  # no common names: one vector for each matrix, in order
    if left or others:
        stranger = (left + others)[0]
        raise BadInput(
            f"tensor {stranger!r} with shape {arrays[stranger].shape} belongs to no matrix of weights; expected "
            "weights and biases of fully connected layers only: fold scales and normalisations into them first"
        )
    return found


def _stem(name: str) -> tuple[str, ...]:
    """A name without the word that says weight or bias: fc1.weight and fc1.bias share theirs, W1 and b1 too."""
    tokens = re.findall(r"[A-Za-z]+|\d+", name)
    kept = tuple(token for token in tokens if token.lower() not in _WORDS)
    return kept if len(kept) < len(tokens) else tuple(tokens[:-1])


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key: numbers inside names count as numbers. 'layer10' comes after 'layer9'."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]

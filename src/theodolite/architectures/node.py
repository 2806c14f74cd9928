"""A node of an architecture: frozen data that computes nothing. `>>` composes nodes into a sentence."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from theodolite.numerics.errors import BadInput

_KINDS: dict[str, type["Node"]] = {}


class Node:
    """One word of an architecture; equal when written alike, hashable, JSON-ready.

    >>> from theodolite.architectures import Dense, Relu
    >>> net = Dense() >> Relu() >> Dense(bias_std=0.1)
    >>> net
    Dense() >> Relu() >> Dense(bias_std=0.1)
    >>> net == from_config(net.config())
    True
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _KINDS[cls.__name__] = cls

    def __rshift__(self, other: "Node") -> "Serial":
        return Serial((self, other)) if isinstance(other, Node) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_unusual(self))})"

    def config(self) -> dict[str, Any]:
        """A JSON-ready description that `from_config` turns back into an equal node."""
        entries = {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {"kind": type(self).__name__, **entries}


@dataclass(frozen=True, repr=False)
class Serial(Node):
    """Nodes applied one after the other; sentences inside a sentence are spelled out."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        wrong = [node for node in self.nodes if not isinstance(node, Node)]
        if wrong:
            raise BadInput(f"a sentence is made of nodes, got {wrong[0]!r}; write Relu(), not Relu")
        object.__setattr__(self, "nodes", tuple(part for node in self.nodes for part in nodes_of(node)))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.nodes)) or "Serial(())"


def nodes_of(net: Node) -> tuple[Node, ...]:
    """The nodes of a sentence in their order; a single node is a sentence of one.

    >>> from theodolite.architectures import Dense, Relu
    >>> nodes_of(Dense() >> Relu())
    (Dense(), Relu())
    """
    return net.nodes if isinstance(net, Serial) else (net,)


def name_of(index: int, node: Node) -> str:
    """The name of a node, as trees of parameters have it: its place in the sentence and its kind.

    >>> from theodolite.architectures import ConvTranspose
    >>> name_of(2, ConvTranspose())
    '2_conv_transpose'
    """
    return f"{index}_{re.sub('(?<!^)(?=[A-Z])', '_', type(node).__name__).lower()}"


def from_config(description: dict[str, Any]) -> Node:
    """The node that `config()` described. Raises: BadInput for an unknown kind or field.

    >>> from_config({"kind": "Dense", "weight_std": 1.0, "bias_std": 0.1})
    Dense(bias_std=0.1)
    """
    if not isinstance(description, dict) or "kind" not in description:
        raise BadInput(f"an architecture is described by a table with a kind, got {description!r}")
    arguments = {key: _revive(item) for key, item in description.items() if key != "kind"}
    known = {name: kind for name, kind in _KINDS.items() if dataclasses.is_dataclass(kind)}
    kind = description["kind"]
    if kind not in known:
        raise BadInput(f"no node is called {kind!r}; known: {', '.join(sorted(known))}")
    try:
        return known[kind](**arguments)
    except TypeError as error:
        raise BadInput(f"{kind} cannot be made from {arguments}: {error}") from None


def _plain(item: Any) -> Any:
    if isinstance(item, Node):
        return item.config()
    return [_plain(part) for part in item] if isinstance(item, tuple) else item


def _revive(item: Any) -> Any:
    if isinstance(item, dict):
        return from_config(item)
    return tuple(_revive(part) for part in item) if isinstance(item, list) else item


def _unusual(node: Node) -> Iterator[str]:
    """The fields that differ from their defaults; leading ones without a default stand without their names."""
    for field in dataclasses.fields(node):  # type: ignore[arg-type]
        value = getattr(node, field.name)
        if field.default is dataclasses.MISSING:
            yield repr(value)
        elif value != field.default:
            yield f"{field.name}={value!r}"

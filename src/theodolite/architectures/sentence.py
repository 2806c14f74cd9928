"""Architectures written on one line, as people type them: "dense relu dense", "relu*8 bias=0.1"."""

import dataclasses
import math
import re
from difflib import get_close_matches
from typing import Any

from theodolite.architectures import activations, layers
from theodolite.architectures.activation import Activation
from theodolite.architectures.layers import Dense, ParallelSum, Residual, Weighted
from theodolite.architectures.node import Node, Serial
from theodolite.numerics.errors import BadInput

HELP = (
    'words such as "dense relu dense" or "conv(3) relu*2 flatten dense"; "relu*8 bias=0.1" stands for eight hidden '
    "layers; options in parentheses, (3, strides=2); blocks as residual[relu dense]; relu.normalised; at the end "
    "bias=, weight= or beta= for all layers"
)
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)|(?P<sign>[\[\]|*=.])"
    r"|(?P<options>\([^()]*(?:\([^()]*\)[^()]*)*\)))"
)
_SPECIAL = ("Serial", "ParallelSum", "Residual", "Elementwise", "Affine", "Standardised", "Normalised", "Rescaled")


def _words() -> dict[str, type[Node]]:
    found = {}
    for module in (layers, activations):
        for name, kind in vars(module).items():
            if (
                isinstance(kind, type)
                and issubclass(kind, Node)
                and dataclasses.is_dataclass(kind)
                and name not in _SPECIAL
            ):
                found[name.lower()] = kind
    return found


WORDS = _words()


def parse(text: str) -> Serial:
    """The architecture that a line of text describes.

    Args: text, words of nodes in lower case, see the examples. A sentence without any layer of weights is a fully
        connected network: each activation is preceded by a dense layer, and one more ends it.
    Returns: a Serial. Raises: BadInput, naming the word that is not understood and the nearest known one.

    >>> parse("dense relu dense")
    Dense() >> Relu() >> Dense()
    >>> parse("relu*2 bias=0.1") == parse("dense relu dense relu dense bias=0.1")
    True
    >>> parse("conv(3, strides=2) gelu.normalised residual[conv gelu] globalaveragepool dense(bias_std=1)").nodes[1]
    Gelu().normalised()
    """
    reader = _Reader(text)
    nodes = reader.sentence()
    settings = reader.settings()
    if not nodes:
        raise BadInput(f"no architecture in {text!r}; expected {HELP}")
    net = Serial(tuple(nodes))
    if not layers.layers_with_weights(net):
        net = _fully_connected(net)
    return _with(net, settings)


def _fully_connected(net: Serial) -> Serial:
    nodes: list[Node] = []
    for node in net:
        nodes += [Dense(), node] if isinstance(node, Activation) else [node]
    return Serial((*nodes, Dense()))


def _with(net: Any, settings: dict[str, float]) -> Any:
    """The same architecture with weight_std and bias_std set in every layer that has them."""
    if not settings:
        return net
    if isinstance(net, Serial):
        return Serial(tuple(_with(node, settings) for node in net))
    if isinstance(net, ParallelSum):
        return ParallelSum(tuple(_with(branch, settings) for branch in net.branches))
    if isinstance(net, Residual):
        return Residual(_with(net.branch, settings))
    return dataclasses.replace(net, **settings) if isinstance(net, Weighted) else net  # type: ignore[type-var]


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise BadInput(f"{text!r} cannot be read from {text[at:].strip()!r} on; expected {HELP}")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()

    def peek(self, ahead: int = 0) -> str | None:
        return self.tokens[ahead][1] if len(self.tokens) > ahead else None

    def take(self) -> tuple[str, str]:
        if not self.tokens:
            raise BadInput(f"{self.text!r} ends too early; expected {HELP}")
        return self.tokens.pop(0)

    def expect(self, sign: str) -> None:
        kind, found = self.take()
        if found != sign:
            raise BadInput(f"{self.text!r}: expected {sign!r}, got {found!r} ({kind})")

    def sentence(self) -> list[Node]:
        nodes: list[Node] = []
        while self.tokens and self.peek() not in ("]", "|") and self.peek(1) != "=":
            nodes += self.item()
        return nodes

    def item(self) -> list[Node]:
        kind, word = self.take()
        if kind != "word":
            raise BadInput(f"{self.text!r}: expected a word, got {word!r}; expected {HELP}")
        name = word.lower()
        node = self.block(name) if name in ("residual", "sum") else self.node(name)
        while self.peek() == ".":
            self.take()
            node = self.rescaled(node)
        if self.peek() == "*":
            self.take()
            _, count = self.take()
            if not count.isdigit() or int(count) < 1:
                raise BadInput(f"{self.text!r}: {word}*{count}: expected a positive whole number after *")
            return [node] * int(count)
        return [node]

    def block(self, name: str) -> Node:
        self.expect("[")
        branches = [Serial(tuple(self.sentence()))]
        while self.peek() == "|":
            self.take()
            branches.append(Serial(tuple(self.sentence())))
        self.expect("]")
        if name == "residual" and len(branches) != 1:
            raise BadInput(f"{self.text!r}: a residual block has one branch, got {len(branches)}; use sum[a | b]")
        return Residual(branches[0]) if name == "residual" else ParallelSum(tuple(branches))

    def node(self, name: str) -> Node:
        if name not in WORDS:
            near = get_close_matches(name, [*WORDS, "residual", "sum"], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadInput(f"no layer or activation is called {name!r}{hint} Known: {', '.join(sorted(WORDS))}")
        values, named = _options(self.take()[1], self.text) if (self.peek() or "").startswith("(") else ((), {})
        try:
            return WORDS[name](*values, **named)
        except TypeError as error:
            fields = ", ".join(field.name for field in dataclasses.fields(WORDS[name]))  # type: ignore[arg-type]
            raise BadInput(f"{self.text!r}: {name} takes ({fields}): {error}") from None

    def rescaled(self, node: Node) -> Node:
        _, how = self.take()
        if not isinstance(node, Activation) or how not in ("normalised", "standardised"):
            raise BadInput(
                f"{self.text!r}: expected an activation and .normalised or .standardised, got {node!r}.{how}"
            )
        return node.normalised() if how == "normalised" else node.standardised()

    def settings(self) -> dict[str, float]:
        found: dict[str, float] = {}
        while self.tokens:
            _, name = self.take()
            self.expect("=")
            _, value = self.take()
            if name not in ("bias", "weight", "beta"):
                raise BadInput(f"{self.text!r}: {name}= is unknown at the end; expected bias=, weight= or beta=")
            found[name] = _number(value, self.text)
        if "beta" in found:
            if len(found) > 1 or not 0 <= found["beta"] < 1:
                raise BadInput(f"{self.text!r}: beta lies in [0, 1) and sets weight and bias alone")
            return {"weight_std": math.sqrt(1 - found["beta"] ** 2), "bias_std": found["beta"]}
        return {f"{name}_std": value for name, value in found.items()}


def _options(text: str, whole: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The contents of parentheses: values, then name=value."""
    values, named = [], {}
    for part in filter(None, (item.strip() for item in re.split(r",(?![^()]*\))", text[1:-1]))):
        name, sign, value = part.rpartition("=")
        if sign:
            named[name.strip()] = _value(value.strip(), whole)
        else:
            values.append(_value(part, whole))
    return tuple(values), named


def _value(text: str, whole: str) -> Any:
    if text.startswith("("):
        return tuple(_value(part.strip(), whole) for part in text.strip("()").split(",") if part.strip())
    if re.fullmatch(r"[A-Za-z]+", text):
        return text.upper() if text.upper() in layers.PADDINGS else text
    return _number(text, whole)


def _number(text: str, whole: str) -> float | int:
    try:
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    except ValueError:
        raise BadInput(f"{whole!r}: {text!r} is not a number") from None

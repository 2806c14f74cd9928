"""Which kernels a survey looks at: families over lengthscales that the data suggest, or the caller's own."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.architectures import Relu, parse
from theodolite.architectures import plain as fully_connected
from theodolite.infinite_width import nngp, ntk
from theodolite.kernels import (
    RBF,
    Kernel,
    Laplace,
    LaplaceL1,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
    as_kernel,
    from_config,
    median_distances,
)
from theodolite.numerics.errors import BadInput

MULTIPLES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of the median distance; further ones change the chosen risk by < 0.1 %
BIAS_STD = 0.316  # of the ReLU networks: a variance of 0.1
DEPTHS = (1, 3)  # hidden layers
NETWORKS = {"ntk": ntk, "nngp": nngp}  # "ntk: relu*3 bias=0.1" names the kernel of an architecture


# name: (title, kernel of a lengthscale, which median distance is its unit)
SCALED: dict[str, tuple[str, Callable[[float], Kernel], str]] = {
    "laplace_l1": ("Laplace L1", LaplaceL1, "l1"),
    "rbf": ("RBF", lambda length: RBF(length**2), "l2"),
    "laplace": ("Laplace", Laplace, "l2"),
    "matern32": ("Matern 3/2", lambda length: Matern(length, 1.5), "l2"),
    "matern52": ("Matern 5/2", lambda length: Matern(length, 2.5), "l2"),
    "rational_quadratic": ("Rational quadratic", lambda length: RationalQuadratic(length**2), "l2"),
}
UNSCALED: dict[str, dict[str, Kernel]] = {
    f"relu_{reading}": {
        f"ReLU {reading.upper()}, depth {depth}": kernel(fully_connected(Relu().standardised(), depth + 1, BIAS_STD))
        for depth in DEPTHS
    }
    for reading, kernel in NETWORKS.items()
} | {
    # A linear kernel without a constant sends leave-one-out to 0 on centred data: the constant is not optional.
    "linear": {"Linear": Linear(1.0)},
    "polynomial": {f"Polynomial of degree {degree}": Polynomial(degree, 1.0) for degree in (2, 3)},
}
FAMILIES = (*SCALED, *UNSCALED)
DEFAULT = ("laplace_l1", "rbf", "laplace", "matern32", "matern52", "relu_ntk", "relu_nngp")


@dataclass(frozen=True)
class Candidate:
    """A kernel to be measured. Those of a scaled `family` know their `lengthscale` and the `unit` of its multiples."""

    name: str
    kernel: Kernel
    family: str | None = None
    lengthscale: float = 1.0
    unit: float = 1.0

    def rescaled(self, factor: float) -> "Candidate":
        """The same family at `factor` times the lengthscale; only for candidates of a scaled family."""
        assert self.family is not None
        return scaled(self.family, self.lengthscale * factor, self.unit)


def scaled(family: str, lengthscale: float, unit: float) -> Candidate:
    """A family at one lengthscale, named by its multiple of the unit."""
    title, build, _ = SCALED[family]
    return Candidate(f"{title}, {lengthscale / unit:.3g} x median", build(lengthscale), family, lengthscale, unit)


def candidates(wanted: Any, X: np.ndarray) -> list[Candidate]:
    """The candidates to measure on encoded points X (n, d).

    Args: wanted, None for the default set, or a list of family names, kernels and functions (X, Z) -> (n, m); a name
        stands for the family over six multiples of the median distance, "ntk: ..." and "nngp: ..." for the kernel of an
        architecture written on one line (`architectures.parse`).
    Returns: at least one candidate; families are interleaved, so that a survey that is cut short has seen all of them.
    Raises: BadInput for unknown names, naming the nearest known one.

    >>> len(candidates(None, np.eye(3))), candidates(["linear"], np.eye(3))[0].name
    (34, 'Linear')
    """
    distances = median_distances(X)
    entries = DEFAULT if wanted is None else [wanted] if isinstance(wanted, str | Kernel) else list(wanted)
    if not entries:
        raise BadInput(f"the list of candidates is empty; name families ({', '.join(FAMILIES)}) or give kernels")
    return _interleaved([_family(entry, distances) for entry in entries])


def _family(entry: Any, distances: tuple[float, float]) -> list[Candidate]:
    if isinstance(entry, str):
        if entry in UNSCALED:
            return [Candidate(name, kernel) for name, kernel in UNSCALED[entry].items()]
        if entry in SCALED:
            unit = distances[("l2", "l1").index(SCALED[entry][2])]
            return [scaled(entry, multiple * unit, unit) for multiple in MULTIPLES]
        reading, colon, sentence = entry.partition(":")
        if colon and reading.strip() in NETWORKS:
            return [
                Candidate(
                    f"{reading.strip().upper()} of {sentence.strip()}", NETWORKS[reading.strip()](parse(sentence))
                )
            ]
        near = get_close_matches(entry, FAMILIES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(FAMILIES)}"
        raise BadInput(f"no family of kernels is called {entry!r}; {hint}")
    kernel = as_kernel(entry)
    return [Candidate(repr(kernel), kernel)]


def _interleaved(families: Iterable[list[Candidate]]) -> list[Candidate]:
    """Middle multiples first, one of each family in turn; a name that comes twice is kept once."""
    order: dict[str, Candidate] = {}
    ranked = [
        (rank, candidate)
        for family in families
        for rank, candidate in enumerate(sorted(family, key=lambda one: abs(family.index(one) - len(family) // 2)))
    ]
    for _, candidate in sorted(ranked, key=lambda pair: pair[0]):
        order.setdefault(candidate.name, candidate)
    return list(order.values())


def read_candidates(text: str) -> list[Any]:
    """Candidates as the command takes them: names separated by commas, or a JSON file with names and kernel configs.

    >>> read_candidates("rbf, linear")
    ['rbf', 'linear']
    """
    path = Path(text)
    if path.suffix.lower() != ".json":
        outside_brackets = r",(?![^(\[]*[)\]])"
        return [name.strip() for name in re.split(outside_brackets, text) if name.strip()]
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read the candidates file {text}: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(
            f'{text} is not JSON ({error}); expected a list such as ["rbf", {{"kind": "RBF", "lengthscale": 2.0}}]'
        ) from None
    if not isinstance(entries, list):
        raise BadInput(f"{text} holds a {type(entries).__name__}; expected a list of family names and kernel configs")
    return [from_config(entry) if isinstance(entry, dict) else str(entry) for entry in entries]

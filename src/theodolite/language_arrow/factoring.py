"""The factoring language: two primes and their product, digit by digit, of equal entropy in both directions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class FactoringLanguage:
    """Strings p q pq over all pairs of primes p < q below a limit, each number with its least significant digit first.

    Forwards one multiplies, backwards one factors. The pair is drawn uniformly and determines the string as the
    product does, so both directions have entropy log(number of pairs).
    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, prime factorisation.
    """

    pairs: Int[np.ndarray, "pairs 2"]
    strings: Int[np.ndarray, "pairs length"]
    base: int
    digits: int

    @property
    def floor(self) -> float:
        """The smallest loss in nats per string, log(number of pairs), in both directions."""
        return float(np.log(len(self.pairs)))

    @property
    def names(self) -> tuple[str, ...]:
        """What stands at each place in forward order: p0 q0 and pq0 are the least significant digits."""
        n = self.digits
        return (
            *(f"p{k}" for k in range(n)),
            *(f"q{k}" for k in range(n)),
            *(f"pq{k}" for k in range(2 * n)),
        )


def factoring_language(limit: int, base: int = 10) -> FactoringLanguage:
    """All pairs of primes p < q < limit, written with as few digits as limit - 1 needs, the product with twice as many.

    Args: limit >= 4, for there must be a pair; base >= 2.
    Raises: BadInput, TooLarge when the table of strings does not fit into memory.

    >>> language = factoring_language(8)
    >>> [(p, q, "".join(map(str, s))) for (p, q), s in zip(language.pairs.tolist(), language.strings.tolist())][:2]
    [(2, 3, '2360'), (2, 5, '2501')]
    >>> len(factoring_language(1000).pairs), round(factoring_language(1000).floor, 3)
    (14028, 9.549)
    """
    limit, base = positive_integer(limit, "limit"), positive_integer(base, "base")
    if base < 2:
        raise BadInput(f"base is {base}; expected 2 or more")
    primes = _primes(limit)
    if len(primes) < 2:
        raise BadInput(f"there is no pair of primes below {limit}; take a limit of 4 or more")
    count = len(primes) * (len(primes) - 1) // 2
    n = 1
    while base**n < limit:
        n += 1
    memory.require(8 * count * (4 * n + 6), None, f"the table of {count} pairs", "take a smaller limit")
    smaller, larger = np.triu_indices(len(primes), k=1)
    p, q = primes[smaller], primes[larger]
    strings = np.concatenate([_written(p, n, base), _written(q, n, base), _written(p * q, 2 * n, base)], axis=1)
    return FactoringLanguage(np.stack([p, q], axis=1), strings, base, n)


def exact_digit_losses(strings: np.ndarray) -> Float[np.ndarray, " length"]:
    """Loss of an ideal model at each place of strings drawn uniformly from a table, in nats, in reading order.

    H(s_k | s_1 .. s_{k-1}) by counting beginnings; the losses add up to log(number of strings).

    Args: strings (count, length), each string once; flip the last axis for the backward direction.
    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505; the count is ours.

    >>> exact_digit_losses(np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).round(4).tolist()
    [0.6931, 0.6931]
    """
    strings = np.asarray(strings)
    if len(np.unique(strings, axis=0)) != len(strings):
        raise BadInput("a string stands in the table twice; each must stand there once to be drawn uniformly")
    entropies, beginning = [0.0], np.zeros(len(strings), dtype=np.int64)
    for column in strings.T:
        _, beginning = np.unique(np.stack([beginning, column], axis=1), axis=0, return_inverse=True)
        beginning = beginning.reshape(-1)
        share = np.bincount(beginning) / len(strings)
        entropies.append(float(-np.sum(share * np.log(share))))
    return np.diff(entropies)


def _written(numbers: np.ndarray, digits: int, base: int) -> np.ndarray:
    return numbers[:, None] // base ** np.arange(digits) % base


def _primes(limit: int) -> np.ndarray:
    """Primes below the limit, by the sieve."""
    prime = np.ones(limit, dtype=bool)
    prime[:2] = False
    for k in range(2, int(limit**0.5) + 1):
        if prime[k]:
            prime[k * k :: k] = False
    return np.flatnonzero(prime)

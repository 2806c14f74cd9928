"""Linear languages over F2: a random word and its image under a matrix, of equal entropy in both directions."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from theodolite.language_arrow.binary_matrices import binary_inverse, binary_matrix, sparse_invertible
from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput

Reading = Literal["forward", "backward"]


@dataclass(frozen=True)
class LinearLanguage:
    """Strings x_1 .. x_m y_1 .. y_m with x uniform over F2^m and y = A x, A invertible.

    Forwards one computes A, backwards (y_m .. y_1, then x_m .. x_1) the inverse of A, which is denser where A is
    sparse. Both directions have entropy m log 2: half the bits are tossed, half are determined.
    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, linear languages.
    """

    matrix: Bool[np.ndarray, "m m"]
    inverse: Bool[np.ndarray, "m m"]

    @property
    def bits(self) -> int:
        """m, the length of each half."""
        return len(self.matrix)

    @property
    def floor(self) -> float:
        """The smallest loss in nats per bit, log(2) / 2, in both directions."""
        return float(np.log(2) / 2)

    def strings(self, count: int, rng: np.random.Generator) -> Int[np.ndarray, "count 2m"]:
        """Independent strings in forward reading order; flip the last axis to read them backwards."""
        x = rng.integers(0, 2, (count, self.bits))
        return np.concatenate([x, x @ self.matrix.T.astype(np.int64) % 2], axis=1)

    def swapped(self) -> "LinearLanguage":
        """The language of the inverse matrix, where the roles of the directions are swapped."""
        return LinearLanguage(self.inverse, self.matrix)


def linear_language(m: int, ones: int, rng: np.random.Generator) -> LinearLanguage:
    """The language of a sparse random matrix: a permutation and ones - m further ones, invertible.

    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, linear languages.

    >>> language = linear_language(6, 12, np.random.default_rng(0))
    >>> strings = language.strings(3, np.random.default_rng(1))
    >>> strings.shape, bool((strings[:, :6] == strings[:, 6:] @ language.inverse.T % 2).all())
    ((3, 12), True)
    """
    return language_of(sparse_invertible(m, ones, rng))


def language_of(matrix: Any) -> LinearLanguage:
    """The language of a given matrix (m, m) of zeros and ones: strings x, y with x = A y over F2.

    Raises: BadInput where it has no inverse over F2.

    >>> language_of([[1, 1], [0, 1]]).inverse.astype(int).tolist()
    [[1, 1], [0, 1]]
    """
    A = binary_matrix(matrix)
    inverse = binary_inverse(A)
    if inverse is None:
        raise BadInput("the matrix has no inverse over F2, so backward reading determines nothing; draw another")
    return LinearLanguage(A, inverse)


def exact_losses(language: LinearLanguage) -> Float[np.ndarray, " 2m"]:
    """Loss of an ideal model at each place, in nats, the same in both directions: log 2 for m bits, then nothing.

    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, linear languages.

    >>> exact_losses(language_of(np.eye(2))).round(4).tolist()
    [0.6931, 0.6931, 0.0, 0.0]
    """
    return np.repeat([np.log(2), 0.0], language.bits)


def check_weights(language: LinearLanguage, reading: Reading) -> Int[np.ndarray, " m"]:
    """How many revealed bits must be added up to know each determined bit, in reading order.

    w_j = min |u| + |u A| - 1 over words u whose check (u A) . x + u . y = 0 involves bit j and revealed bits only:
    forwards u_j = 1 and u_i = 0 for i > j; backwards (u A)_j = 1 and (u A)_i = 0 for i < j

    A better predictor of the loss than the density of the inverse, for output bits already read help as well.

    Args: language with at most 24 bits; reading. Returns: weights of y_1 .. y_m, or of x_m .. x_1.
    Source: derived for this package, for the languages of arXiv:2401.17505.
    Cost: all 2^m words u.

    >>> check_weights(language_of([[1, 0, 0], [1, 1, 0], [1, 1, 1]]), "forward").tolist()  # y_2 = y_1 + x_2
    [1, 2, 2]
    >>> check_weights(language_of([[1, 0, 0], [1, 1, 0], [1, 1, 1]]), "backward").tolist()
    [2, 2, 1]
    """
    if reading not in ("forward", "backward"):
        raise BadInput(f"reading {reading!r} is unknown; expected 'forward' or 'backward'")
    m = language.bits
    if m > 24:
        raise BadInput(f"check weights are found among all 2^{m} words; take at most 24 bits")
    memory.require(24 << m, None, f"the list of 2^{m} words", "take fewer bits")
    images = np.zeros(1, dtype=np.int64)  # u A for u = 0 .. 2^m - 1, bit i of an integer being entry i
    for row in language.matrix:
        images = np.concatenate([images, images ^ sum(1 << int(j) for j in np.flatnonzero(row))])
    words = np.arange(1 << m, dtype=np.int64)
    weights = (np.bitwise_count(words) + np.bitwise_count(images)).astype(np.int64) - 1
    if reading == "forward":
        return np.array([weights[1 << j : 2 << j].min() for j in range(m)])
    lowest = images & -images
    return np.array([weights[lowest == 1 << j].min() for j in reversed(range(m))])

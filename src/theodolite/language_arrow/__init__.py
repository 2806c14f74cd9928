"""The arrow of time in language: whether a text is easier to predict forwards or backwards."""

from theodolite.language_arrow import made
from theodolite.language_arrow.binary_matrices import (
    binary_inverse,
    flipped,
    sparse_invertible,
    uniform_invertible,
)
from theodolite.language_arrow.cyclic_ngrams import CyclicLosses, cyclic_block_entropy, cyclic_losses
from theodolite.language_arrow.factoring import FactoringLanguage, exact_digit_losses, factoring_language
from theodolite.language_arrow.linear_language import (
    LinearLanguage,
    check_weights,
    exact_losses,
    language_of,
    linear_language,
)
from theodolite.language_arrow.markov import (
    EntropyRates,
    cross_entropy,
    entropy_production,
    entropy_rates,
    random_chain,
    reversed_chain,
    reversible_chain,
    sample_chain,
    stationary_law,
)
from theodolite.language_arrow.sparse_updates import Learnt, SparseUpdate, evaluated, follow, learn, sparse_update

__all__ = [
    "CyclicLosses",
    "EntropyRates",
    "FactoringLanguage",
    "Learnt",
    "LinearLanguage",
    "SparseUpdate",
    "binary_inverse",
    "check_weights",
    "cross_entropy",
    "cyclic_block_entropy",
    "cyclic_losses",
    "entropy_production",
    "entropy_rates",
    "evaluated",
    "exact_digit_losses",
    "exact_losses",
    "factoring_language",
    "flipped",
    "follow",
    "language_of",
    "learn",
    "linear_language",
    "made",
    "random_chain",
    "reversed_chain",
    "reversible_chain",
    "sample_chain",
    "sparse_invertible",
    "sparse_update",
    "stationary_law",
    "uniform_invertible",
]

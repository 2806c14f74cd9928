"""The arrow of time in language: whether a text is easier to predict forwards or backwards."""

from theodolite.language_arrow import made
from theodolite.language_arrow.binary_matrices import (
    binary_inverse,
    flipped,
    sparse_invertible,
    uniform_invertible,
)
from theodolite.language_arrow.comparison import ArrowComparison, compare, compared
from theodolite.language_arrow.corpus import read_corpus
from theodolite.language_arrow.cyclic_ngrams import CyclicLosses, cyclic_block_entropy, cyclic_losses
from theodolite.language_arrow.direction_hint import DirectionHint, FieldOrder, direction_hint
from theodolite.language_arrow.documents import Corpus, Split, split_documents
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
from theodolite.language_arrow.measure import measure
from theodolite.language_arrow.ngram import NGram
from theodolite.language_arrow.oracles import Oracle, OracleReport, arrow_oracles, planted_arrow
from theodolite.language_arrow.result import ArrowResult, SeedRun
from theodolite.language_arrow.sizes import SIZES, Size
from theodolite.language_arrow.sparse_updates import Learnt, SparseUpdate, evaluated, follow, learn, sparse_update
from theodolite.language_arrow.statistics import (
    Interval,
    bootstrap,
    holm,
    minimum_detectable,
    seed_interval,
    sign_flip_p_value,
)
from theodolite.language_arrow.tokenizer import fit_tokenizer

__all__ = [
    "SIZES",
    "ArrowComparison",
    "ArrowResult",
    "Corpus",
    "CyclicLosses",
    "DirectionHint",
    "EntropyRates",
    "FactoringLanguage",
    "FieldOrder",
    "Interval",
    "Learnt",
    "LinearLanguage",
    "NGram",
    "Oracle",
    "OracleReport",
    "SeedRun",
    "Size",
    "SparseUpdate",
    "Split",
    "arrow_oracles",
    "binary_inverse",
    "bootstrap",
    "check_weights",
    "compare",
    "compared",
    "cross_entropy",
    "cyclic_block_entropy",
    "cyclic_losses",
    "direction_hint",
    "entropy_production",
    "entropy_rates",
    "evaluated",
    "exact_digit_losses",
    "exact_losses",
    "factoring_language",
    "fit_tokenizer",
    "flipped",
    "follow",
    "holm",
    "language_of",
    "learn",
    "linear_language",
    "made",
    "measure",
    "minimum_detectable",
    "planted_arrow",
    "random_chain",
    "read_corpus",
    "reversed_chain",
    "reversible_chain",
    "sample_chain",
    "seed_interval",
    "sign_flip_p_value",
    "sparse_invertible",
    "sparse_update",
    "split_documents",
    "stationary_law",
    "uniform_invertible",
]

"""A fresh network of a size: GPT, GRU or LSTM."""

from typing import Any

from theodolite.language_arrow.optional import needed
from theodolite.language_arrow.sizes import Size


def network(size: Size, vocabulary: int, context: int, seed: int) -> Any:
    """A fresh network in float32; the token of the beginning has the id `vocabulary`.

    Returns: an equinox module, (b, l) tokens -> (b, l, vocabulary) logits, where place i has seen tokens < i only.
    Raises: BadInput when the extra `[language]` is missing.
    """
    needed("equinox", f"a {size.kind}")
    import jax

    key = jax.random.key(seed)
    if size.kind == "gpt":
        from theodolite.language_arrow.gpt import GPT

        return GPT(size, vocabulary, context, key)
    from theodolite.language_arrow.recurrent import Recurrent

    return Recurrent(size, vocabulary, key)

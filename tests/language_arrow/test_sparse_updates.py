"""Learning a language and following its change, in both directions."""

import numpy as np
import pytest

from theodolite.language_arrow.linear_language import language_of, linear_language
from theodolite.language_arrow.sparse_updates import follow, learn, sparse_update
from theodolite.numerics.errors import BadInput, ShapeMismatch


@pytest.mark.oracle
def test_a_permuted_copy_is_learnt_to_its_floor_in_both_directions() -> None:
    rng = np.random.default_rng(0)
    language = language_of(np.eye(6)[rng.permutation(6)])
    strings = language.strings(500, rng)
    found = {reading: learn(language, reading, strings, 300, seed=1, width=48) for reading in ("forward", "backward")}
    for one in found.values():
        assert language.floor <= one.nats.mean() / 12 < language.floor + 0.004
        assert one.by_place.shape == (6,)
    means = [one.nats.mean() for one in found.values()]
    assert abs(means[1] - means[0]) / np.mean(means) < 0.005


@pytest.mark.exact
def test_an_update_counts_what_changed_and_is_followed_from_where_the_learner_stood() -> None:
    rng = np.random.default_rng(1)
    language = linear_language(6, 12, rng)
    update = sparse_update(language, 2, rng)
    assert update.changed == 2 == int((update.after.matrix != language.matrix).sum())
    assert update.changed_inverse == int((update.after.inverse != language.inverse).sum())
    held_out = language.strings(300, rng)
    known = learn(language, "forward", held_out, 300, seed=1, width=48)
    strings = update.after.strings(300, rng)
    curve = follow(update, "forward", known.params, strings, (0, 20, 60), seed=2).mean(1)
    assert curve.shape == (3,)
    assert curve[0] > known.nats.mean() / 12 + 0.02  # what was learnt is wrong now
    assert curve[2] < curve[1] < curve[0]
    whole = follow(update, "forward", known.params, strings, (0, 20), seed=2).mean(1)
    np.testing.assert_array_equal(whole, curve[:2])  # looking on does not change what was before


def test_what_cannot_be_followed_is_refused() -> None:
    rng = np.random.default_rng(2)
    language = linear_language(4, 6, rng)
    update = sparse_update(language, 1, rng)
    with pytest.raises(ShapeMismatch, match=r"\(count, 8\)"):
        learn(language, "forward", np.zeros((3, 4)), 5, seed=0)
    with pytest.raises(BadInput, match="sideways"):
        learn(language, "sideways", language.strings(3, rng), 5, seed=0)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="rising"):
        follow(update, "forward", None, language.strings(3, rng), (0, 0), seed=0)  # type: ignore[arg-type]

"""The whole measurement: symmetric, causal, normalised, resumable."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from theodolite import language_arrow as room
from theodolite.language_arrow import SIZES, Corpus, Size, measure, token_losses, training
from theodolite.language_arrow.documents import split
from theodolite.language_arrow.networks import network
from theodolite.language_arrow.pair import Effort
from theodolite.language_arrow.token_losses import evaluate
from theodolite.language_arrow.windows import Stream, cut, flip
from theodolite.numerics.errors import BadInput, TooLarge

TINY = {"gpt": Size("gpt", 1, 8, heads=2), "gru": Size("gru", 1, 8), "lstm": Size("lstm", 1, 8)}
random = np.random.default_rng(0)
DOCUMENTS = [random.integers(0, 3, size=18).astype(np.int32) for _ in range(40)]
SHORT = {"model": TINY["gru"], "context": 6, "steps": 6, "chunk": 2, "batch": 4, "save_every": 0.0}


@pytest.mark.parametrize("kind", ["gpt", "gru", "lstm"])
def test_a_network_is_causal_and_a_law(kind: str) -> None:
    net = network(TINY[kind], 3, 6, seed=1)
    words = np.array(list(itertools.product(range(3), repeat=6)), np.int32)
    losses = evaluate(net, words, batch=len(words))
    assert np.exp(-losses.sum(axis=1)).sum() == pytest.approx(1, abs=1e-5)
    # the windows that differ in the last place only: all losses before it are equal to the last bit
    groups = losses.reshape(-1, 3, 6)[:, :, :5]
    assert np.array_equal(groups[:, 0], groups[:, 1])
    assert np.array_equal(groups[:, 0], groups[:, 2])
    assert not np.array_equal(losses[0, 5], losses[1, 5])


def test_a_changed_token_changes_no_loss_before_it_to_the_last_bit() -> None:
    net = network(TINY["gpt"], 5, 33, seed=2)
    words = np.random.default_rng(3).integers(0, 5, size=(4, 33)).astype(np.int32)
    losses = evaluate(net, words, batch=4)
    for place in (0, 7, 16, 32):
        other = words.copy()
        other[:, place] = (other[:, place] + 1) % 5
        changed = evaluate(net, other, batch=4)
        assert np.array_equal(changed[:, :place], losses[:, :place])
        assert np.all(changed[:, place] != losses[:, place])
    np.testing.assert_allclose(evaluate(net, words, batch=3), losses, atol=1e-5)  # other shapes may round otherwise


@pytest.mark.parametrize("name", ["gpt-0.1M", "gru-0.1M", "lstm-0.1M"])
def test_parameters_are_counted_as_they_are(name: str) -> None:
    import equinox as eqx
    import jax

    for size in (SIZES[name], Size(SIZES[name].kind, 2, 16, tied=False)):
        leaves = jax.tree.leaves(eqx.filter_eval_shape(network, size, 50, 16, seed=0))
        assert sum(leaf.size for leaf in leaves) == size.parameters(50, 16)
        assert all(leaf.dtype == jnp.float32 for leaf in leaves)


def test_sizes_of_the_paper_have_the_paper_s_parameters() -> None:
    # table of the paper, vocabulary 50257, context 256, in millions
    expected = {"nano": 4.9, "micro": 13.7, "mini": 22, "small": 55.6, "gpt1": 162, "medium": 405, "xl": 1640}
    for name, millions in expected.items():
        assert SIZES[f"gpt-{name}"].parameters(50257, 256) / 1e6 == pytest.approx(millions, rel=0.02)
    for name, millions in {"gru-small": 26, "gru-med": 56, "gru-big": 94, "lstm-med": 58, "lstm-big": 101}.items():
        assert SIZES[name].parameters(50257, 256) / 1e6 == pytest.approx(millions, rel=0.03)


@pytest.mark.parametrize("model", ["ngram", TINY["gru"], pytest.param(TINY["gpt"], marks=pytest.mark.full)])
def test_backward_on_a_corpus_is_forward_on_the_reversed_corpus_to_the_last_bit(model: object) -> None:
    # a window a document, so that the windows of both corpora are mirror images in one order
    documents = list(np.concatenate(DOCUMENTS).reshape(-1, 6))
    settings = {**SHORT, "seeds": 1, "model": model}
    one = measure(documents, **settings)
    other = measure([flip(document) for document in documents], **settings)
    assert np.array_equal(one.per_unit_backward, other.per_unit_forward)
    assert np.array_equal(one.per_unit_forward, other.per_unit_backward)
    assert one.forward == other.backward
    assert one.forward != one.backward


def test_overlapping_test_windows_all_count() -> None:
    # all windows of all test documents, by hand
    settings = {"model": "ngram", "order": 1, "context": 6}
    found = measure(DOCUMENTS, **settings, test_stride=3)
    parts = split(len(DOCUMENTS))
    counted = [room.NGram([flip(w) if turned else w for w in cut([DOCUMENTS[i] for i in parts.train], 6).windows], 3, 1)
               for turned in (False, True)]  # fmt: skip
    sums = np.zeros((2, 6))
    for place in parts.test:
        for start in range(0, 18 - 6 + 1, 3):
            window = DOCUMENTS[place][start : start + 6]
            for row, net, read in zip(sums, counted, (window, flip(window)), strict=True):
                row += net.losses([read])[0]
    bins = [slice(0, 1), slice(1, 2), slice(2, 4), slice(4, 6)]
    expected = [sums[1, one].sum() / sums[0, one].sum() - 1 for one in bins]
    assert [one.ratio for one in found.profile] == pytest.approx(expected)
    assert found.per_unit_tokens.sum() == 5 * 6 * len(parts.test)
    with pytest.raises(BadInput, match="test_stride is from 1 to the context"):
        measure(DOCUMENTS, **settings, test_stride=7)


def test_windows_stay_inside_documents_and_each_epoch_uses_each_once() -> None:
    documents = [np.arange(100 * place, 100 * place + 7 + 5 * place, dtype=np.int32) for place in range(4)]
    stream = Stream(documents, 5, 2, seed=3)
    assert stream.windows_an_epoch == 1 + 2 + 3 + 4
    windows = stream.batches(0, 5).reshape(-1, 5)
    assert np.all(np.diff(windows, axis=1) == 1)
    assert np.bincount(windows[:, 0] // 100).tolist() == [1, 2, 3, 4]
    assert len(np.unique(windows)) == windows.size
    # any part of the stream can be asked for, which is how a run goes on
    again = np.concatenate([Stream(documents, 5, 2, seed=3).batches(place, 1) for place in range(5)])
    assert np.array_equal(again.reshape(-1, 5), windows)
    assert not np.array_equal(stream.batches(5, 5).reshape(-1, 5), windows)


class Killed(Exception):
    pass


def test_a_run_that_was_cut_short_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = measure(DOCUMENTS, **SHORT, seeds=2)
    assert [run.steps for run in whole.runs] == [6, 6]

    def cut_short(done: float, total: float, what: str) -> None:
        if "seed 1: step 4" in what:
            raise Killed

    with pytest.raises(Killed):
        measure(DOCUMENTS, **SHORT, seeds=2, folder=tmp_path, progress=cut_short)
    assert len(list(tmp_path.glob("*.npz"))) == 2
    told: list[str] = []
    resumed = measure(
        DOCUMENTS, **SHORT, seeds=2, folder=tmp_path, progress=lambda done, total, what: told.append(what)
    )
    assert [what.split(",")[1] for what in told if "step" in what] == [" seed 1: step 6 of 6"]
    assert np.array_equal(resumed.per_unit_forward, whole.per_unit_forward)
    assert np.array_equal(resumed.per_unit_backward, whole.per_unit_backward)
    assert [run.curve for run in resumed.runs] == [run.curve for run in whole.runs]


def test_one_compilation_serves_seeds_directions_and_batches_and_a_seed_gives_its_losses_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    traced, honest = {"training": 0, "testing": 0}, token_losses.token_losses

    def counting(name: str) -> Any:
        def losses(*given: Any) -> Any:
            traced[name] += 1
            return honest(*given)

        return losses

    monkeypatch.setattr(training, "token_losses", counting("training"))
    settings = {**SHORT, "model": Size("gru", 1, 7)}  # no other test compiles this width
    first = measure(DOCUMENTS, **settings, seeds=[3], test_stride=2)  # 42 test windows, one batch
    once = dict(traced)
    monkeypatch.setattr(token_losses, "token_losses", counting("testing"))
    measure(DOCUMENTS * 10, **settings, seeds=[4, 5])  # 180, in three batches
    again = measure(DOCUMENTS, **settings, seeds=[3], test_stride=2)
    assert once["training"] > 0
    assert traced == once
    assert again.runs[0].curve == first.runs[0].curve
    assert np.array_equal(again.per_unit_forward, first.per_unit_forward)
    assert np.array_equal(again.per_unit_backward, first.per_unit_backward)


def test_a_broken_checkpoint_is_written_anew(tmp_path: Path) -> None:
    first = measure(DOCUMENTS, **SHORT, seeds=1, folder=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:500])
    assert measure(DOCUMENTS, **SHORT, seeds=1, folder=tmp_path).ratio == first.ratio


def test_no_loss_beats_the_entropy_and_json_holds_the_result() -> None:
    # pairs of x and x // 8: the pair has ln 64 nats whichever of the two is read first
    documents = []
    for _ in range(60):
        x = random.integers(0, 64, size=24)
        documents.append(np.stack([x, 64 + x // 8], axis=1).reshape(-1).astype(np.int32))
    found = measure(documents, model="ngram", order=2)
    entropy = np.log(64) / 2  # nats a token, in both directions, for whoever knows the law
    assert found.forward > entropy
    assert found.backward > entropy
    document = json.loads(json.dumps(found.to_json()))
    assert document["ratio"]["value"] == found.ratio.value
    assert len(document["profile"]) == len(found.profile)
    assert found.arrow == pytest.approx(2 * found.difference / (found.forward + found.backward))


def test_a_text_that_reads_the_same_both_ways_has_no_arrow() -> None:
    half = ["".join(random.choice(list("abcd "), size=40)) for _ in range(60)]
    found = measure([text + text[::-1] for text in half], model="ngram", tokenizer="char")
    assert found.forward == found.backward
    assert found.ratio.value == 0
    assert found.verdict == "no arrow seen"


def test_a_budget_becomes_steps_and_is_planned_anew() -> None:
    effort = Effort(seconds=10.0, pace=0.1, most=1000)
    assert effort.total(20, 4.0, 20) == 20 + 60
    assert effort.total(60, 10.5, 20) == 60
    effort.pace = 0.001
    assert effort.total(20, 4.0, 20) == 1000
    documents = [random.integers(0, 3, size=600).astype(np.int32) for _ in range(40)]
    found = measure(documents, **{**SHORT, "steps": None}, seeds=2, budget=1.5)
    assert found.runs[0].steps % 2 == 0
    assert found.settings["budget"] == 1.5


def test_several_corpora_are_corrected_for_each_other() -> None:
    corpora = [Corpus(name, tuple(DOCUMENTS[place:])) for place, name in enumerate("abc")]
    found = room.compare(corpora, model="ngram")
    assert [one.name for one in found.results] == ["a", "b", "c"]
    for p, adjusted, one, wide in zip(found.p_values, found.adjusted, found.results, found.intervals, strict=True):
        assert p <= adjusted <= 1
        assert wide.high - wide.low >= 0.9 * (one.ratio.high - one.ratio.low)


@pytest.mark.parametrize(
    ("corpus", "settings", "words"),
    [
        ([], {}, "is empty"),
        ("text", {}, "sequence of documents"),
        (["only one document"], {}, "1 document only"),
        (DOCUMENTS, {"context": 19, "model": TINY["gru"]}, "longer than every .*document"),
        (["ab", "cd", "ef"], {"tokenizer": "bpe", "model": "ngram"}, "larger than the training text"),
        (DOCUMENTS, {"model": "transformer"}, "there is no model"),
        (DOCUMENTS, {"seeds": 0}, "seeds is how many"),
        ([np.array([0.5]), np.array([1.5])], {}, "arrays of whole numbers"),
        ([np.array([-1]), np.array([1])], {}, "token ids run from 0"),
        (DOCUMENTS, {"vocabulary": 2}, "vocabulary of 2"),
        (["a b", "c d"], {"tokenizer": "words"}, "tokenizer must be one of"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(corpus: object, settings: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        measure(corpus, **settings)  # type: ignore[arg-type]


def test_memory_is_asked_for_first() -> None:
    with pytest.raises(TooLarge, match="smaller model"):
        measure(DOCUMENTS, model="gpt-medium", context=6, memory_limit="100MB")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(BadInput, match=r"theodolite\[language\]"):
        room.fit_tokenizer("bpe", ["some text " * 100])


def test_networks_without_the_extra_are_refused_before_anything_is_trained() -> None:
    program = (
        "import sys; sys.modules['equinox'] = None\n"
        "from theodolite import language_arrow\n"
        "try:\n"
        "    language_arrow.measure([[0, 1, 2, 3] * 30] * 40, model='gpt-0.1M', context=6, budget=1)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "theodolite[language]" in ended.stdout, ended.stderr


def test_a_hint_finds_the_field_that_tells_the_other() -> None:
    # the long name is told by its number and the other way round, but the draw between them separates the two
    rows = []
    for _ in range(400):
        number = int(random.integers(0, 9))
        rows.append({"number": number, "noise": "".join(random.choice(list("xyz"), size=9)), "name": f"n{number}" * 3})
    hint = room.direction_hint(rows)
    best = hint.best
    assert abs(best.index("number") - best.index("name")) == 1
    assert len(hint.orders) == 6
    assert hint.orders[0].ratio.high < 0
    with pytest.raises(BadInput, match="not an order of the fields"):
        room.direction_hint(rows, orders=[("number", "name")])
    with pytest.raises(BadInput, match="20 rows"):
        room.direction_hint(rows[:5])

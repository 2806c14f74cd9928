"""Measure the arrow of time of a corpus: train both ways on the same windows, compare document by document."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.language_arrow import checkpoint
from theodolite.language_arrow.documents import Corpus
from theodolite.language_arrow.material import Material, material_of, overlap, watched_windows, windows_to_test
from theodolite.language_arrow.ngram import NGram
from theodolite.language_arrow.pair import SAVE_EVERY, Effort, train_pair, warm_up
from theodolite.language_arrow.result import ArrowResult, SeedRun
from theodolite.language_arrow.schedule import RATES, Schedule
from theodolite.language_arrow.sizes import Size, size_of
from theodolite.language_arrow.statistics import bootstrap, minimum_detectable, seed_interval, sign_flip_p_value
from theodolite.language_arrow.tallies import BLOCK_WINDOWS, Tally, context_profile, mean_tally, tally, units_of
from theodolite.language_arrow.windows import Cut, Stream, cut, flip
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import require
from theodolite.numerics.progress import Progress, silent

DEFAULT_CONTEXT, DEFAULT_BATCH, DEFAULT_BUDGET = 128, 32, 300.0
CHUNK = 20  # batches of one call of the compiled function
MOST_EPOCHS = 4
PIECE = 512  # tokens of a piece for the n-gram, where the documents are too few to resample
TRAINING_SHARE = 0.8  # of the budget; the rest is for compiling the evaluation, testing and statistics


def measure(
    corpus: Corpus | Sequence[Any],
    *,
    model: str | Size = "gru",
    context: int | None = None,
    seeds: int | Sequence[int] = 3,
    budget: float | None = None,
    steps: int | None = None,
    tokenizer: str = "byte",
    vocabulary: int | None = None,
    batch: int = DEFAULT_BATCH,
    learning_rate: float | None = None,
    order: int = 5,
    validation: float = 0.05,
    test: float = 0.15,
    split_seed: int = 0,
    fold: tuple[int, int] | None = None,
    test_stride: int | None = None,
    name: str | None = None,
    folder: str | Path | None = None,
    save_every: float = SAVE_EVERY,
    chunk: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> ArrowResult:
    """Measure whether a corpus is easier to predict forwards or backwards.

    r = l_backward / l_forward - 1, losses in nats on documents that no model was trained on.

    Args:
        corpus: documents: texts, or arrays of token ids from 0 on (then `tokenizer` has no say); see `read_corpus`.
        model: "ngram", "gpt", "gru", "lstm", a name of `SIZES` or a `Size`.
        context: tokens of a window, 128 unless told; for the n-gram whole documents are read unless it is told.
        seeds: how many, or which; each decides the first parameters and the order of windows, in both directions.
        budget: seconds for everything, 300 unless told; or `steps` of each run (whole chunks), and then no
            budget.
        tokenizer: "byte", "char", "bpe" or "bpe-reversed", fitted on training documents only.
        vocabulary: of BPE; for token arrays the number of ids, the largest one plus 1 unless told.
        batch: windows of a step. learning_rate: at the top of the cosine; the same in both directions.
        order: of the n-gram.
        validation, test: shares of the documents, drawn by split_seed; fold: (i, k), the i-th of k equal parts of
            the draw tests instead.
        test_stride: tokens from one test window to the next, if not `context`; then all are tested. Overlapping
            windows read the same tokens in both directions at every length of context, which sharpens the profile.
        folder: where checkpoints go and from which a killed run goes on; save_every seconds.
        chunk: steps of one compiled call.
    Returns: an `ArrowResult`.
    Raises: BadInput for one document only, a context longer than every document, a vocabulary larger than the text,
        a missing extra; TooLarge before memory is taken.
    Source: Papadopoulos, Wenger, Hongler (2024), arXiv:2401.17505, with windows inside documents, a token of its own
        for the beginning and no dropout.
    Cost: the budget.

    >>> found = measure(["to be or not to be, that is the question" * 3] * 12, model="ngram")
    >>> found.verdict in ("forward is easier", "backward is easier", "no arrow seen")
    True
    """
    begun = time.monotonic()
    progress(0, 0, "reading the documents")
    chosen = _seeds(seeds)
    material = material_of(corpus, name, tokenizer, vocabulary, validation, test, split_seed, fold)
    if isinstance(model, str) and model == "ngram":
        return _ngram(material, context, order, memory_limit, begun, test_stride)
    size = size_of(model)
    if context is not None and context < 2:
        raise BadInput(f"the context must be at least 2 tokens, got {context}")
    if batch < 1 or (steps is not None and steps < 1) or (budget is not None and not budget > 0):
        raise BadInput(f"batch, steps and budget must be positive, got {batch}, {steps}, {budget}")
    length = DEFAULT_CONTEXT if context is None else context
    seconds = (DEFAULT_BUDGET if budget is None else float(budget)) if steps is None else None
    label = model if isinstance(model, str) else f"{size.kind} {size.layers} x {size.width}"
    schedule = Schedule(RATES[size.kind] if learning_rate is None else learning_rate)
    parameters = size.parameters(material.vocabulary, length)
    _fits(size, material.vocabulary, length, batch, parameters, memory_limit)
    testing, notes = windows_to_test(material, length, test_stride)
    watched = watched_windows(material, length, testing)
    runs: list[SeedRun] = []
    tallies: list[Tally] = []
    many = CHUNK if chunk is None else chunk
    effort = Effort(steps=None if steps is None else -(-steps // many) * many)
    units = units_of(testing.document, BLOCK_WINDOWS * overlap(length, test_stride))
    for place, seed in enumerate(chosen):
        stream = Stream(material.part("train"), length, batch, seed)
        effort.most = max(many, -(-MOST_EPOCHS * stream.windows_an_epoch // (batch * many)) * many)
        if seconds is not None and not runs:
            progress(0, 0, f"compiling a {size.kind} of {parameters:,} parameters")
            warm_up(size, material.vocabulary, stream, watched, effort, schedule, many)
        if runs and seconds is not None:
            effort.most = min(effort.most, runs[0].steps)  # as many steps for every seed
        if seconds is not None:
            left = seconds - (time.monotonic() - begun)
            if runs and left < 0.3 * seconds / len(chosen):
                notes.append(f"the budget was used up: {len(runs)} of {len(chosen)} seeds were run")
                break
            effort.seconds = TRAINING_SHARE * max(left, 0.0) / (len(chosen) - place)
        path = None
        if folder is not None:
            mark = checkpoint.fingerprint(
                size, schedule, length, batch, many, seed, steps, budget, *material.part("train"), testing.windows
            )
            path = Path(folder) / f"seed-{seed}-{mark}.npz"
        ended = train_pair(
            size, material.vocabulary, stream, watched, seed=seed, effort=effort, schedule=schedule, chunk=many,
            path=path, save_every=save_every, progress=_part(progress, place, len(chosen)),
        )  # fmt: skip
        tallies.append(_tested(ended.forward, ended.backward, testing.windows, units))
        forward, backward = (float(one.sum()) for one in (tallies[-1].forward, tallies[-1].backward))
        count = int(tallies[-1].tokens.sum())
        runs.append(
            SeedRun(seed, forward / count, backward / count, backward / forward - 1, tuple(ended.curve), ended.steps,
                    ended.seconds)
        )  # fmt: skip
        if steps is None and ended.steps >= effort.most and place == 0:
            notes.append(f"training stopped after {MOST_EPOCHS} epochs, before the budget was used up")
    if len({run.steps for run in runs}) > 1:
        notes.append("the machine slowed down: seeds had " + ", ".join(f"{run.steps}" for run in runs) + " steps")
    part = min(run.steps for run in runs) * batch / stream.windows_an_epoch
    if seconds is not None and part < 1:
        notes.append(f"trained on {100 * part:.0f} % of an epoch: under-trained arrows can turn; give a larger budget")
    if len(runs) < 2:
        notes.append("one seed only: the interval knows nothing of the randomness of training; run three or more")
    settings = {
        "batch": batch,
        "learning_rate": schedule.rate,
        "budget": seconds,
        "steps": steps,
        "split_seed": split_seed,
        "fold": fold,
        "test_stride": test_stride,
        "layers": size.layers,
        "width": size.width,
        "windows_an_epoch": stream.windows_an_epoch,
        "training_tokens": runs[0].steps * batch * length,
    }
    return _result(material, label, length, parameters, runs, tallies, testing, settings, notes, begun)


def _seeds(seeds: int | Sequence[int]) -> list[int]:
    chosen = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not chosen or min(chosen) < 0 or len(set(chosen)) < len(chosen):
        raise BadInput(f"seeds is how many (1 or more), or different whole numbers from 0 on; got {seeds}")
    return chosen


def _tested(forward: Any, backward: Any, windows: np.ndarray, units: np.ndarray) -> Tally:
    from theodolite.language_arrow.token_losses import evaluate

    return tally(list(evaluate(forward, windows)), list(evaluate(backward, flip(windows))), units)


def _ngram(
    material: Material, context: int | None, order: int, limit: int | str | None, begun: float, stride: int | None
) -> ArrowResult:
    piece = context
    if piece is None and len(material.split.test) < 30:
        piece = PIECE
    train, test = material.part("train"), material.part("test")
    notes = ["an n-gram has no randomness of training: the interval knows of test documents only"]
    if context is not None:
        train = list(cut(train, context).windows)
        testing, more = windows_to_test(material, context, stride)
        notes += more
    else:
        testing = _pieces(test, piece)
    if not train or not len(testing.windows) or sum(map(len, train)) == 0:
        raise BadInput(
            f"{material.name} is too small to measure: it leaves nothing to train or test on; give more text"
        )
    units = np.arange(len(testing.windows))
    if context is not None:
        units = units_of(testing.document, BLOCK_WINDOWS * overlap(context, stride))
    if len(np.unique(units)) < 2:
        raise BadInput(f"{material.name} is too small: one test document gives no interval; give more documents")
    found = []
    for turn in (lambda tokens: tokens, lambda tokens: tokens[::-1]):
        counted = NGram([turn(one) for one in train], material.vocabulary, order, memory_limit=limit)
        found.append(counted.losses([turn(one) for one in testing.windows]))
    sums = tally(found[0], found[1], units)
    count = int(sums.tokens.sum())
    forward, backward = float(sums.forward.sum()), float(sums.backward.sum())
    run = SeedRun(0, forward / count, backward / count, backward / forward - 1)
    settings = {"order": order, "split_seed": 0, "training_tokens": int(sum(map(len, train)))}
    return _result(
        material, f"ngram, order {order}", context, counted.parameters, [run], [sums], testing, settings, notes, begun
    )


def _pieces(documents: list[np.ndarray], piece: int | None) -> Cut:
    """Whole documents, or all their pieces, also the shorter last ones."""
    parts, owner = [], []
    for place, tokens in enumerate(documents):
        size = len(tokens) if piece is None else piece
        for start in range(0, len(tokens), max(size, 1)):
            parts.append(tokens[start : start + size])
            owner.append(place)
    return Cut(parts, np.array(owner), 0)  # type: ignore[arg-type]


def _result(
    material: Material, label: str, context: int | None, parameters: int, runs: list[SeedRun], tallies: list[Tally],
    testing: Cut, settings: dict[str, Any], notes: list[str], begun: float,
) -> ArrowResult:  # fmt: skip
    sums = mean_tally(tallies)
    forward, backward = sums.forward.sum(axis=1), sums.backward.sum(axis=1)
    documents = bootstrap(forward, backward)
    ratios = [run.ratio for run in runs]
    ratio = seed_interval(ratios, documents.standard_error) if len(runs) > 1 else documents
    by_document = len(np.unique(testing.document)) == len(forward)
    if len(forward) < 30:
        notes.append(f"only {len(forward)} test units: intervals of so few are too short")
    per_token = 1.0
    if material.characters is not None:
        shown = np.concatenate([np.asarray(one).ravel() for one in testing.windows])
        per_token = float(material.characters[shown].sum() / len(shown))
    parts = ("train", "validation", "test")
    return ArrowResult(
        name=material.name,
        model=label,
        tokenizer=material.tokenizer,
        vocabulary=material.vocabulary,
        context=context,
        parameters=parameters,
        ratio=ratio,
        over_documents=documents,
        p_value=sign_flip_p_value(backward - forward),
        minimum_detectable=minimum_detectable(ratios, documents.standard_error),
        forward=float(np.mean([run.forward for run in runs])),
        backward=float(np.mean([run.backward for run in runs])),
        characters_per_token=per_token,
        runs=tuple(runs),
        profile=context_profile(sums),
        unit="document" if by_document else "block",
        documents={part: len(getattr(material.split, part)) for part in parts},
        tokens={part: int(sum(map(len, material.part(part)))) for part in parts} | {"tested": int(sums.tokens.sum())},
        per_unit_forward=forward,
        per_unit_backward=backward,
        per_unit_tokens=sums.tokens.sum(axis=1),
        settings=settings,
        notes=tuple(notes),
        seconds=time.monotonic() - begun,
    )


def _fits(size: Size, vocabulary: int, context: int, batch: int, parameters: int, limit: int | str | None) -> None:
    row = 3 * vocabulary + size.layers * 30 * size.width
    row += size.layers * 3 * size.heads * context if size.kind == "gpt" else 0
    needed = 4 * (batch * context * row + 2 * 5 * parameters)
    what = f"training a {size.kind} of {parameters:,} parameters in batches of {batch}"
    require(needed, limit, what, "use a smaller model, batch or context")


def _part(progress: Progress, place: int, many: int) -> Progress:
    def tell(done: float, total: float, what: str) -> None:
        progress(place + done / max(total, 1), many, what)

    return tell

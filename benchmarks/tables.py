"""Predicted against measured risk on a folder of tables, beside gradient boosting and a cross-validated grid.

    python benchmarks/tables.py --data FOLDER [--rows 2000] [--holdout 0.3] [--seed 0] [--out FILE.md] [NAME ...]

Each table: 30 % of the rows are held out, at most 2,000 of the others are used for training, the same for all three
contestants. The survey predicts its risk before it sees the holdout. The grid is scikit-learn's KernelRidge, RBF, six
lengthscales times seven ridges, 5-fold, on the same encoded columns; gradient boosting is HistGradientBoosting as it
comes. Results are kept beside the page as JSON, one table at a time; a second run measures only what is missing.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV

from theodolite import datasets
from theodolite.cli.survey_data import gathered
from theodolite.kernels import median_distances
from theodolite.numerics.files import write_atomically, write_json
from theodolite.survey import ColumnEncoder, KernelSurvey, KernelSurveyClassifier, with_holdout

WITHIN = 0.15


def measured(name: str, rows: int, holdout: float, seed: int) -> dict:
    """One table, three contestants."""
    found = gathered(
        name, target=None, task="auto", groups=None, test=None, holdout=holdout, memory_limit=None, seed=seed
    )
    kept = np.sort(np.random.default_rng(seed).permutation(len(found.training))[:rows])
    training, held = found.training.chosen(kept), found.holdout
    classes = found.task == "classification"
    if classes:  # a rare class may not be among the rows that were kept
        held = held.chosen(np.flatnonzero(np.isin(held.targets, training.targets)))
    start = time.process_time()
    model = (KernelSurveyClassifier if classes else KernelSurvey)(random_state=seed)
    model.fit(training.inputs, training.targets)
    seconds = time.process_time() - start
    with_holdout(model, held.inputs, held.targets)
    chosen, outcome = model.record_.chosen, model.record_.holdout
    entry = {
        "name": name,
        "task": found.task,
        "rows": [len(found.training), len(training), len(held)],
        "kernel": chosen.name,
        "predicted": chosen.predicted_risk,
        "standard_error": chosen.standard_error,
        "measured": outcome["risk"],
        "measured_error": outcome["standard_error"],
        "variance": model.record_.data["target_variance"],
        "verdict": chosen.verdict,
        "reasons": list(chosen.reasons),
        "score": outcome["score"],
        "seconds": seconds,
    }
    truth = np.asarray(held.targets)
    encoder = ColumnEncoder().fit(training.inputs)
    X, Z = encoder.transform(training.inputs), encoder.transform(held.inputs)

    start = time.process_time()
    boosting = (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=seed)
    predicted = boosting.fit(X, np.asarray(training.targets)).predict(Z)
    entry["boosting"], entry["boosting_seconds"] = score(predicted, truth, classes), time.process_time() - start

    start = time.process_time()
    unit = median_distances(X)[0] ** 2
    grid = {"gamma": [1 / (m**2 * unit) for m in (0.5, 1, 2, 4, 8, 16)], "alpha": list(np.logspace(-5, 1, 7))}
    search = GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=5, scoring="neg_mean_squared_error")
    search.fit(X, model.coding_.encode(np.asarray(training.targets)))
    columns = search.predict(Z).reshape(len(Z), -1)
    entry["grid"], entry["grid_seconds"] = (
        score(model.coding_.decode(columns), truth, classes),
        time.process_time() - start,
    )
    return entry


def score(predicted: np.ndarray, truth: np.ndarray, classes: bool) -> float:
    """Accuracy, or R2."""
    if classes:
        return float(np.mean(predicted == truth))
    return float(1.0 - np.sum((predicted - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))


def page(entries: list[dict], arguments: argparse.Namespace) -> str:
    """The results as a page of documentation."""
    near = [entry for entry in entries if abs(entry["predicted"] / entry["measured"] - 1) <= WITHIN]
    silent = [entry["name"] for entry in entries if entry not in near and entry["verdict"] == "trusted"]
    wins = dict.fromkeys(("score", "boosting", "grid"), 0)
    for entry in entries:
        wins[max(wins, key=lambda key: entry[key])] += 1
    lines = [
        f"# {len(entries)} tables",
        "",
        f"Predicted risk within 15 % of the measured one on **{len(near)} of {len(entries)}**; outside and yet "
        f"trusted: {', '.join(silent) if silent else 'none'}. Best score: survey {wins['score']}, gradient boosting "
        f"{wins['boosting']}, 5-fold grid {wins['grid']}.",
        "",
        "![Predicted against measured risk](tables.png)",
        "",
        f"Command: `python benchmarks/tables.py --data FOLDER --rows {arguments.rows} --holdout {arguments.holdout} "
        f"--seed {arguments.seed}`. Risks are mean squared errors as a share of the target's variance; ± is one "
        "standard error. Scores on the holdout are R2 for regression, accuracy for classes. At most "
        f"{arguments.rows} rows were used for training, drawn at random. Seconds are processor seconds.",
        "",
        "| table | rows used / held out | chosen kernel | predicted | measured | ratio | verdict | survey | boosting "
        "| grid | seconds (survey / boosting / grid) |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for e in entries:
        share = 1 / e["variance"]
        best = max(e["score"], e["boosting"], e["grid"])
        scores = [f"**{e[key]:.3f}**" if e[key] == best else f"{e[key]:.3f}" for key in ("score", "boosting", "grid")]
        lines.append(
            f"| {e['name']} | {e['rows'][1]} of {e['rows'][0]} / {e['rows'][2]} | {e['kernel']} "
            f"| {e['predicted'] * share:.3f} ± {e['standard_error'] * share:.3f} "
            f"| {e['measured'] * share:.3f} ± {e['measured_error'] * share:.3f} "
            f"| {e['predicted'] / e['measured']:.2f} | {e['verdict']} | {' | '.join(scores)} "
            f"| {e['seconds']:.0f} / {e['boosting_seconds']:.0f} / {e['grid_seconds']:.0f} |"
        )
    lines += ["", "Reasons and remarks that came with the verdicts:", ""]
    lines += [f"- {e['name']}: {'; '.join(e['reasons'])}" for e in entries if e["reasons"]]
    return "\n".join(lines) + "\n"


def picture(entries: list[dict]) -> bytes:
    """Predicted against measured risk of all tables as a PNG: both as a share of the target's variance."""
    from matplotlib.figure import Figure

    from theodolite.reporting import svg, theme, words

    with theme.drawing():
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        axes = figure.subplots()
        line = np.array([0.004, 1.5])
        axes.fill_between(line, line * (1 - WITHIN), line * (1 + WITHIN), color=theme.colour("line"), alpha=0.6, lw=0)
        axes.plot(line, line, color=theme.colour("muted"), lw=1.1)
        for verdict, mark in (("trusted", "o"), ("doubtful", "^"), ("do not trust", "X")):
            some = [entry for entry in entries if entry["verdict"] == verdict]
            if some:
                share = np.array([1 / entry["variance"] for entry in some])
                column = {key: share * [entry[key] for entry in some] for key in KEYS}
                colour = theme.colour(theme.MOODS[words.verdict(verdict).mood])
                axes.errorbar(
                    column["predicted"], column["measured"], xerr=column["standard_error"],
                    yerr=column["measured_error"], fmt=mark, color=colour, elinewidth=0.8, markersize=6, label=verdict,
                )  # fmt: skip
        ordered = sorted(entries, key=lambda entry: entry["predicted"] / entry["variance"])
        for place, entry in enumerate(ordered):  # names in turn below on the right and above on the left
            point = entry["predicted"] / entry["variance"], entry["measured"] / entry["variance"]
            offset, side = ((7, -10), "left") if place % 2 else ((-7, 5), "right")
            axes.annotate(entry["name"], point, xytext=offset, textcoords="offset points", ha=side, fontsize=7.5)
        axes.set(xscale="log", yscale="log", xlim=line, ylim=line)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axes.set_xlabel("risk predicted from the training rows alone (% of the target's variance)")
        axes.set_ylabel("risk measured on held-out rows")
        axes.legend(loc="upper left", title="verdict, before any test; band: 15 %")
        return svg.png(figure)


KEYS = ("predicted", "measured", "standard_error", "measured_error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--holdout", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("tables.md"))
    arguments = parser.parse_args()
    names = arguments.names or [
        entry.name
        for entry in datasets.names(data_folder=arguments.data)
        if entry.where != "embedded" and entry.columns < 200
    ]
    kept = arguments.out.with_suffix(".json")
    entries = json.loads(kept.read_text()) if kept.exists() else {}
    for name in names:
        if name not in entries:
            entries[name] = measured(name, arguments.rows, arguments.holdout, arguments.seed)
            write_json(kept, entries)
            print(
                name, {key: entries[name][key] for key in ("predicted", "measured", "verdict", "seconds")}, flush=True
            )
    text = page([entries[name] for name in sorted(names)], arguments)
    write_atomically(arguments.out, text)
    write_atomically(arguments.out.with_suffix(".png"), picture([entries[name] for name in sorted(names)]))
    print(text)


if __name__ == "__main__":
    main()

"""Columns that were one-hot encoded by whoever wrote the file, put back together as one categorical column."""

import numpy as np
import pandas as pd


def joined_categories(frame: pd.DataFrame, groups: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    """Join columns `name=value` of one group that hold at most a single 1 per row into one text column `name`.

    So that one categorical feature weighs as much as one numeric feature, however many values it has.

    >>> frame = pd.DataFrame({"sex=F": [1.0, 0.0], "sex=M": [0.0, 1.0], "age": [3.0, 4.0]})
    >>> joined_categories(frame, np.array([0, 0, 1]))[0].to_dict("list")
    {'sex': ['F', 'M'], 'age': [3.0, 4.0]}
    """
    columns: dict[str, object] = {}
    joined: list[str] = []
    for group in pd.unique(groups):
        names = [str(name) for name in frame.columns[groups == group]]
        category = _category(frame, names)
        prefix = names[0].partition("=")[0]
        if category is None or prefix in columns or prefix in frame.columns:
            columns.update({name: frame[name] for name in names})
        else:
            columns[prefix] = category
            joined.append(prefix)
    if not joined:
        return frame, []
    return pd.DataFrame(columns, copy=False), [f"one-hot columns of the file were joined again: {', '.join(joined)}"]


def _category(frame: pd.DataFrame, names: list[str]) -> np.ndarray | None:
    if len(names) < 2 or len({name.partition("=")[0] for name in names}) != 1 or not all("=" in name for name in names):
        return None
    block = frame[names].to_numpy()
    if not ((block == 0) | (block == 1)).all() or (block.sum(axis=1) > 1).any():
        return None
    values = np.array([name.partition("=")[2] for name in names] + [None], dtype=object)
    return values[np.where(block.any(axis=1), block.argmax(axis=1), len(names))]

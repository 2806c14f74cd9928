"""One door for tables of any length: a path, a glob, a list of them, or arrays become a source of row blocks."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from theodolite.datasets.reading import ending_of, read
from theodolite.numerics.errors import BadInput
from theodolite.random_features.parquet_rows import parquet_rows
from theodolite.random_features.row_blocks import RowSource, array_rows
from theodolite.random_features.text_rows import text_rows

READABLE = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".npz")


def open_rows(source: Any, targets: Any = None) -> RowSource:
    """A source of row blocks.

    Args: source, a path or glob ("parts/*.parquet") or list of them, all Parquet or all CSV/TSV (plain or .gz), one
        .npz file, a frame, an array (n, d), or a RowSource as it is; targets (n,), for frames and arrays only.
    Raises: BadInput naming the pattern that matches nothing, the file that is empty, cut short or of another schema.

    >>> open_rows(np.zeros((3, 2)), np.ones(3)).rows
    3
    """
    if isinstance(source, RowSource):
        return source
    if isinstance(source, pd.DataFrame | np.ndarray):
        return array_rows(source, targets)
    if targets is not None:
        raise BadInput("targets are given for arrays only; for files name the target column")
    patterns = [source] if isinstance(source, str | Path) else list(source)
    paths = found_files(patterns)
    name = str(patterns[0]) if len(patterns) == 1 else f"{len(paths)} files ({patterns[0]}, ...)"
    endings = sorted({_kind(path) for path in paths})
    if len(endings) > 1:
        raise BadInput(f"{name} mixes {' and '.join(endings)} files; give files of one kind")
    if endings == ["parquet"]:
        return parquet_rows(paths, name)
    if endings == ["text"]:
        return text_rows(paths, name)
    if len(paths) > 1:
        raise BadInput(f"{name} names {len(paths)} .npz files; give one, or write them as Parquet")
    return array_rows(read(paths[0]).frame, name=str(paths[0]))


def found_files(patterns: Sequence[str | Path]) -> list[Path]:
    """The files that paths and globs name, each once, in sorted order; a folder stands for the tables in it."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        text = str(pattern)
        if Path(text).is_dir():
            matches = sorted(path for path in Path(text).iterdir() if ending_of(path) and path.is_file())
        elif Path(text).exists():
            matches = [Path(text)]
        else:
            matches = sorted(Path(match) for match in glob.glob(text, recursive=True))
        if not matches:
            raise BadInput(
                f"no file matches {text}; give a path or a pattern such as 'parts/*.parquet' (in quotation marks)"
            )
        found.update(dict.fromkeys(matches))
    for path in found:
        if ending_of(path) not in READABLE:
            raise BadInput(f"{path} ends in no known way; expected one of {', '.join(READABLE)}")
        if path.stat().st_size == 0:
            raise BadInput(f"{path} is empty (0 bytes); write or download it again")
    return list(found)


def _kind(path: Path) -> str:
    ending = ending_of(path)
    return "parquet" if ending == ".parquet" else "npz" if ending == ".npz" else "text"

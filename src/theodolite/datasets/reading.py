"""One door for tables: a path comes in, a frame comes out, or one paragraph that says what to do instead."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.datasets.raw_table import Reading
from theodolite.numerics.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".npz")


def read_table(path: str | Path, *, memory_limit: int | str | None = None, least_rows: int = 2) -> "pd.DataFrame":
    """Read a CSV, TSV (plain or .gz), Parquet or .npz file into a frame with unique text column names.

    Args: path; memory_limit in bytes or as "2GB" (default: 60 % of the free memory); least_rows, below which the
        file is refused (1 for tables to predict on).
    Returns: the frame; `frame.attrs["notes"]` lists in words every treatment applied while reading.
    Raises: BadInput, which names the file, what was found and the remedy; TooLarge before memory is taken.
    Cost: text files are read twice, once to check every line and once to parse.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "heights.csv"
    >>> _ = path.write_text("age,height\\n3,95.5\\n4,102\\n")
    >>> read_table(path).shape
    (2, 2)
    """
    reading = read(path, memory_limit=memory_limit, least_rows=least_rows)
    frame = reading.frame
    frame.attrs["notes"] = list(reading.notes)
    return frame


def read(path: str | Path, *, memory_limit: int | str | None = None, least_rows: int = 2) -> Reading:
    """Like `read_table`, with what the file says about its target, task and source."""
    path = Path(path)
    ending = usable_ending(path)
    try:
        if ending == ".npz":
            from theodolite.datasets.npz_files import read_npz

            reading = read_npz(path, memory_limit)
        elif ending == ".parquet":
            from theodolite.datasets.parquet_files import read_parquet

            reading = read_parquet(path, memory_limit)
        else:
            from theodolite.datasets.text_files import read_text

            reading = read_text(path, memory_limit)
    except PermissionError:
        raise BadInput(f"{path} may not be read by this user; change its permissions (chmod u+r) or copy it") from None
    rows, columns = reading.frame.shape
    if columns == 0:
        raise BadInput(f"{path} holds no columns; expected a table with at least one named column")
    if rows == 0:
        raise BadInput(f"{path} holds a header ({columns} columns) and no rows; add the data below it")
    if rows < least_rows:
        raise BadInput(
            f"{path} holds {rows} row{'s' * (rows != 1)} of data; at least {least_rows} are needed, and a survey "
            "says little below a few dozen"
        )
    return reading


def usable_ending(path: Path) -> str:
    """The ending of an existing, non-empty file that can be read here, or `BadInput`."""
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if ending_of(p))[:8]
        found = f"it holds {', '.join(inside)}: name one of them" if inside else "it holds no table that can be read"
        raise BadInput(f"{path} is a folder; {found}")
    if not path.exists():
        raise BadInput(f"{path} does not exist{_near(path)}; give the path of a file ending in {', '.join(ENDINGS)}")
    if not path.is_file():
        raise BadInput(f"{path} is not a regular file; write the data to a file first")
    ending = ending_of(path)
    if not ending:
        raise BadInput(
            f"{path} ends in {path.suffix or 'nothing'}, which is not known here; expected one of "
            f"{', '.join(ENDINGS)}: rename the file if it is one of these, otherwise export it as CSV"
        )
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty (0 bytes); write or download it again")
    return ending


def ending_of(path: str | Path) -> str:
    """The known ending of a path, in lower case, or the empty string.

    >>> ending_of("a/B.CSV.gz")
    '.csv.gz'
    """
    name = Path(path).name.lower()
    return next((ending for ending in sorted(ENDINGS, key=len, reverse=True) if name.endswith(ending)), "")


def _near(path: Path) -> str:
    try:
        names = [p.name for p in path.parent.iterdir()]
    except OSError:
        return ", nor does its folder" if not path.parent.exists() else ""
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f" (is it {close[0]}?)" if close else ""

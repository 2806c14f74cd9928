"""How long each case takes, written into the table that tells users what to expect.

    theodolite reproduce --all --smoke --out FOLDER
    python benchmarks/durations.py FOLDER

Full times are those of the results in docs/atlas (on the data that come with the package), smoke times those in FOLDER;
a case in only one of the two keeps what the table says. Rewrites src/theodolite/experiments/durations.py.
"""

import argparse
from pathlib import Path

from reproduced_totals import published

from theodolite.experiments import Store, all_cases
from theodolite.experiments.durations import SEEN
from theodolite.numerics.files import write_atomically

TABLE = Path(__file__).resolve().parent.parent / "src" / "theodolite" / "experiments" / "durations.py"


def two_digits(seconds: float) -> str:
    """Seconds to two significant digits.

    >>> two_digits(0.123), two_digits(1522.0)
    ('0.12', '1500')
    """
    return f"{float(f'{seconds:.2g}'):g}"


def seen(folder: Path) -> dict[str, tuple[float, float]]:
    """(full, smoke) by case, of the cases that have both."""
    full = {name: pair[0] for name, pair in SEEN.items()}
    smoke = {name: pair[1] for name, pair in SEEN.items()}
    full |= {one.case: one.duration for one in published().values() if not one.files}
    smoke |= {one.case: one.duration for one in Store(folder).results() if one.mode == "smoke" and not one.error}
    names = [case.name for case in all_cases()]
    return {name: (full[name], smoke[name]) for name in names if name in full and name in smoke}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where smoke runs of all cases are stored")
    times = seen(parser.parse_args().folder)
    before, rest = TABLE.read_text(encoding="utf-8").split("SEEN: ", 1)
    after = rest.split("\n}\n", 1)[1]
    rows = [f'    "{name}": ({two_digits(full)}, {two_digits(smoke)}),\n' for name, (full, smoke) in times.items()]
    write_atomically(TABLE, f"{before}SEEN: dict[str, tuple[float, float]] = {{\n{''.join(rows)}}}\n{after}")

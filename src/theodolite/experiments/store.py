"""Results on disk: JSON and npz in folders addressed by content, whole or absent.

Layout, under the root (by default `theodolite-results` in the current directory):

    <case>/<mode>-<address>/result.json               a finished run; names the arrays file it belongs to
    <case>/<mode>-<address>/arrays-<sha256>.npz       its arrays
    <case>/<mode>-<address>/error.json                how the latest run broke, until one finishes
    <case>/<mode>-<address>/parts/<name>-<hash>.npz   parts of a run that has not finished yet

Every file is written beside its place and renamed. The rename of result.json is the moment a result exists: a process
killed before it leaves the earlier result, or none, and the parts.
"""

import hashlib
import io
import json
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.experiments.bench import Arrays
from theodolite.experiments.case import Case
from theodolite.experiments.check import Mode
from theodolite.experiments.config import content_hash
from theodolite.experiments.result import Result
from theodolite.numerics.errors import BadInput
from theodolite.numerics.files import write_atomically, write_json

DEFAULT_FOLDER = "theodolite-results"
RESULT, ERROR = "result.json", "error.json"
LEFTOVER_SECONDS = 24 * 3600.0


class Damaged(BadInput):
    """A stored file that cannot be what was written: truncated, edited or belonging to something else."""


def address(case: Case[Any], mode: Mode, seed: int, files: Mapping[str, str]) -> str:
    """Where a run is kept: 16 hexadecimal digits from case name, revision, mode, config, seed and data files."""
    document = {
        "case": case.name,
        "revision": case.revision,
        "mode": mode,
        "config": case.config(mode).to_json(),
        "seed": seed,
        "files": dict(files),
    }
    return content_hash(document)[:16]


@dataclass(frozen=True)
class Store:
    """A folder of results.

    >>> Store("results").folder_of("kare-risk", "smoke", "0123456789abcdef").as_posix()
    'results/kare-risk/smoke-0123456789abcdef'
    """

    root: Path | str = DEFAULT_FOLDER

    def folder_of(self, case: str, mode: Mode, address: str) -> Path:
        """The folder of one run."""
        for word in (case, address):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", word):
                raise BadInput(f"{word!r} cannot name a folder of results; expected letters, digits, '-' and '_'")
        return Path(self.root) / case / f"{mode}-{address}"

    def find(self, case: str, mode: Mode, address: str) -> Path | None:
        """The folder of a finished result, or None; the record of a run that broke does not count."""
        folder = self.folder_of(case, mode, address)
        return folder if (folder / RESULT).is_file() else None

    def save(self, result: Result) -> Path:
        """Write a result and drop the parts it was made of; returns its folder.

        A run that broke is recorded in error.json: its parts stay, and so does an earlier finished result.
        """
        folder = self.folder_of(result.case, result.mode, result.address)
        if result.error:
            write_json(folder / ERROR, result.to_json())
            return folder
        data = _packed(result.arrays)
        name = f"arrays-{hashlib.sha256(data).hexdigest()}.npz"
        write_atomically(folder / name, data)
        write_json(folder / RESULT, {**result.to_json(), "arrays_file": name})
        (folder / ERROR).unlink(missing_ok=True)
        for old in folder.glob("arrays-*.npz"):
            if old.name != name:
                old.unlink(missing_ok=True)
        for leftover in folder.glob(".*.part"):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink(missing_ok=True)
        self.parts(result.case, result.mode, result.address).discard()
        return folder

    def load(self, folder: str | Path) -> Result:
        """Read a finished result, or else the record of a run that broke.

        Raises: `Damaged` when the files are not what was written, `BadInput` when there are none.
        """
        path = next((Path(folder) / name for name in (RESULT, ERROR) if (Path(folder) / name).is_file()), None)
        if path is None:
            raise BadInput(f"no result in {folder}; expected a file {RESULT}, as Store.save writes it")
        try:
            document = json.loads(path.read_bytes())
            if path.name == ERROR:
                return Result.from_json(document, {})
            name = document.pop("arrays_file")
            data = (Path(folder) / Path(name).name).read_bytes()
            if name != f"arrays-{hashlib.sha256(data).hexdigest()}.npz":
                raise Damaged(f"{Path(folder) / name} does not hold what its name promises; run the case again")
            return Result.from_json(document, _unpacked(data))
        except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, Damaged):
                raise
            raise Damaged(f"the result in {folder} is damaged ({error!r}); run the case again") from error

    def results(self) -> Iterator[Result]:
        """All stored results that can be read, and records of runs that broke, by case and folder name."""
        for folder in sorted({path.parent for name in (RESULT, ERROR) for path in Path(self.root).glob(f"*/*/{name}")}):
            try:
                yield self.load(folder)
            except Damaged:
                continue

    def parts(self, case: str, mode: Mode, address: str) -> "StoredParts":
        """The parts of a run that has not finished."""
        return StoredParts(self.folder_of(case, mode, address) / "parts")


class StoredParts:
    """Parts of one run, one file each. `resumed` counts those read back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resumed = 0

    def load(self, name: str) -> Arrays | None:
        """The arrays of a finished part; None when it is missing or cannot be read."""
        try:
            arrays = _unpacked(self._path(name).read_bytes())
        except (OSError, ValueError):
            return None
        self.resumed += 1
        return arrays

    def checkpoint(self, name: str, arrays: Arrays) -> None:
        """Keep a finished part."""
        write_atomically(self._path(name), _packed(arrays))

    def discard(self) -> None:
        """Forget all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[:60].strip("-") or "part"
        return self.folder / f"{readable}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:12]}.npz"


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            if array.dtype.hasobject:
                raise BadInput(f"array {name!r} holds Python objects; expected numbers, booleans or strings")
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _unpacked(data: bytes) -> Arrays:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"not a readable npz file: {error}") from error

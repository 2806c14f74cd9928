"""What a survey has measured so far, on disk, so that a killed survey goes on where it stopped."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.numerics.files import json_ready, write_json
from theodolite.survey.record import CandidateRecord, candidate_from_json


def fingerprint(*parts: Any) -> str:
    """A hash of arrays and settings: equal data and settings, equal fingerprint."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype.kind != "O":
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            value = part.tolist() if isinstance(part, np.ndarray) else part
            digest.update(json.dumps(json_ready(value), sort_keys=True, default=str).encode())
    return digest.hexdigest()[:24]


class Notebook:
    """Finished candidates of one survey, one small JSON file each; without a folder, nothing is kept."""

    def __init__(self, folder: str | Path | None, mark: str) -> None:
        self.folder = None if folder is None else Path(folder) / f"survey-{mark}"

    def read(self, name: str, rows: int) -> CandidateRecord | None:
        """The record of a candidate on so many rows, when it is there and whole."""
        if self.folder is None:
            return None
        try:
            return candidate_from_json(json.loads(self._place(name, rows).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, record: CandidateRecord) -> None:
        """Keep a finished candidate."""
        if self.folder is not None:
            write_json(self._place(record.name, record.rows), dataclasses.asdict(record))

    def _place(self, name: str, rows: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}-{rows}.json"

"""The out folder of a survey: one whole result at a time, the newest."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.numerics.files import write_json

if TYPE_CHECKING:
    from theodolite.survey.record import SurveyRecord

RESULTS, REPORT, MODEL, STATE = "results.json", "report.html", "model", "state"


def default_folder(name: str) -> Path:
    """Where a survey of `name` goes when nothing else is said.

    >>> default_folder("openml:../abalone").as_posix()
    'theodolite-out/openml-abalone'
    """
    return Path("theodolite-out") / (re.sub(r"[^\w.-]+", "-", name).strip(".-").replace("-..-", "-") or "data")


@dataclass(frozen=True)
class SurveyFiles:
    """Paths inside the out folder. `state` holds finished candidates until the survey is complete."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / RESULTS

    @property
    def report(self) -> Path:
        return self.folder / REPORT

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    @property
    def state(self) -> Path:
        return self.folder / STATE

    @property
    def _new(self) -> Path:
        return self.folder / ".new"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Clear away, before and after, what is half-done; a complete earlier result stays until the next is whole."""
        shutil.rmtree(self._new, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(self._new, ignore_errors=True)

    def publish(
        self, record: "SurveyRecord", save_model: Callable[[Path], object], write_report: Callable[[Path], object]
    ) -> str:
        """Write everything aside, then put it in place; results.json goes first and comes last.

        So a folder with results.json holds model, report and numbers of one and the same survey.
        Returns: the text of results.json.
        """
        new = self._new
        new.mkdir(exist_ok=True)
        save_model(new / MODEL)
        write_report(new / REPORT)
        write_json(new / RESULTS, record.to_json())
        text = (new / RESULTS).read_text(encoding="utf-8")
        with suppress(FileNotFoundError):
            self.results.unlink()
        if self.model.exists():
            shutil.rmtree(self.model)
        (new / MODEL).replace(self.model)
        (new / REPORT).replace(self.report)
        (new / RESULTS).replace(self.results)
        shutil.rmtree(self.state, ignore_errors=True)
        return text

"""Numbers and verdicts in words, so that a page and a terminal say the same thing."""

import json
import math
import unicodedata
from dataclasses import dataclass
from typing import Any

MISSING = "n/a"


@dataclass(frozen=True)
class Verdict:
    """A verdict as people read it: a symbol that is never alone, the word, and `mood` (good, unsure, bad, plain)."""

    symbol: str
    word: str
    mood: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.word}"


_VERDICTS = {
    "trusted": Verdict("✓", "trusted", "good"),
    "doubtful": Verdict("△", "doubtful", "unsure"),
    "do not trust": Verdict("✗", "do not trust", "bad"),
    "holds": Verdict("✓", "holds", "good"),
    "inconclusive": Verdict("△", "inconclusive", "unsure"),
    "fails": Verdict("✗", "fails", "bad"),
    "undecided": Verdict("○", "undecided", "plain"),
    "error": Verdict("!", "error", "bad"),
}


def verdict(word: str) -> Verdict:
    """The verdict for a word; an unknown word is shown as it came.

    >>> str(verdict("doubtful"))
    '△ doubtful'
    """
    return _VERDICTS.get(str(word), Verdict("·", plain(word) or MISSING, "plain"))


def missing(value: Any) -> bool:
    """Whether a number is absent: None, NaN or no number at all.

    >>> missing(None), missing(float("nan")), missing(0.0)
    (True, True, False)
    """
    try:
        return value is None or math.isnan(float(value))
    except (TypeError, ValueError):
        return True


def number(value: float | None, digits: int = 3) -> str:
    """A number to `digits` significant digits; plain between 0.001 and 99,999, with an exponent outside.

    >>> number(0.012345), number(123456.0), number(0.0), number(float("nan"))
    ('0.0123', '1.23e5', '0', 'n/a')
    """
    if value is None or missing(value):
        return MISSING
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    if -4 < int(power) < 5:
        return f"{float(f'{mantissa}e{power}'):.{max(digits - 1 - int(power), 0)}f}"
    return f"{mantissa}e{int(power)}"


def with_error(value: float | None, error: float | None) -> str:
    """A value ± its standard error: the error to two significant digits, the value to the same place.

    >>> with_error(2903.4, 213.7), with_error(0.51234, 0.0312), with_error(1.234e-7, 2.1e-9), with_error(3.0, None)
    ('2900 ± 210', '0.512 ± 0.031', '(1.234 ± 0.021)e-7', '3.00')
    """
    if value is None or error is None or missing(value) or missing(error) or not (0 < error < math.inf):
        return number(value)
    if math.isinf(value):
        return number(value)
    place = _power(error, 2) - 1
    top = max(_power(value, 3), place + 1)
    if -4 < top < 5:
        return f"{_at_place(value, place)} ± {_at_place(error, place)}"
    scale = 10.0**top
    return f"({_at_place(value / scale, place - top)} ± {_at_place(error / scale, place - top)})e{top}"


def share(value: float | None, whole: float | None, error: float | None = None) -> str:
    """A risk as a share of the target variance, in per cent: 100 (1 - R2).

    >>> share(0.5, 2.0), share(0.5, 2.0, 0.02), share(0.5, 0.0)
    ('25.0 %', '25.0 ± 1.0 %', 'n/a')
    """
    part = fraction(value, whole)
    if part is None:
        return MISSING
    spread = fraction(error, whole)
    return f"{with_error(100 * part, None if spread is None else 100 * spread)} %"


def fraction(value: float | None, whole: float | None) -> float | None:
    """`value / whole`, or None where that means nothing."""
    if value is None or whole is None or missing(value) or missing(whole) or not (0 < whole < math.inf):
        return None
    return float(value) / float(whole)


def count(value: Any) -> str:
    """A whole number with thousands marked.

    >>> count(1797)
    '1,797'
    """
    return MISSING if missing(value) else f"{int(value):,}"


def duration(seconds: float | None) -> str:
    """A time for people.

    >>> duration(0.1234), duration(75.0), duration(7500.0)
    ('0.12 s', '1 min 15 s', '2 h 05 min')
    """
    if seconds is None or missing(seconds) or math.isinf(seconds):
        return MISSING
    if seconds < 59.95:
        return f"{seconds:.{1 if seconds < 0.01 else 2}g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def plain(text: Any) -> str:
    """One line of visible text: control characters, lone surrogates and direction overrides become U+FFFD.

    >>> plain("a\\tb\\u202ec")
    'a b\ufffdc'
    """
    return _cleaned(text).strip()


def plain_lines(text: Any) -> str:
    """Several lines of visible text, with their indentation; otherwise like `plain`.

    >>> plain_lines("a:\\n  b\\x1b[31m")
    'a:\\n  b\ufffd[31m'
    """
    return "\n".join(_cleaned(line).rstrip() for line in str(text).split("\n")).strip("\n")


def shortened(text: Any, length: int = 40) -> str:
    """`plain` text cut in the middle to at most `length` characters.

    >>> shortened("abcdefghij", 7)
    'abc…hij'
    """
    text = plain(text)
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def value(anything: Any) -> str:
    """A setting as one line of text.

    >>> value({"b": 1.0, "a": None}), value(True), value(0.25)
    ('b: 1, a: none', 'yes', '0.25')
    """
    if anything is None:
        return "none"
    if isinstance(anything, bool):
        return "yes" if anything else "no"
    if isinstance(anything, float):
        return MISSING if missing(anything) else f"{anything:.6g}"
    if isinstance(anything, dict):
        return ", ".join(f"{plain(key)}: {value(item)}" for key, item in anything.items()) or "none"
    if isinstance(anything, list | tuple):
        return ", ".join(value(item) for item in anything) or "none"
    if isinstance(anything, str | int):
        return plain(anything)
    return plain(json.dumps(anything, default=str, ensure_ascii=False))


def kernel(config: Any) -> str:
    """A kernel's configuration as one would write it in Python.

    >>> kernel({"kind": "Matern", "lengthscale": 12.3456, "nu": 1.5})
    'Matern(lengthscale=12.35, nu=1.5)'
    """
    if isinstance(config, dict):
        inside = ", ".join(f"{plain(key)}={kernel(entry)}" for key, entry in config.items() if key != "kind")
        return f"{plain(config.get('kind', ''))}({inside})" if config else ""
    if isinstance(config, list | tuple):
        return f"[{', '.join(map(kernel, config))}]"
    return f"{config:.4g}" if isinstance(config, float) else value(config)


def _power(number: float, digits: int) -> int:
    """The decimal exponent of a number once rounded to `digits` digits."""
    return int(f"{number:.{digits - 1}e}".split("e")[1]) if number else -(10**6)


def _at_place(number: float, place: int) -> str:
    return f"{round(number, -place):.{max(-place, 0)}f}"


def _cleaned(text: Any) -> str:
    text = "".join(" " if character in "\t\n\r\v\f\x85\u2028\u2029" else character for character in str(text))
    return "".join(character if _visible(character) else "\ufffd" for character in text)


def _visible(character: str) -> bool:
    if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069" or character in "\ufffe\uffff":
        return False
    return unicodedata.category(character) not in ("Cc", "Cs")

"""Named errors: each says what came, what was expected and what to try, so that users can catch one thing at a time."""


class BadInput(ValueError):
    """Data, a name or a setting that cannot be used as it came; the message names it and the remedy."""


class ShapeMismatch(ValueError):
    """Arrays whose shapes do not belong together."""


class NotFinite(ValueError):
    """A NaN or an infinity where a finite number is needed."""


class NotPositiveDefinite(ValueError):
    """A matrix that should be positive definite and is not, beyond what round-off explains."""


class NoInfiniteWidthLimit(ValueError):
    """A layer, or a reading of one, that has no limit at infinite width; the message says why and what to use."""


class NotDeterministic(ValueError):
    """A function or data that answer differently when asked again; the message says where the chance may come from."""


class DidNotConverge(RuntimeError):
    """An iteration that stopped before it reached its tolerance."""


class TooLarge(RuntimeError):
    """A step that asks for more memory than its limit allows; nothing was allocated.

    Attributes: `needed` and `limit`, both in bytes.
    """

    def __init__(self, message: str, needed: int = 0, limit: int = 0) -> None:
        super().__init__(message)
        self.needed = needed
        self.limit = limit

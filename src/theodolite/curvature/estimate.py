"""A measured number with its standard error and what it cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number; its standard error, 0 where it is exact up to rounding; products with the operator that were spent;
    and the method.

    >>> print(Estimate(1.25, 0.05, 32, "hutchinson"))
    1.25 ± 0.05
    >>> float(Estimate(2.0))
    2.0
    """

    value: float
    standard_error: float = 0.0
    products: int = 0
    method: str = "exact"

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{self.value:.6g}" + (f" ± {self.standard_error:.2g}" if self.standard_error else "")

"""Trained on clean labels: no cusp of the test error, though the norm of the output still peaks at N*."""

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Panel
from theodolite.experiments.trained_widths import TrainedConfig, train_widths
from theodolite.experiments.width_curves import (
    against_singles,
    at_width,
    curve_panels,
    cusp_of_norm,
    difference,
    falling_fluctuations,
    line_in_root,
    measured_at,
    measured_curves,
)


def run(config: TrainedConfig, key: Key, bench: Bench) -> Measurement:
    """Train ensembles at all widths, once for all the checks of this claim; then their curves."""
    return measured_curves(config, train_widths(config, key, bench))


def checks(config: TrainedConfig, measured: Measurement) -> tuple[Check, ...]:
    """No rise of the error, a peak of the norm, falling fluctuations, the approach as N^(-1/2), the budget."""
    a = measured.arrays
    pairs = [(i, j) for j in range(len(a["N"])) for i in range(j)]
    narrow, wide = max(pairs, key=lambda pair: a["single"][pair[1]] - a["single"][pair[0]])
    z, widths = against_singles(config, measured)
    best, past = int(z.argmin()), at_width(measured, config.past)
    return (
        difference(
            "single networks' test error, largest rise from a width to a wider one",
            measured_at(measured, "single", wide),
            measured_at(measured, "single", narrow),
            config.cusp_limit,
            "at most",
        ),
        cusp_of_norm(config, measured),
        *falling_fluctuations(config, measured),
        *line_in_root(config, measured),
        Check(
            f"error of {config.ensemble} networks of width {config.past} - error of one network of up to "
            f"{config.budget_ratio:g} times the weights, largest",
            float(-z[best]),
            config.budget_limit,
            0.0,
            "at most",
            "in standard errors already",
            "standard errors",
            f"one network of width {widths[best]:g}; the ensemble {a['ensemble'][past]:.3f}",
        ),
    )


def panels(config: TrainedConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The curves."""
    return curve_panels(config, measured)


CASE = Case(
    paper="scaling",
    name="scaling-clean-labels",
    claim="With clean labels the test error has no cusp at N* and approaches its limit as N^(-1/2), while the "
    "norm still peaks and fluctuations fall; several networks past N* are no worse than one of ten times the weights.",
    source="Geiger et al. (2019), arXiv:1901.01608: abstract and settings of the public code; limits of a replication",
    full=TrainedConfig(flips=0.0, widths=(3, 4, 5, 6, 8, 10, 14, 20, 30, 64, 96), members_narrow=16, past=6),
    smoke=TrainedConfig(
        flips=0.0,
        rows=8,
        test_rows=40,
        widths=(8, 9),
        narrow=8,
        members_narrow=4,
        members_wide=4,
        steps_narrow=600,
        steps_wide=600,
        ensemble=2,
        judged_from=8,
        under=(8,),
        wide=9,
        past=8,
    ),
    run=run,
    checks=checks,
    panels=panels,
)

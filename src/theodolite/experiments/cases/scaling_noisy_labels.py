"""Trained on noisy labels: a cusp where networks begin to fit, which ensembles do not have, and what follows."""

import numpy as np

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Panel
from theodolite.experiments.trained_widths import TrainedConfig, train_widths
from theodolite.experiments.width_curves import (
    INTERVAL,
    NORMAL,
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
    """The cusp of error and norm at N*, falling fluctuations, the approach as N^(-1/2), ensembles, the budget."""
    return (
        *_cusp_of_error(config, measured),
        cusp_of_norm(config, measured),
        *falling_fluctuations(config, measured),
        *line_in_root(config, measured),
        *_ensembles(config, measured),
    )


def _cusp_of_error(config: TrainedConfig, measured: Measurement) -> tuple[Check, ...]:
    """(a) the peak, past the narrowest widths, stands out over the best of these and the worst of the wide ones."""
    a = measured.arrays
    beyond = np.flatnonzero(a["width"] > max(config.under))
    peak = measured_at(measured, "single", int(beyond[a["single"][beyond].argmax()]))
    under = min(measured_at(measured, "single", at_width(measured, width)) for width in config.under)
    wide = max(measured_at(measured, "single", int(i)) for i in np.flatnonzero(a["width"] >= config.wide))
    widths = " and ".join(str(width) for width in config.under)
    limit = config.cusp_limit
    return (
        difference(f"single networks' test error, peak - lowest at widths {widths}", peak, under, limit, "at least"),
        difference(
            f"single networks' test error, peak - highest at width {config.wide} and wider",
            peak,
            wide,
            limit,
            "at least",
        ),
    )


def _ensembles(config: TrainedConfig, measured: Measurement) -> tuple[Check, ...]:
    """(e) several networks just past N* beat one larger network; (f) the curve of ensembles is flat."""
    a = measured.arrays
    z, widths = against_singles(config, measured)
    worst, past = int(z.argmin()), at_width(measured, config.past)
    flat = np.flatnonzero(a["width"] >= config.flat_from)
    spreads, bars = [], []
    for name in ("ensemble", "single"):
        top, low = (measured_at(measured, name, int(flat[of(a[name][flat])])) for of in (np.argmax, np.argmin))
        spreads.append(top[0] - low[0])
        bars.append(float(np.hypot(top[1], low[1])))
    words = f"largest - smallest, width {config.flat_from} and wider"
    return (
        Check(
            f"error of one network of up to {config.budget_ratio:g} times the weights - error of {config.ensemble} "
            f"networks of width {config.past}, smallest",
            float(z[worst]),
            config.budget_limit,
            0.0,
            "at least",
            "in standard errors already",
            "standard errors",
            f"one network of width {widths[worst]:g}; {config.ensemble} of width {config.past}: "
            f"{a['ensemble'][past]:.3f}, of which a share {a['fitted'][past]:.2f} fit",
        ),
        Check(
            f"test error of ensembles of {config.ensemble}, {words}",
            spreads[0],
            config.spread_limit,
            NORMAL * bars[0],
            "at most",
            INTERVAL,
        ),
        Check(
            f"the same minus that of single networks, {words}",
            spreads[0] - spreads[1],
            0.0,
            float(NORMAL * np.hypot(*bars)),
            "at most",
            INTERVAL,
        ),
    )


def panels(config: TrainedConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The curves."""
    return curve_panels(config, measured)


CASE = Case(
    paper="scaling",
    name="scaling-noisy-labels",
    claim="With noisy labels test error and output norm have a cusp at N*, where networks begin to fit; past it "
    "fluctuations fall and the error approaches its limit as N^(-1/2); ensembles have no cusp, and several networks "
    "just past N* beat one of many more weights.",
    source="Geiger et al. (2019), arXiv:1901.01608: abstract and settings of the public code; limits of a replication",
    full=TrainedConfig(),
    smoke=TrainedConfig(
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

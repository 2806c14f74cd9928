"""What `phase` finds about an architecture, as plain numbers and words."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phase:
    """The verdict on an architecture, for inputs of squared norm d (see `phase`).

    `characteristic` r: the slope at 1 of the correlation map of one layer. `verdict`: "order" (r < 1), "chaos" (r > 1)
    or "edge". `variance`: what the variance of a layer settles at, and `variance_fate`: "stable", "vanishes" or
    "explodes".
    `fixed_point` c*: the correlation that deep layers tend to, and `fixed_slope`: the slope of the map there, a layer.
    `decay_rate`: change a layer of log |theta - limit|, theta the NTK of two inputs over that of one, 0 at the edge,
    where the approach is a power of the depth; `depth_scale` = -1 / decay_rate, in layers. `normalised_limit` and
    `ntk_limit`: where theta and the NTK of two different inputs tend to, NaN when that depends on the inputs.
    `kinked`: whether a derivative jumps, which halves the rate in order. `depth`: layers of weights.
    `angles` (degrees) and `normalised_ntk`: theta at the network's own depth; `by_depth`: for each angle of
    `shown_angles`, theta after 1, 2, ... layers, the blocks repeated beyond the own depth when that is small.
    `critical_bias` and `critical_bias_normalised`: the beta at which the standardised and the normalised activation
    cross the edge in a balanced network, None without chaos or with several activations. `alternatives`: changes, each
    with the r and the verdict that it brings.
    `repeated`: whether the network repeats a block; if not, r is the mean a layer, as if all of it were repeated.
    `notes`: how the architecture was read. `advice`: sentences.
    """

    characteristic: float
    verdict: str
    variance: float
    variance_fate: str
    fixed_point: float
    fixed_slope: float
    decay_rate: float
    depth_scale: float
    normalised_limit: float
    ntk_limit: float
    kinked: bool
    depth: int
    angles: tuple[float, ...]
    normalised_ntk: tuple[float, ...]
    shown_angles: tuple[float, ...]
    by_depth: tuple[tuple[float, ...], ...]
    critical_bias: float | None
    critical_bias_normalised: float | None
    repeated: bool
    notes: tuple[str, ...]
    alternatives: tuple[tuple[str, float, str], ...] = field(default=())
    advice: tuple[str, ...] = field(default=())

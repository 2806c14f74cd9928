"""The dual of each activation: a closed form where there is one, quadrature where there is none."""

import math
from functools import singledispatch

from theodolite.architectures import (
    Activation,
    Cos,
    Erf,
    Exp,
    Gaussian,
    Gelu,
    Hermite,
    Identity,
    Monomial,
    PiecewiseLinear,
    Polynomial,
    RbfFeature,
    Rescaled,
    Sign,
    Sin,
    SquaredRelu,
    Step,
)
from theodolite.infinite_width.duals.base import Dual
from theodolite.infinite_width.duals.bells import ErfDual, GaussianDual, GeluDual
from theodolite.infinite_width.duals.numerical import NumericalDual
from theodolite.infinite_width.duals.piecewise import IdentityDual, JumpDual, PiecewiseLinearDual, SquaredReluDual
from theodolite.infinite_width.duals.polynomial import dual_of_hermite, dual_of_polynomial
from theodolite.infinite_width.duals.rescaled import RescaledDual
from theodolite.infinite_width.duals.waves import ExpDual, SineDual, sine_dual

__all__ = ["Dual", "dual"]


@singledispatch
def dual(activation: Activation) -> Dual:
    """The dual of an activation; a new activation may register its closed form with `dual.register`.

    >>> from theodolite.architectures import Relu
    >>> dual(Relu()).both(1.0, 0.0, 1.0)
    (np.float64(0.15915494309189535), np.float64(0.25))
    """
    if not isinstance(activation, Activation):
        raise TypeError(f"expected an activation such as Relu(), got {activation!r}")
    return NumericalDual(activation)


@dual.register
def _(activation: Identity) -> Dual:
    return IdentityDual()


@dual.register
def _(activation: PiecewiseLinear) -> Dual:
    return PiecewiseLinearDual(activation.below, activation.above)


@dual.register
def _(activation: Step) -> Dual:
    return JumpDual(0.0, 1.0)


@dual.register
def _(activation: Sign) -> Dual:
    return JumpDual(-1.0, 1.0)


@dual.register
def _(activation: SquaredRelu) -> Dual:
    return SquaredReluDual()


@dual.register
def _(activation: Erf) -> Dual:
    return ErfDual()


@dual.register
def _(activation: Gelu) -> Dual:
    return GeluDual()


@dual.register
def _(activation: Gaussian) -> Dual:
    return GaussianDual()


@dual.register
def _(activation: Sin) -> Dual:
    return sine_dual(activation.amplitude, activation.frequency, activation.phase)


@dual.register
def _(activation: Cos) -> Dual:
    return SineDual(1.0, 1.0, 1.0, -1.0)


@dual.register
def _(activation: RbfFeature) -> Dual:
    return SineDual(math.sqrt(2.0), math.sqrt(2.0 * activation.gamma), math.sqrt(0.5), 0.0)


@dual.register
def _(activation: Exp) -> Dual:
    return ExpDual(activation.rate)


@dual.register
def _(activation: Polynomial) -> Dual:
    return dual_of_polynomial(activation.coefficients)


@dual.register
def _(activation: Monomial) -> Dual:
    return dual_of_polynomial((0.0,) * activation.power + (1.0,))


@dual.register
def _(activation: Hermite) -> Dual:
    return dual_of_hermite(activation.order)


@dual.register
def _(activation: Rescaled) -> Dual:
    return RescaledDual(dual(activation.activation), activation.scale, activation.shift)

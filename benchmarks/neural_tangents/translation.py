"""Our architectures, as their JSON, in the words of neural-tangents 0.6.5 (parameterization "ntk" throughout).

Where the two differ in meaning:

- Dropout: their rate is the probability to keep, ours to drop; mode "train", the only one with an effect.
- Pooling: their strides default to 1, ours to the window.
- SelfAttention: their linear_scaling=True, softmax; W_key_std = W_query_std = qk_std; weight_std is the product of
  W_value_std and W_out_std.
- LinearAttention: their linear_scaling=False, identity; only the product of the four deviations matters.
- ConvTranspose: they divide by the whole window, our "nominal" edges by window / stride: weight_std * sqrt(stride).
- Hermite: theirs holds at variance 1 alone, so it is written as a Polynomial, which holds at every variance.
- a shift of an activation: their Kernel + c forgets the cross term 2 c E sigma; `shifted` below adds it.
- activations without a closed form: Gauss-Hermite quadrature of a chosen degree in each of two variables.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from neural_tangents import stax
from neural_tangents._src.stax.requirements import Diagonal, get_diagonal_outer_prods, layer, requires, supports_masking
from serving import Refused

Config = dict[str, Any]
Layer = tuple[Callable, Callable, Callable]

NUMERICAL: dict[str, Callable] = {
    "Tanh": jnp.tanh,
    "Sigmoid": jax.nn.sigmoid,
    "Softplus": jax.nn.softplus,
    "Swish": jax.nn.silu,
    "Elu": jax.nn.elu,
}


def stax_layers(net: Config, axes: int, degree: int = 25) -> Layer:
    """The network as (init_fn, apply_fn, kernel_fn).

    Args: net, `config()` of an architecture; axes, the number of axes of positions of the input: 0 for vectors;
        degree, of the quadrature where there is no closed form.
    Raises: Refused for a node without a counterpart.
    """
    return _read(net, axes, degree)[0]


def first_shape(net: Config) -> tuple[Config, tuple[int, ...] | None]:
    """The network without a leading Reshape, and the shape that this gave to each input."""
    nodes = net["nodes"] if net["kind"] == "Serial" else [net]
    if nodes and nodes[0]["kind"] == "Reshape":
        return {"kind": "Serial", "nodes": nodes[1:]}, tuple(nodes[0]["shape"])
    return net, None


def _read(node: Config, axes: int, degree: int) -> tuple[Layer, int]:
    """A layer, and the axes of positions after it."""
    kind = node["kind"]
    if kind == "Serial":
        layers = []
        for part in node["nodes"]:
            made, axes = _read(part, axes, degree)
            layers.append(made)
        return stax.serial(*layers) if layers else stax.Identity(), axes
    if kind in ("ParallelSum", "Residual"):
        branches = node["branches"] if kind == "ParallelSum" else [node["branch"], {"kind": "Identity"}]
        read = [_read(branch, axes, degree) for branch in branches]
        joined = stax.serial(stax.FanOut(len(read)), stax.parallel(*(made for made, _ in read)), stax.FanInSum())
        return joined, read[0][1]
    if kind in ("Flatten", "GlobalAveragePool", "GlobalSumPool"):
        names = {"Flatten": stax.Flatten, "GlobalAveragePool": stax.GlobalAvgPool, "GlobalSumPool": stax.GlobalSumPool}
        return names[kind](), 0
    if kind in _LAYERS:
        return _LAYERS[kind](node, axes), axes
    return activation(node, degree), axes


def _weights(node: Config) -> dict[str, Any]:
    return {"W_std": node["weight_std"], "b_std": node["bias_std"] or None, "parameterization": "ntk"}


def _dense(node: Config, axes: int) -> Layer:
    return stax.Dense(1, **_weights(node))


def _conv(node: Config, axes: int) -> Layer:
    window, strides = _per_axis(node["window"], axes), _per_axis(node["strides"], axes)
    return stax.Conv(1, window, strides, node["padding"], **_weights(node))


def _conv_transpose(node: Config, axes: int) -> Layer:
    if node["edges"] != "nominal":
        raise Refused("ConvTranspose with edges='graph' has no counterpart in neural-tangents; 'nominal' has")
    window, strides = _per_axis(node["window"], axes), _per_axis(node["strides"], axes)
    weights = _weights(node) | {"W_std": node["weight_std"] * math.sqrt(math.prod(strides))}
    return stax.ConvTranspose(1, window, strides, node["padding"], **weights)


def _pool(node: Config, axes: int) -> Layer:
    window = _per_axis(node["window"], axes)
    strides = window if node["strides"] is None else _per_axis(node["strides"], axes)
    return (stax.AvgPool if node["kind"] == "AveragePool" else stax.SumPool)(window, strides, "VALID")


def _dropout(node: Config, axes: int) -> Layer:
    return stax.Dropout(1.0 - node["rate"], mode="train")


def _layer_norm(node: Config, axes: int) -> Layer:
    return stax.LayerNorm()


def _self_attention(node: Config, axes: int) -> Layer:
    return stax.GlobalSelfAttention(
        1, 1, 1, 1,
        linear_scaling=True,
        W_key_std=node["qk_std"], W_query_std=node["qk_std"],
        W_value_std=node["weight_std"], W_out_std=1.0,
        b_std=node["bias_std"] or None,
    )  # fmt: skip


def _linear_attention(node: Config, axes: int) -> Layer:
    return stax.GlobalSelfAttention(
        1, 1, 1, 1,
        linear_scaling=False,
        attention_mechanism="IDENTITY",
        W_key_std=node["weight_std"],
        b_std=node["bias_std"] or None,
    )  # fmt: skip


_LAYERS = {
    "Dense": _dense,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "AveragePool": _pool,
    "SumPool": _pool,
    "Dropout": _dropout,
    "LayerNorm": _layer_norm,
    "SelfAttention": _self_attention,
    "LinearAttention": _linear_attention,
}


def activation(node: Config, degree: int) -> Layer:
    """An activation, rescaled or not."""
    kind = node["kind"]
    if kind in ("Affine", "Standardised", "Normalised"):
        inner = node["activation"]
        made, mean = activation(inner, degree), _mean(inner, degree)
        scale, shift = _scale_and_shift(node, made, mean)
        return shifted(made, scale, shift, mean)
    if kind in NUMERICAL:
        return stax.ElementwiseNumerical(NUMERICAL[kind], degree)
    if kind not in _CLOSED:
        known = ", ".join(sorted([*_LAYERS, *_CLOSED, *NUMERICAL]))
        raise Refused(f"{kind} has no counterpart in neural-tangents; known: {known}")
    return _CLOSED[kind](node)


def _monomial(node: Config) -> Layer:
    power = node["power"]
    return stax.Monomial(power) if power <= 5 else stax.Polynomial((0.0,) * power + (1.0,))


_CLOSED: dict[str, Callable[[Config], Layer]] = {
    "Identity": lambda node: stax.Identity(),
    "Relu": lambda node: stax.Relu(),
    "LeakyRelu": lambda node: stax.LeakyRelu(node["slope"]),
    "Abs": lambda node: stax.Abs(),
    "Step": lambda node: stax.RectifiedMonomial(0),
    "Sign": lambda node: stax.Sign(),
    "SquaredRelu": lambda node: stax.RectifiedMonomial(2),
    "Erf": lambda node: stax.Erf(),
    "Gelu": lambda node: stax.Gelu(),
    "Sin": lambda node: stax.Sin(node["amplitude"], node["frequency"], node["phase"]),
    "Cos": lambda node: stax.Cos(),
    "RbfFeature": lambda node: stax.Rbf(node["gamma"]),
    "Exp": lambda node: stax.Exp(1.0, node["rate"]),
    "Gaussian": lambda node: stax.Gaussian(),
    "Polynomial": lambda node: stax.Polynomial(node["coefficients"]),
    "Monomial": _monomial,
    "Hermite": lambda node: stax.Polynomial(_hermite(node["order"])),
}


def _hermite(order: int) -> tuple[float, ...]:
    """Coefficients of the orthonormal Hermite polynomial, lowest first."""
    return tuple(np.polynomial.hermite_e.herme2poly([0] * order + [1]) / math.sqrt(math.factorial(order)))


def _power_mean(coefficients: tuple[float, ...], q: Any) -> Any:
    """E p(x), x of variance q: (k - 1)!! q^(k/2) for even powers k."""
    return sum(c * math.prod(range(k - 1, 0, -2)) * q ** (k // 2) for k, c in enumerate(coefficients) if k % 2 == 0)


def _mean(node: Config, degree: int) -> Callable[[Any], Any]:
    """E sigma(x) as a function of the variance q of x."""
    kind = node["kind"]
    if kind in NUMERICAL:
        points, weights = np.polynomial.hermite.hermgauss(degree)

        def by_quadrature(q: Any) -> Any:
            x = points.reshape((-1,) + (1,) * q.ndim)
            return jnp.tensordot(weights / math.sqrt(math.pi), NUMERICAL[kind](jnp.sqrt(2 * q) * x), (0, 0))

        return by_quadrature
    means: dict[str, Callable[[Any], Any]] = {
        "Relu": lambda q: jnp.sqrt(q / (2 * math.pi)),
        "LeakyRelu": lambda q: (1 - node["slope"]) * jnp.sqrt(q / (2 * math.pi)),
        "Abs": lambda q: jnp.sqrt(2 * q / math.pi),
        "Step": lambda q: jnp.full_like(q, 0.5),
        "SquaredRelu": lambda q: q / 2,
        "Gelu": lambda q: q / jnp.sqrt(2 * math.pi * (1 + q)),
        "Sin": lambda q: node["amplitude"] * math.sin(node["phase"]) * jnp.exp(-(node["frequency"] ** 2) * q / 2),
        "Cos": lambda q: jnp.exp(-q / 2),
        "RbfFeature": lambda q: jnp.exp(-node["gamma"] * q),
        "Exp": lambda q: jnp.exp(node["rate"] ** 2 * q / 2),
        "Gaussian": lambda q: 1 / jnp.sqrt(1 + 2 * q),
        "Polynomial": lambda q: _power_mean(node["coefficients"], q),
        "Monomial": lambda q: _power_mean((0.0,) * node["power"] + (1.0,), q),
        "Hermite": lambda q: _power_mean(_hermite(node["order"]), q),
    }
    return means.get(kind, jnp.zeros_like)  # the rest is odd


def _scale_and_shift(node: Config, inner: Layer, mean: Callable[[Any], Any]) -> tuple[float, float]:
    if node["kind"] == "Affine":
        return node["factor"], node["offset"]
    rectified = {"Step": 0.5, "SquaredRelu": 1.5}  # E sigma(Z)^2, which theirs does not give
    square = rectified.get(node["activation"]["kind"]) or _square(inner)
    if node["kind"] == "Standardised":
        return 1 / math.sqrt(square), 0.0
    middle = float(mean(jnp.ones(())))
    std = math.sqrt(square - middle**2)
    return 1 / std, -middle / std


def _square(inner: Layer) -> float:
    """E sigma(Z)^2, Z standard normal: the variance after one layer on the input 1."""
    _, _, kernel = stax.serial(stax.Dense(1), inner)
    return float(kernel(jnp.ones((1, 1)), None, "cov1").ravel()[0])


@layer
@supports_masking(remask_kernel=True)
def shifted(inner: Layer, scale: float, shift: float, mean: Callable[[Any], Any]) -> Layer:
    """scale * inner + shift: E[...] = scale^2 K + scale shift (m1 + m2) + shift^2."""
    init, apply, kernel = inner

    def scaled_apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        return scale * apply(params, inputs) + shift

    @requires(diagonal_spatial=Diagonal())
    def kernel_fn(k: Any, **kwargs: Any) -> Any:
        out = kernel(k) * scale
        if shift == 0:
            return out
        mean1, mean2 = mean(k.cov1), None if k.cov2 is None else mean(k.cov2)
        both = k.diagonal_batch, k.diagonal_spatial
        sum11, sum12, sum22 = get_diagonal_outer_prods(mean1, mean2, *both, operator.add)
        if all(both):
            sum11, sum22 = 2 * mean1, None if mean2 is None else 2 * mean2
        cross = scale * shift
        return out.replace(
            cov1=out.cov1 + cross * sum11 + shift**2,
            nngp=out.nngp + cross * sum12 + shift**2,
            cov2=None if out.cov2 is None else out.cov2 + cross * sum22 + shift**2,
        )

    return init, scaled_apply, kernel_fn


def _per_axis(value: int | list[int], axes: int) -> tuple[int, ...]:
    if axes == 0:
        raise Refused("a layer over positions came after the positions were gone")
    return (value,) * axes if isinstance(value, int) else tuple(value)

"""Kernels between positions of images: valuation, borders, checkerboards, eigenmodes."""

import math

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from theodolite.architectures import (
    ConvTranspose,
    Dense,
    Erf,
    Flatten,
    Relu,
    Reshape,
    balanced,
    layers_with_weights,
    parse,
)
from theodolite.finite_width import network
from theodolite.finite_width.tangent_gram import tangent_gram
from theodolite.infinite_width import (
    checkerboards,
    ntk,
    position_kernels,
    stride_rates,
    torus_eigenvalues,
    valuation_kernels,
)
from theodolite.infinite_width.generators.periods import checkerboard_part, periodic_part, valuation
from theodolite.numerics.errors import BadInput, ShapeMismatch, TooLarge

STANDARD, NORMALISED = Relu().standardised(), Relu().normalised()


def generator(activation, beta, layers, first=None, **options):
    options = {"weight_std": math.sqrt(1 - beta**2), "bias_std": beta, **options}
    net = first or ConvTranspose(4, 2, **options)
    for _ in range(layers - 1):
        net = net >> activation >> ConvTranspose(4, 2, **options)
    return net


def latent(shape, count=1, seed=0):
    """Inputs of mean square 1 at every position."""
    X = np.random.default_rng(seed).normal(size=(count, *shape))
    X *= math.sqrt(shape[-1]) / np.linalg.norm(X, axis=-1, keepdims=True)
    return X.reshape(count, -1)


def sixteen(activation, beta, edges="graph"):
    """1 x 1 to 16 x 16 in four layers."""
    options = {"weight_std": math.sqrt(1 - beta**2), "bias_std": beta, "edges": edges}
    return Reshape((1, 1, 32)) >> generator(activation, beta, 4, ConvTranspose(2, 2, **options), edges=edges)


@pytest.mark.exact
@pytest.mark.parametrize(("activation", "beta"), [(STANDARD, 0.5), (NORMALISED, 0.1), (Erf().standardised(), 0.6)])
def test_on_a_torus_the_kernel_depends_on_the_valuation_alone(activation, beta):
    net = generator(activation, beta, 5, padding="CIRCULAR")
    found = position_kernels(Reshape((3, 1)) >> net, np.ones((1, 3)))
    by_valuation = valuation_kernels(net)
    v = np.array([[valuation((p - q,), [(2,)] * 5) for q in range(96)] for p in range(96)])
    apart = v < 5  # positions under one root; those of different roots are as correlated as the roots are
    for kernel, expected in zip((found.nngp[0, 0], found.ntk[0, 0]), by_valuation, strict=True):
        assert_allclose(kernel[apart], expected[v[apart]], rtol=1e-13, atol=1e-15)
        assert_allclose(np.diag(kernel), expected[5], rtol=1e-13)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("activation", "beta", "expected"),
    [
        (STANDARD, 0.5, [0.0819, 0.2291, 0.3672, 0.4886, 0.5939]),
        (STANDARD, 0.1, [0.0020, 0.0684, 0.1443, 0.2214, 0.2973]),
        (NORMALISED, 0.1, [0.0008, 0.0020, 0.0034, 0.0047, 0.0059]),
        (Erf().standardised(), 0.6, [0.1104, 0.2421, 0.3688, 0.4858, 0.5930]),
    ],
)
def test_normalised_kernels_by_valuation_are_those_of_another_implementation(activation, beta, expected):
    ntk_by_valuation = valuation_kernels(generator(activation, beta, 5, padding="CIRCULAR"))[1]
    assert_allclose(ntk_by_valuation[:5] / ntk_by_valuation[5], expected, atol=5e-5)


@pytest.mark.exact
def test_order_bounds_the_kernel_by_valuation():
    """theta_v <= (1 - r^(v+1)) / (1 - r^L), r = 1 - beta^2 for standardised ReLU."""
    beta, layers = 0.5, 6
    theta = valuation_kernels(generator(STANDARD, beta, layers, padding="CIRCULAR"))[1]
    r = 1 - beta**2
    bound = (1 - r ** np.arange(1.0, layers + 1)) / (1 - r**layers)
    assert (theta[:layers] / theta[layers] <= bound + 1e-12).all()


@pytest.mark.exact
def test_eigenvalues_on_a_torus_with_one_root():
    net = generator(
        STANDARD, 0.5, 3, ConvTranspose(2, 2, "CIRCULAR", weight_std=math.sqrt(0.75), bias_std=0.5), padding="CIRCULAR"
    )
    found = position_kernels(Reshape((1, 1, 4)) >> net, latent((1, 1, 4)))
    values, counts = torus_eigenvalues(valuation_kernels(net)[1], [4, 4, 4], 64)
    assert_allclose(np.linalg.eigvalsh(found.ntk_matrix)[::-1], np.repeat(values, counts), rtol=1e-12)
    assert_allclose(values / values[-1], [21.9, 8.4, 2.4, 1.0], rtol=6e-3)  # another implementation's


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("activation", "shape", "layers", "ratio", "corner"),
    [
        (STANDARD, (2, 8), 4, 14.47, 0.2723),
        (NORMALISED, (2, 8), 4, 11.46, 0.6652),
        (STANDARD, (2, 2, 8), 3, 47.70, 0.0623),
        (NORMALISED, (2, 2, 8), 3, 28.57, 0.1597),
    ],
)
def test_borders_are_uneven_unless_edges_are_counted(activation, shape, layers, ratio, corner):
    X, r = latent(shape), {STANDARD: 0.99, NORMALISED: 0.99 * NORMALISED.scale**2 / 2}[activation]
    plain = np.diag(position_kernels(Reshape(shape) >> generator(activation, 0.1, layers), X).ntk_matrix)
    even = np.diag(position_kernels(Reshape(shape) >> generator(activation, 0.1, layers, edges="graph"), X).ntk_matrix)
    assert plain.max() / plain.min() == pytest.approx(ratio, rel=5e-4)
    assert plain[0] == pytest.approx(corner, abs=6e-5)
    assert_allclose(even, (1 - r**layers) / (1 - r), rtol=1e-12)


@pytest.mark.exact
def test_one_position_without_neighbours_is_a_fully_connected_network():
    X = latent((1, 5), 3)
    layer = ConvTranspose(1, 1, weight_std=math.sqrt(0.91), bias_std=0.3)
    net = Reshape((1, 5)) >> layer >> Erf() >> layer >> Erf() >> layer
    assert_allclose(position_kernels(net, X).ntk_matrix, ntk(balanced(Erf(), 3, 0.3))(X), rtol=1e-13)


@pytest.mark.montecarlo
def test_tangent_kernels_of_networks_drawn_at_random_agree():
    """1-D, 2 to 8 positions, two inputs, 60 networks of width 100; bias at finite width 1.5 max / width."""
    net = Reshape((2, 4)) >> generator(STANDARD, 0.3, 2, edges="graph")
    X, width, draws = latent((2, 4), 2).astype(np.float32), 100, 60
    f = network(net, width)

    def gram(params):
        return tangent_gram(lambda own: f.apply(own, X).ravel(), params)

    compiled = jax.jit(gram, compiler_options={"xla_backend_optimization_level": 0})
    params, rng = f.init(jax.random.key(0), (8,)), np.random.default_rng(0)
    redraw = lambda: jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape, dtype=np.float32), params)  # noqa: E731
    drawn = np.array([compiled(redraw()) for _ in range(draws)], dtype=np.float64)
    expected = position_kernels(net, X.astype(np.float64)).ntk_matrix
    beyond = np.maximum(np.abs(drawn.mean(0) - expected) - 1.5 * expected.max() / width, 0)
    assert (beyond / (drawn.std(0, ddof=1) / math.sqrt(draws))).max() < 4.5


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("activation", "beta", "decay", "edges", "expected"),
    [
        (STANDARD, 0.5, 0, "graph", (0.375, 3.02, 355, 38, 0.266)),
        (STANDARD, 0.1, 0, "graph", (0.169, 1.10, 42, 269, 0.589)),
        (STANDARD, 0.5, 0.5, "graph", (0.192, 2.42, 91, 184, 0.347)),
        (STANDARD, 0.5, 1, "graph", (0.087, 1.74, 21, 648, 0.276)),
        (NORMALISED, 0.1, 0, "graph", (0.021, 1.83, 3.2, 1015, 0.065)),
        (STANDARD, 0.5, 0, "nominal", (0.480, 3.53, 1.6e4, 18, None)),
    ],
)
def test_spectra_of_a_generator_are_those_of_another_implementation(activation, beta, decay, edges, expected):
    net, X = sixteen(activation, beta, edges), latent((1, 1, 32), 4, seed=5)
    found = checkerboards(net, X, rates=stride_rates(net, decay=decay))
    same, dominance, condition, rank, first_step = expected
    assert found.same_for_all == pytest.approx(same, abs=6e-4)
    assert found.dominance == pytest.approx(dominance, abs=6e-3)
    assert found.condition == pytest.approx(condition, rel=0.03)
    assert found.effective_rank == pytest.approx(rank, rel=0.02)
    if first_step is not None:
        assert found.first_step == pytest.approx(first_step, abs=1.1e-3)
    assert found.isotropic == pytest.approx(15 / 256)


@pytest.mark.oracle
def test_leading_eigenvectors_in_order_are_a_constant_and_seven_checkerboards_alike_for_all_inputs():
    kernel = position_kernels(sixteen(STANDARD, 0.5), latent((1, 1, 32), 4, seed=5)).ntk_matrix
    top = np.linalg.eigh(kernel)[1][:, :-9:-1].T.reshape(8, 4, 16, 16)
    squares = {"all": (1, 2, 3), "each": (1, 2)}
    constant = (periodic_part(top, (1, 1)) ** 2).sum(axis=squares["all"])
    boards = (checkerboard_part(top, (4, 4)) ** 2).sum(axis=squares["all"])
    alike = 4 * (top.mean(axis=1) ** 2).sum(axis=squares["each"])
    assert constant[0] > 0.998
    assert (boards[1:] >= 0.985).all()  # another implementation's
    assert_allclose(alike, 1.0, atol=2e-5)


@pytest.mark.oracle
def test_the_last_layers_dominate_in_order_and_know_short_periods_only():
    """Frobenius norms of the layers' parts, r^(L - l) taken out: growing by about the root of the strides, or not."""
    grown, boards, X = {}, {}, latent((1, 1, 32), 1, seed=5)
    for name, activation, beta in (("order", STANDARD, 0.5), ("chaos", NORMALISED, 0.1)):
        options = {"weight_std": math.sqrt(1 - beta**2), "bias_std": beta, "padding": "CIRCULAR"}
        first = ConvTranspose(2, 2, **options)
        net = Reshape((1, 1, 32)) >> generator(activation, beta, 4, first, padding="CIRCULAR")
        parts = [position_kernels(net, X, rates=tuple(np.eye(4)[k])).ntk_matrix for k in range(4)]
        norms = np.array([np.linalg.norm(part) / part[0, 0] for part in parts])
        grown[name] = norms[1:] / norms[:-1]
        images = [part.reshape(256, 16, 16) for part in parts]
        traces = [
            np.trace(checkerboard_part(own, (4, 4)).reshape(256, 256)) / np.trace(own.reshape(256, 256))
            for own in images
        ]
        boards[name] = np.array(traces)
        if name == "order":
            assert np.linalg.eigvalsh(parts[-1])[-1] / 256 == pytest.approx(0.347, abs=5e-4)
            assert [round(float(part[0, 0] / parts[-1][0, 0]), 12) for part in parts] == [0.75**3, 0.75**2, 0.75, 1.0]
    assert (np.diff(grown["order"]) > 0).all()
    assert grown["order"][-1] == pytest.approx(2.85, abs=0.1)  # on a torus of another root
    assert (np.abs(grown["chaos"] - 1) < 0.04).all()
    assert_allclose(boards["order"][[0, -1]], [0.07, 0.44], atol=5e-3)
    assert (boards["chaos"] < 0.07).all()


@pytest.mark.oracle
def test_untrained_generators_draw_checkerboards_in_order_and_hardly_in_chaos():
    X = latent((1, 1, 32), 4, seed=5)
    assert checkerboards(sixteen(STANDARD, 0.5), X).drawn == pytest.approx(0.365, abs=0.006)
    assert checkerboards(sixteen(NORMALISED, 0.1), X).drawn == pytest.approx(0.066, abs=1e-3)


@pytest.mark.exact
def test_projections_are_projections():
    images = np.random.default_rng(0).normal(size=(3, 8, 12))
    once = checkerboard_part(images, (4, 2))
    assert_allclose(checkerboard_part(once, (4, 2)), once, atol=1e-14)
    assert_allclose((once * (images - once)).sum(axis=(1, 2)), 0.0, atol=1e-12)
    assert_allclose(
        periodic_part(images, (1, 1)), np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape)
    )
    with pytest.raises(BadInput, match="does not divide"):
        periodic_part(images, (3, 1))


@pytest.mark.exact
def test_rates_fall_by_the_stride_and_one_rate_each_is_the_kernel():
    net = sixteen(STANDARD, 0.5)
    assert stride_rates(net) == (0.5, 0.25, 0.125, 0.0625)
    X, count = latent((1, 1, 32)), len(layers_with_weights(net))
    layers = [position_kernels(net, X, rates=tuple(np.eye(count)[k])).ntk for k in range(count)]
    assert_allclose(sum(layers), position_kernels(net, X).ntk, rtol=1e-12)


def test_advice_speaks_of_what_would_change():
    order = checkerboards(sixteen(STANDARD, 0.5, "nominal"), advise=True)
    assert "checkerboards" in order.advice[0]
    assert any("stride_rates" in line for line in order.advice)
    assert any("edges=graph" in line for line in order.advice)
    chaos = checkerboards(sixteen(NORMALISED, 0.1), advise=True)
    assert len(chaos.advice) == 1


def test_networks_that_make_no_images_are_refused():
    with pytest.raises(BadInput, match="no ConvTranspose"):
        checkerboards(parse("reshape((4, 4, 2)) conv relu conv"))
    with pytest.raises(ShapeMismatch, match="without positions"):
        position_kernels(Reshape((2, 3)) >> ConvTranspose(2, 2) >> Erf() >> Flatten() >> Dense(), latent((2, 3)))
    with pytest.raises(TooLarge):
        position_kernels(sixteen(STANDARD, 0.5), latent((1, 1, 32), 4), memory_limit="1 MB")
    with pytest.raises(BadInput, match="does not say what its inputs are"):
        checkerboards(generator(STANDARD, 0.5, 2))

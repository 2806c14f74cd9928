"""The compiled route for images and sequences against the plain rules, and what holds whatever the network."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theodolite.architectures import (
    AveragePool,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Erf,
    Flatten,
    Gelu,
    GlobalAveragePool,
    GlobalSumPool,
    Identity,
    LayerNorm,
    LeakyRelu,
    Relu,
    Reshape,
    Residual,
    SumPool,
    Tanh,
    from_config,
)
from theodolite.infinite_width import limit, nngp, ntk, routes
from theodolite.infinite_width.routes import images, reading
from theodolite.infinite_width.routes.image_families import AxisFamilies
from theodolite.infinite_width.routes.image_steps import image_segments
from theodolite.kernels import Pairs
from theodolite.numerics.errors import NoInfiniteWidthLimit, ShapeMismatch, TooLarge

AGREES = 1e-12  # of the largest entry, in float64
STD = {"weight_std": 1.4, "bias_std": 0.3}
C = Conv(3, **STD)
HEAD = GlobalAveragePool() >> Dense(1.2, 0.1)

NETWORKS = {
    "flatten": C >> Relu() >> C >> Relu() >> Flatten() >> Dense(),
    "global average": C >> Relu() >> C >> Relu() >> HEAD,
    "global sum": C >> Erf() >> GlobalSumPool() >> Dense(),
    "gelu": C >> Gelu() >> C >> Gelu() >> HEAD,
    "leaky": C >> LeakyRelu(0.2) >> HEAD,
    "shifted": C >> Relu().normalised() >> C >> Gelu().normalised() >> HEAD,
    "scaled identity": C >> Identity() >> C >> Identity().normalised() >> C >> Relu() >> HEAD,
    "valid": Conv(2, padding="VALID", **STD) >> Relu() >> Conv(3, padding="VALID", **STD) >> Erf() >> HEAD,
    "circular": Conv(3, padding="CIRCULAR", **STD) >> Relu() >> Conv(4, padding="CIRCULAR") >> Relu() >> HEAD,
    "circular and same": Conv(3, padding="CIRCULAR", **STD) >> Relu() >> C >> Relu() >> HEAD,
    "strides": Conv(3, strides=2, **STD) >> Relu() >> C >> Relu() >> HEAD,
    "circular strides": Conv(3, 2, "CIRCULAR") >> Relu() >> Conv(2, padding="CIRCULAR", **STD) >> Relu() >> HEAD,
    "pool, flatten": C >> Relu() >> AveragePool(2) >> C >> Relu() >> Flatten() >> Dense(),
    "overlapping pools": C >> Relu() >> SumPool(3, strides=1) >> C >> Erf() >> AveragePool(2, strides=1) >> HEAD,
    "layers above": C >> Relu() >> HEAD >> Relu() >> Dense(1.5, 0.2) >> Gelu() >> Dense(),
    "flatten, layers above": C >> Relu() >> Flatten() >> Dense(1.3, 0.1) >> Relu() >> Dense(),
    "dense at each position": Dense(**STD) >> Relu() >> C >> Relu() >> Dense(1.1, 0.2) >> Erf() >> HEAD,
    "residual": C >> Residual(Relu() >> C >> Relu() >> Conv(1, **STD)) >> Relu() >> HEAD,
    "residual of an activation": C >> Relu() >> Residual(C) >> Residual(C >> Relu() >> C) >> Conv(2) >> Relu() >> HEAD,
    "residuals in residuals": C
    >> Residual(Relu() >> C >> Residual(Relu() >> C) >> Relu() >> C)
    >> Flatten()
    >> Dense(),
    "residual, then strides": C >> Residual(Relu() >> C) >> Conv(2, strides=2) >> Relu() >> HEAD,
    "layer norm": C >> LayerNorm() >> Relu() >> LayerNorm() >> C >> LayerNorm() >> Relu() >> HEAD,
    "linear": C >> C >> HEAD,
    "no weights before the pooling": AveragePool(2) >> C >> Relu() >> HEAD,
}
SHAPES = [(5, 6, 6, 2), (4, 7, 8, 1), (5, 9, 3)]


@pytest.fixture(autouse=True)
def _small_inputs_too(monkeypatch):
    monkeypatch.setattr(images, "FEWEST", 1)


def plain(net, x, z=None, rates=None, tangent=True):
    """NNGP and NTK by the plain rules."""
    pairs = Pairs(x, z)
    moments = reading.read_pairs(net, pairs, rates, tangent)
    return moments.nngp, moments.ntk


def fast(net, x, z=None, rates=None):
    """NNGP and NTK by the compiled route, which must hold."""
    found = images.fill(net, Pairs(x, z), rates, True, True)
    assert found is not None, "no fast route"
    return found


def gap(found, wanted):
    """The largest difference of any of the matrices, over the largest entry."""
    return max(float(np.abs(one - two).max() / np.abs(two).max()) for one, two in zip(found, wanted, strict=True))


def drawn(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.exact
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS.keys())
def test_agrees_with_the_plain_rules(net, shape):
    x, z = drawn(shape), drawn((3, *shape[1:]), seed=1)
    assert gap(fast(net, x), plain(net, x)) < AGREES
    assert gap(fast(net, x, z), plain(net, x, z)) < AGREES


@pytest.mark.exact
def test_windows_and_strides_of_their_own_on_each_axis():
    net = Conv((1, 3), strides=(2, 1), **STD) >> Relu() >> AveragePool((1, 2)) >> Conv((2, 1)) >> Relu() >> HEAD
    x = drawn((4, 6, 7, 2))
    assert gap(fast(net, x), plain(net, x)) < AGREES


@pytest.mark.exact
@pytest.mark.parametrize("name", ["flatten", "pool, flatten", "layers above", "residual"])
def test_each_point_with_itself(name):
    net, x = NETWORKS[name], drawn((4, 6, 6, 2))
    wanted = reading.read_points(net, x, None, True)
    found = images.points(net, x, None, True)
    assert found is not None
    assert gap(found, (wanted.nngp, wanted.ntk)) < AGREES
    assert gap(found, [np.diagonal(part) for part in fast(net, x)]) < 1e-14


@pytest.mark.exact
def test_rates_and_single_kernels():
    net, x = C >> Relu() >> Residual(C) >> HEAD, drawn((4, 6, 6, 2))
    rates = (0.5, 0.0, 2.0)
    wanted = plain(net, x, rates=rates)
    assert gap([ntk(net, rates=rates)(x)], wanted[1:]) < AGREES
    assert gap([nngp(net)(x)], wanted[:1]) < AGREES
    assert gap([nngp(net).diagonal(x)], [np.diagonal(wanted[0])]) < AGREES


@pytest.mark.exact
def test_vectors_that_are_reshaped():
    net, x = NETWORKS["global average"], drawn((4, 6, 6, 2))
    flat = limit(Reshape((6, 6, 2)) >> net)(x.reshape(4, -1))
    assert gap(flat, fast(net, x)) == 0.0


@pytest.mark.parametrize("name", ["flatten", "pool, flatten"])
def test_single_precision_is_rounded_at_the_end(name):
    net, x = NETWORKS[name], drawn((4, 6, 6, 2)).astype(np.float32)
    found = fast(net, x)
    assert [part.dtype for part in found] == [np.float32] * 2
    assert gap(found, plain(net, x.astype(np.float64))) < 2 * np.finfo(np.float32).eps


@pytest.mark.exact
@pytest.mark.parametrize("lanes", [1, 2, 5, 8])
@pytest.mark.parametrize("bytes_", [1.0, 128e6])
def test_blocks_do_not_matter(monkeypatch, lanes, bytes_):
    net, x, z = NETWORKS["pool, flatten"], drawn((11, 6, 6, 2)), drawn((7, 6, 6, 2), seed=1)
    wanted = plain(net, x), plain(net, x, z)
    monkeypatch.setattr(images, "LANES", (lanes, lanes))
    monkeypatch.setattr(images, "CHUNK_BYTES", bytes_)
    assert gap(fast(net, x), wanted[0]) < AGREES
    assert gap(fast(net, x, z), wanted[1]) < AGREES


@pytest.mark.exact
def test_permuted_inputs_permute_the_kernel():
    net, x = NETWORKS["pool, flatten"], drawn((9, 6, 6, 1))
    order = np.random.default_rng(3).permutation(9)
    for one, two in zip(fast(net, x[order]), fast(net, x), strict=True):
        np.testing.assert_allclose(one, two[np.ix_(order, order)], rtol=1e-13)


@pytest.mark.exact
def test_symmetric_values_are_those_of_two_sets():
    net, x = NETWORKS["global average"], drawn((6, 6, 6, 2))
    off = ~np.eye(6, dtype=bool)
    for one, two in zip(fast(net, x), fast(net, x, x.copy()), strict=True):
        np.testing.assert_array_equal(one, one.T)
        np.testing.assert_allclose(one[off], two[off], rtol=1e-13)


@pytest.mark.exact
def test_positions_without_any_signal():
    net, x = Conv(3) >> Relu() >> Conv(3) >> Relu() >> HEAD, drawn((4, 8, 8, 2))
    x[:, 3:] = 0.0
    x[3] = 0.0
    assert gap(fast(net, x), plain(net, x)) < AGREES


STORED = json.loads(Path(__file__).with_name("neural_tangents.json").read_text(encoding="utf-8"))
KNOWN = [
    entry
    for entry in STORED["kernels"]
    if image_segments(from_config(entry["net"]), np.shape(STORED["inputs"][entry["input"]])[1:], None) is not None
]


@pytest.mark.oracle
@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry["name"])
def test_agrees_with_stored_values_of_neural_tangents(entry):
    net = from_config(entry["net"])
    pairs = Pairs(
        np.array(STORED["inputs"][entry["input"]]),
        np.array(STORED["inputs"][entry["other"]]) if "other" in entry else None,
    )
    found = images.fill(net, pairs, None, True, "ntk" in entry)
    assert found is not None, "no fast route"
    mask = np.ones(pairs.shape, dtype=bool)
    if entry["compare"] != "everywhere" and pairs.symmetric:
        np.fill_diagonal(mask, False)
    for part, name in zip(found, ("nngp", "ntk"), strict=True):
        if name in entry:
            wanted = np.array(entry[name], dtype=float)
            assert np.abs(part - wanted)[mask].max() < 1e-10 * np.abs(wanted[mask]).max()


def test_most_stored_networks_with_positions_are_read_by_this_route():
    with_positions = [entry for entry in STORED["kernels"] if np.ndim(STORED["inputs"][entry["input"]]) > 2]
    assert len(KNOWN) > len(with_positions) / 2 > 10


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 7), st.integers(6, 8), st.integers(6, 8), st.integers(1, 3)),
    name=st.sampled_from(sorted(NETWORKS)),
)
def test_kernels_are_positive_semidefinite(seed, size, name):
    for part in fast(NETWORKS[name], drawn(size, seed)):
        assert np.linalg.eigvalsh(part).min() > -1e-11 * np.abs(part).max()


@pytest.mark.parametrize(
    ("net", "error"),
    [
        (Relu() >> C >> Flatten() >> Dense(), NoInfiniteWidthLimit),
        (C >> Relu() >> Relu() >> Flatten() >> Dense(), NoInfiniteWidthLimit),
        (C >> Relu() >> Flatten() >> Relu() >> Dense(), NoInfiniteWidthLimit),
        (C >> Relu() >> GlobalAveragePool() >> LayerNorm() >> Dense(), NoInfiniteWidthLimit),
        (C >> Relu() >> Residual(C) >> Relu() >> HEAD, NoInfiniteWidthLimit),
        (LayerNorm() >> C >> HEAD, NoInfiniteWidthLimit),
        (C >> Relu(), ShapeMismatch),
        (Conv(9) >> Relu() >> HEAD, ShapeMismatch),
        (C >> HEAD >> C, ShapeMismatch),
        (C >> Residual(Conv(3, strides=2)) >> HEAD, ShapeMismatch),
        (Conv((3, 3, 3)) >> HEAD, Exception),
    ],
    ids=repr,
)
def test_errors_are_those_of_the_plain_rules(net, error):
    x = drawn((3, 6, 6, 2))
    with pytest.raises(error) as named:
        plain(net, x)
    with pytest.raises(type(named.value)) as met:
        limit(net)(x)
    assert str(met.value) == str(named.value)


@pytest.mark.parametrize(
    "net",
    [
        C >> Tanh() >> HEAD,
        C >> ConvTranspose() >> Relu() >> HEAD,
        C >> Dropout(0.2) >> HEAD,
        C >> Residual(C >> Relu()) >> C >> HEAD,
    ],
    ids=repr,
)
def test_other_networks_are_left_to_the_plain_route(net):
    x = drawn((3, 6, 6, 2))
    assert images.fill(net, Pairs(x), None, True, True) is None
    assert gap(limit(net)(x), plain(net, x)) < AGREES


@pytest.mark.parametrize("fewest", [10**9, 10**4], ids=["whatever the network", "for so few layers"])
def test_small_inputs_are_left_to_the_plain_route(monkeypatch, fewest):
    monkeypatch.setattr(images, "FEWEST", fewest)
    x = drawn((3, 6, 6, 2))
    assert images.fill(NETWORKS["flatten"], Pairs(x), None, True, True) is None
    assert routes.on_points(NETWORKS["flatten"], x, None, True)[0].shape == (3,)


def test_memory_is_estimated_before_it_is_taken(monkeypatch):
    from theodolite.numerics import memory

    monkeypatch.setattr(memory, "free_bytes", lambda: 15_000)
    with pytest.raises(TooLarge, match="moments of 4 images"):
        fast(NETWORKS["pool, flatten"], drawn((4, 6, 6, 2)))
    with pytest.raises(TooLarge, match="table of all pairs"):
        fast(NETWORKS["pool, flatten"], drawn((1, 6, 9, 1)))


@pytest.mark.exact
def test_families_share_no_pair_and_cover_all():
    (segment, _) = image_segments(NETWORKS["global average"], (6, 5, 1), None) or ()
    families = AxisFamilies(segment, 0, np.zeros(1, dtype=np.int64), {}).families
    assert len(families) == 11
    for level in range(len(families[0].levels)):
        pairs = np.concatenate([family.levels[level] for family in families])
        assert len(np.unique(pairs, axis=0)) == len(pairs) == 36


@pytest.mark.exact
def test_positions_that_wrap_around_have_fewer_families():
    (segment, _) = image_segments(NETWORKS["circular"], (6, 5, 1), None) or ()
    families = AxisFamilies(segment, 0, np.zeros(1, dtype=np.int64), {}).families
    assert [len(pairs) for family in families for pairs in family.levels] == [6] * 3 * 6


@pytest.mark.exact
def test_a_flatten_needs_one_family():
    (segment, _) = image_segments(NETWORKS["flatten"], (6, 5, 1), None) or ()
    (family,) = AxisFamilies(segment, 0, np.zeros(1, dtype=np.int64), {}).families
    np.testing.assert_array_equal(family.levels[0], np.arange(6)[:, None].repeat(2, axis=1))

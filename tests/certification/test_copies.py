"""A network without units that are copies: the same outputs, fewer units, and names that lead back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl.backends.exact.fingerprints import fingerprints
from cpwl.certification.by_name import naming_of
from cpwl.certification.copies import WithoutCopies, occurring, without_copies
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Max, Network, Piecewise
from cpwl.network.joint import joined
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network, networks
from tests.support.checker_inputs import every_operator
from tests.support.equal_pairs import (
    WAYS,
    Layers,
    clipped,
    clipped_and_scaled,
    image_pair,
    in_another_order,
    in_units_of_others,
    layers,
    of_leaky_units,
    of_maxima,
    of_scaled_magnitudes,
    of_threes,
    plain,
    turned_around,
)
from tests.support.named_inputs import output_at
from tests.support.solid_inputs import CUBE


def rewritten(net: Network, domain: Domain, start: int) -> WithoutCopies:
    part = partition(net, domain)
    return without_copies(net, domain, occurring([part]), start)


def same_outputs(first: Network, second: Network, domain: Domain) -> bool:
    rng = np.random.default_rng(0)
    corners = np.asarray(domain.polytope.vertices, np.float64)
    weights = rng.dirichlet(np.ones(len(corners)), 20)
    points = np.round(weights @ corners * 0.9 * 2**20) / 2**20
    return bool((output_at(first, domain, points) == output_at(second, domain, points)).all())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("domain", "sizes"), [(SQUARE, [2, 5, 4, 2]), (CUBE, [3, 4, 3, 2])], ids=["plane", "solid"])
def test_outputs_stay_exactly_and_names_lead_back(way: str, domain: Domain, sizes: list[int]) -> None:
    made = layers(len(way), sizes)
    net = joined(plain(made), WAYS[way](made))
    merged = rewritten(net, domain, len(plain(made).nodes))
    assert same_outputs(net, merged.network, domain)
    part = partition(merged.network, domain)
    assert len(part) == len(partition(net, domain))
    naming = naming_of(part)
    assert naming is not None
    names = merged.named(naming).names
    for (_, _, node, first, second), (_, _, was, a, b) in zip(naming.names.tolist(), names.tolist(), strict=True):
        op, old = merged.network.nodes[node].op, net.nodes[was].op
        assert type(op) is type(old)
        argument = net.nodes[net.nodes[was].inputs[0]].size
        assert a < argument and (b < argument if isinstance(old, Max) else b == second)
        assert isinstance(op, Piecewise) or first < second


def units(net: Network) -> int:
    return sum(net.nodes[i].size for i in net.nonlinear)


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"units that cancel"}))
@pytest.mark.parametrize(("domain", "sizes"), [(SQUARE, [2, 6, 5, 2]), (CUBE, [3, 4, 3, 2])], ids=["plane", "solid"])
def test_what_bends_alike_has_no_unit_of_its_own(way: str, domain: Domain, sizes: list[int]) -> None:
    """Scaled, turned around, or written by other activations: the walls are there, and nothing is cut again."""
    made = layers(len(way), sizes)
    first = plain(made)
    merged = rewritten(joined(first, WAYS[way](made)), domain, len(first.nodes))
    assert units(merged.network) == units(first)


@pytest.mark.parametrize("seed", range(3))
def test_of_convolutions_and_pools_too(seed: int) -> None:
    """Channels in another order, one that is off, or scaled by powers of two."""
    first, other, plane = image_pair(seed)
    for second in (other, in_another_order(first, 1, 3, scaled=True)):
        net = joined(first, second)
        merged = rewritten(net, plane, len(first.nodes))
        assert units(merged.network) == units(first) < units(net)
        assert same_outputs(net, merged.network, plane)


def through_the_centre(made: Layers) -> Layers:
    """All units of the first layer bend at the origin."""
    (weight, bias), *others = made
    return [(weight, 0 * bias), *others]


PAIRS = {
    "clipped": (clipped, clipped_and_scaled),
    "maxima of three": (of_threes, lambda made: of_threes(made, (3.0, 0.5))),
    "maxima, turned around": (of_maxima, turned_around),
    "every unit turned around": (
        lambda made: plain(through_the_centre(made)),
        lambda made: in_units_of_others(through_the_centre(made), [-1.0, -0.5], RELU, turned=True),
    ),
    "magnitudes, leaky": (of_scaled_magnitudes, of_leaky_units),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_of_other_activations_too(pair: str) -> None:
    """Breakpoints that are scaled as well; maxima of several, in whatever order."""
    made = layers(4, [2, 6, 5, 2])
    first, second = (way(made) for way in PAIRS[pair])
    net = joined(first, second)
    merged = rewritten(net, SQUARE, len(first.nodes))
    assert same_outputs(net, merged.network, SQUARE)
    assert units(merged.network) == units(first) < units(net)
    assert len(partition(merged.network, SQUARE)) == len(partition(net, SQUARE)) == len(partition(first, SQUARE))


def test_the_least_is_not_taken_for_the_largest() -> None:
    """Of three: max(-x) is no multiple of max(x), though they are made of the same differences."""
    made = layers(6, [2, 6, 2])
    first, second = of_threes(made), of_threes(made, (-1.0, -2.0))
    merged = rewritten(joined(first, second), SQUARE, len(first.nodes))
    assert units(merged.network) > units(first)
    assert same_outputs(joined(first, second), merged.network, SQUARE)


def test_a_network_beside_itself_in_another_order_has_no_unit_twice() -> None:
    rng, made = np.random.default_rng(0), layers(4, [2, 6, 5, 2])
    changed = list(made)
    for k in range(2):
        order = rng.permutation(len(made[k][1]))
        changed[k] = changed[k][0][order], changed[k][1][order]
        changed[k + 1] = changed[k + 1][0][:, order], changed[k + 1][1]
    net = joined(plain(made), plain(changed))
    merged = rewritten(net, SQUARE, len(plain(made).nodes))
    assert len(net.nonlinear) == 4 and len(merged.network.nonlinear) == 2
    assert same_outputs(net, merged.network, SQUARE)


@settings(max_examples=25)
@given(networks(), st.integers(1, 3))
def test_any_network_keeps_its_outputs(net: Network, start: int) -> None:
    """Degenerate networks, whose own layers may repeat each other, from any node on."""
    twice = joined(net, net)
    for network in (net, twice):
        assert same_outputs(network, rewritten(network, SQUARE, start).network, SQUARE)


@pytest.mark.parametrize(
    "net",
    [
        he_network(1, [2, 5, 4, 3], ["relu", "maxout"]),
        he_network(2, [2, 5, 3, 2], ["hardtanh", "abs"]),
        every_operator(),
    ],
    ids=["maxout", "hardtanh", "every operator"],
)
def test_entries_with_one_fingerprint_are_one_function(net: Network) -> None:
    """And others have others: by values at random points in exact arithmetic."""
    part = partition(net, SQUARE)
    points = np.random.default_rng(1).integers(-64, 65, (40, 2)) / 64
    for node, bent, prints in fingerprints(net, SQUARE, occurring([part])):
        values = output_at(Network(net.nodes[: node + 1]), SQUARE, points)
        keys = prints.of(np.arange(net.nodes[node].size))
        for i, key in enumerate(keys):
            for j in range(i):
                same = bool((values[:, i] == values[:, j]).all())
                assert (keys[j] == key) == same or (same and {i, j} & set(bent.units.tolist()))

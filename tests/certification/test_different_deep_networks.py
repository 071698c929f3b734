"""That deep networks differ is proved where named vertices say so: exactly, and without exact vertices."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import certify_equal
from cpwl.backends.exact.fingerprints import Prints
from cpwl.certification import by_name, extrema_and_equality, prove
from cpwl.certification.copies import WithoutCopies
from cpwl.certification.extrema_and_equality import DifferentNetworks, EqualNetworks
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Network, Periodic
from cpwl.network.joint import joined
from tests.support.certify_inputs import SQUARE, he_network
from tests.support.checker_inputs import permuted, replaced, shifted, small_network
from tests.support.equal_pairs import WAYS, chain, layers, plain
from tests.support.named_inputs import coordinates, named, output_at
from tests.support.solid_inputs import CUBE


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All networks are deep; which vertices were asked for."""
    monkeypatch.setattr(prove, "_DEEP", 0)
    found: list[Any] = []
    certify = extrema_and_equality.certify

    def noted(part: Any, *, vertices: Any = None, **options: Any) -> Any:
        made = certify(part, vertices=vertices, **options)
        found.append(made.vertices)
        return made

    monkeypatch.setattr(extrema_and_equality, "certify", noted)
    return found


def test_the_difference_is_exact_and_as_large_as_that_of_exact_vertices(asked: list[Any]) -> None:
    net, other = (he_network(seed, [2, 6, 5, 3], ["relu", "maxout"]) for seed in (1, 2))
    claim = certify_equal(net, other, SQUARE)
    assert isinstance(claim, DifferentNetworks) and asked == ["named"]
    assert claim.check().startswith("different-networks: ")
    first, second = (output_at(network, SQUARE, [claim.u])[0, claim.output] for network in (net, other))
    assert first - second == claim.difference and all(-1 <= x <= 1 for x in claim.u)
    exact = np.abs(cpwl.certify(cpwl.partition(cpwl.difference(net, other), SQUARE), vertices="exact").values).max()
    assert exact * (1 - Fraction(1, 2**80)) <= abs(claim.difference) <= exact


SLANTED = [
    Domain.hull([[-1.0, -1.0], [1.0, -0.5], [0.5, 1.0]]),
    Domain.polygon([[0.0, 0.0], [0.7, -0.2], [1.1, 0.3], [0.1, 0.9]], [0.1, 0.2], [[1.0, 0.3], [-0.2, 1.0]]),
    Domain.simplex([0.1, 0.0, 0.3], [1.0, 0.2, 0.0], [0.0, 1.1, -0.1], [0.3, 0.0, 1.0]),
    Domain.box([-1.0], [0.7]),
]


@pytest.mark.parametrize("domain", SLANTED, ids=["triangle", "polygon", "simplex", "line"])
def test_the_point_near_a_vertex_is_near_it_and_in_the_domain(domain: Domain) -> None:
    """Beside slanted sides too, where a rounded point may lie out of it."""
    net = he_network(3, [domain.basis.shape[0], 5, 4, 2], ["relu", "leaky"])
    proven = named(net, domain)
    off = []
    for v, exact in enumerate(coordinates(proven.document())):
        near = proven.near(v)
        assert domain.polytope.contains(near.tolist())
        off.append(max(abs(near - exact)))
    assert max(off) < Fraction(1, 2**100) and len(off) > 10


@pytest.mark.parametrize("domain", SLANTED, ids=["triangle", "polygon", "simplex", "line"])
def test_the_difference_is_as_large_as_that_of_exact_vertices_beside_slanted_sides(
    domain: Domain, asked: list[Any]
) -> None:
    for seed in range(6):
        net, other = (he_network(3 * seed + k, [domain.basis.shape[0], 4, 3, 2], ["relu", "relu"]) for k in (1, 2))
        claim = certify_equal(net, other, domain)
        assert isinstance(claim, DifferentNetworks) and claim.check()
        outputs = cpwl.partition(cpwl.difference(net, other), domain, backend="exact").outputs.to_numpy()
        exact = np.abs(outputs).max()
        assert exact * (1 - Fraction(1, 2**80)) <= abs(claim.difference) <= exact
    assert set(asked) == {"named"}


def test_a_difference_of_the_last_digit_is_found(asked: list[Any]) -> None:
    net = small_network()
    claim = certify_equal(net, shifted(net), SQUARE)
    assert isinstance(claim, DifferentNetworks) and abs(claim.difference) == 2.0**-40 and asked == ["named"]
    assert claim.check()


def test_networks_that_names_do_not_prove_equal_are_with_exact_vertices(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = small_network()
    monkeypatch.setattr(by_name, "proved_equal", lambda *_: None)
    claim = certify_equal(net, permuted(net), SQUARE)
    assert isinstance(claim, EqualNetworks) and asked[-1] == "exact" and claim.check()


def test_a_difference_that_no_point_beside_a_vertex_has_is_left_to_exact_ones(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A point where the two happen to be equal refutes nothing, and proves nothing."""
    net = small_network()
    monkeypatch.setattr(extrema_and_equality, "_outputs", at_no_named_point(extrema_and_equality._outputs))
    claim = certify_equal(net, shifted(net), SQUARE)
    assert isinstance(claim, DifferentNetworks) and asked == ["named", "exact"] and claim.check()


@pytest.mark.parametrize("domain", [Domain.box([0.25], [0.75]), CUBE], ids=["line", "solid"])
def test_in_other_dimensions(asked: list[Any], domain: Domain) -> None:
    rng = np.random.default_rng(domain.dim)
    sizes = [domain.dim, 4, 3, 2]
    weights = [rng.standard_normal((n, m)) for m, n in pairwise(sizes)]
    biases = [rng.standard_normal(n) for n in sizes[1:]]
    net, other = (Network.mlp(weights, [*biases[:-1], bias]) for bias in (biases[-1], 2 * biases[-1]))
    claim = certify_equal(net, other, domain)
    assert isinstance(claim, DifferentNetworks) and claim.check() and "named" in asked


@pytest.mark.parametrize("names", [True, False])
def test_what_is_taken_for_a_copy_by_mistake_makes_no_networks_equal(
    names: bool, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fingerprints only propose: here they take all units of the second for those of the first."""
    made = layers(3, [2, 4, 3, 2])
    first, (weight, bias) = plain(made), made[0]
    other = plain([(weight, bias + np.array([0.0, 0.0, 0.0, 0.25])), *made[1:]])

    def mistaken(joint: Network, *_: Any) -> WithoutCopies:
        same = joined(first, first)
        return WithoutCopies(same, {i: (i, None) for i in same.nonlinear})

    monkeypatch.setattr(extrema_and_equality, "without_copies", mistaken)
    monkeypatch.setattr(extrema_and_equality, "_outputs", at_no_named_point(extrema_and_equality._outputs))
    if not names:
        monkeypatch.setattr(by_name, "naming_of", lambda _: None)
    claim = certify_equal(first, other, SQUARE)
    assert isinstance(claim, DifferentNetworks) and claim.check() and asked[-1] == "exact"


@pytest.mark.parametrize("way", ["permuted and scaled", "turned around", "magnitudes"])
def test_a_wrong_factor_makes_no_networks_equal_and_none_different(
    way: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where fingerprints say wrong things of scaled units: equal ones are proved so by exact vertices, others told."""
    made = layers(3, [2, 4, 3, 2])
    first, second = plain(made), WAYS[way](made)
    last = second.nodes[-1].op
    assert isinstance(last, Dense)
    other = replaced(second, {len(second.nodes) - 1: Dense(last.weight, last.bias + 0.5)})
    monkeypatch.setattr(Prints, "quotient", lambda *_: Fraction(3))
    assert isinstance(certify_equal(first, second, SQUARE), EqualNetworks) and asked[-1] == "exact"
    claim = certify_equal(first, other, SQUARE)
    assert isinstance(claim, DifferentNetworks) and claim.check()
    a, b = (output_at(net, SQUARE, [claim.u])[0, claim.output] for net in (first, other))
    assert a - b == claim.difference != 0


def at_no_named_point(outputs: Any) -> Any:
    """As if the networks were equal at the first point that is asked for."""
    calls: list[None] = []

    def made(network: Network, domain: Domain, u: Any) -> Any:
        calls.append(None)
        return outputs(network, domain, u) * (len(calls) > 1)

    return made


def test_networks_that_share_more_once_periods_are_unrolled_are_deep_all_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wave, of which the second network lists another period."""
    made = layers(3, [2, 4, 4, 2])
    waves = (Periodic(4.0, np.array([start, start + 2.0]), np.array([1.0, -1.0]), -1.0) for start in (-1.0, 3.0))
    first, second = (chain(made, wave, RELU) for wave in waves)
    shared = joined(*(cpwl.partition(network, SQUARE).network for network in (first, second)))
    assert shared.products < joined(first, second).products
    monkeypatch.setattr(prove, "_DEEP", shared.products + 1)
    claim = certify_equal(first, second, SQUARE)
    assert isinstance(claim, EqualNetworks) and claim.check()

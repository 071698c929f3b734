"""Certificates of lines and of spaces: proofs/, Lemma 16 and Theorem 6, as they are made, written, read and checked."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl import Certificate, certify, certify_constant, certify_equal, certify_extremum, checker
from cpwl.certification import ConstantDecision, DecisionCounterexample, DifferentNetworks, EqualNetworks
from cpwl.certification.cover import demand_cover, oriented_facets
from cpwl.claims.triangulation import Triangulation
from cpwl.errors import FileFormatError, IncompleteError, VerificationError
from cpwl.geometry.domain import Domain
from cpwl.geometry.polytope import Polytope
from cpwl.network import RELU, Dense, Network
from cpwl.numbers.integers import homogeneous
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from tests.support.certify_inputs import SQUARE, he_network, networks
from tests.support.checker_inputs import encoded, permuted, shifted
from tests.support.solid_inputs import CUBE, as_simplices, four, small_solid, solids, tetrahedron, wide

DIMENSIONS = (1, 3, 4, 5)


def cube(dim: int) -> Domain:
    return Domain.box([-1.0] * dim, [1.0] * dim)


def random_part(dim: int, seed: int = 0, **options: Any) -> Partition:
    widths = {1: [1, 9, 9, 2], 3: [3, 6, 5, 2], 4: [4, 5, 3, 2], 5: [5, 4, 2, 2]}[dim]
    return partition(he_network(seed, widths, ["relu", "leaky"]), cube(dim), **options)


@st.composite
def degenerate(draw: Any) -> tuple[Network, Domain]:
    """Small-integer weights on a line, in space or in four dimensions: nearly everything in them is degenerate."""
    dim = draw(st.sampled_from([1, 3, 4]))
    return draw(networks(inputs=dim)), cube(dim)


# ---- what is made is accepted --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dim", "backend"), list(product(DIMENSIONS, ["torch", "exact"])))
def test_partitions_of_every_dimension_are_certified(dim: int, backend: str) -> None:
    part = random_part(dim, backend=backend)
    certificate = certify(part)
    assert certificate.regions == len(part) > 8 and not len(certificate.repaired) and not len(certificate.added)
    assert f"{len(part)} in number" in certificate.check()
    exact = certificate.partition
    assert exact.arrangement.exact and (exact.patterns() == part.patterns()).all()
    assert [row.tolist() for row in exact.regions] == [row.tolist() for row in part.regions]


@settings(max_examples=40, deadline=None)
@given(degenerate())
def test_degenerate_networks_are_certified(made: tuple[Network, Domain]) -> None:
    net, domain = made
    certificate = certify(partition(net, domain))
    answer = certificate.check()
    assert f"{len(partition(net, domain, backend='exact'))} in number" in answer


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_volumes_of_simplices_are_those_of_regions_and_add_up(dim: int) -> None:
    certificate = certify(random_part(dim))
    volumes = certificate.partition.volumes()
    assert sum(volumes) == certificate.area == 2**dim
    rounded = random_part(dim).volumes(accuracy=2.0**-40)
    assert np.allclose(rounded, volumes.astype(np.float64), rtol=2.0**-39, atol=0)


def test_a_slice_that_is_no_box_is_certified() -> None:
    certificate = certify(partition(wide(), tetrahedron()))
    assert certificate.check() and sum(certificate.partition.volumes()) == tetrahedron().polytope.exact_volume


@pytest.mark.parametrize("seed", range(3))
def test_a_planar_certificate_in_triangles_says_the_same(seed: int) -> None:
    """The two forms of proof agree where both are possible: D = 2."""
    planar = certify(partition(he_network(seed, [2, 6, 5, 2], ["relu", "abs"]), SQUARE))
    triangles = as_simplices(planar)
    assert checker.check(encoded(triangles)).split(";")[0].endswith(f"{planar.regions} in number")
    assert planar.check().split(";")[0].endswith(f"{planar.regions} in number")
    for value in ("7/8", "-3"):
        triangles["networks"][0]["nodes"][1]["weight"]["values"][0] = value
        triangles["networks"][0]["sha256"] = checker.digest(triangles["networks"][0]["nodes"])
        with pytest.raises(checker.Rejected, match=r"rule [89]"):
            checker.check(encoded(triangles))


# ---- repairs -------------------------------------------------------------------------------------------------------
@settings(max_examples=25, deadline=None)
@given(degenerate())
def test_float_partitions_are_proved_or_repaired(made: tuple[Network, Domain]) -> None:
    net, domain = made
    rough = partition(net, domain, predicates="float")
    certificate, exact = certify(rough), partition(net, domain, backend="exact")
    assert certificate.regions == len(exact) and certificate.check()
    assert len(certificate.added) - len(certificate.repaired) == len(exact) - len(rough)


@pytest.mark.parametrize("seed", [0, 1, 4, 33])
def test_float_decisions_that_were_wrong_are_repaired(seed: int) -> None:
    """Small-integer weights, and thirds: float signs give a tiling, but not the one."""
    rng, sizes = np.random.default_rng(seed), [3, 6, 6, 1]
    weights = [rng.integers(-2, 3, (fan_out, fan_in)).astype(float) for fan_in, fan_out in pairwise(sizes)]
    biases = [rng.integers(-1, 2, size) / 2 for size in sizes[1:]]
    net = Network.mlp([weights[0], weights[1] / 3, weights[2]], biases)
    rough, exact = partition(net, CUBE, predicates="float"), partition(net, CUBE)
    assert len(rough) != len(exact)
    certificate = certify(rough)
    assert certificate.regions == len(exact) and certificate.check()
    assert 0 < len(certificate.repaired) < len(rough) and len(certificate.added) > 0
    kept = np.setdiff1d(np.arange(len(rough)), certificate.repaired)
    assert (certificate.partition.patterns()[: len(kept)] == rough.patterns(kept)).all()


def test_regions_that_are_wrong_are_listed_and_the_others_keep_their_order() -> None:
    """A partition of another network, whose first unit has another bias: some patterns exist no more."""
    part, other = partition(small_solid(), CUBE), partition(small_solid(), CUBE)
    first = part.network.nodes[1].op
    assert isinstance(first, Dense)
    moved = Dense(first.weight, first.bias + np.array([1.5, 0.0, 0.0]))
    nodes = tuple(replace(node, op=moved) if i == 1 else node for i, node in enumerate(other.network.nodes))
    wrong = replace(other, network=Network(nodes))
    certificate = certify(wrong)
    exact = partition(wrong.network, CUBE, backend="exact")
    assert certificate.check() and certificate.regions == len(exact)
    kept = np.setdiff1d(np.arange(len(wrong)), certificate.repaired)
    assert 0 < len(kept) < len(wrong) and len(certificate.added) > 0
    assert certificate.added.tolist() == list(range(len(kept), certificate.regions))
    assert (certificate.partition.patterns()[: len(kept)] == wrong.patterns(kept)).all()


def test_a_partition_that_is_not_complete_is_refused() -> None:
    with pytest.raises(IncompleteError):
        certify(partition(small_solid(), CUBE, max_regions=3))


# ---- the other kinds -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dim", "sense"), list(product(DIMENSIONS, ["maximum", "minimum"])))
def test_extrema_are_those_of_the_exact_partition(dim: int, sense: Any) -> None:
    part = random_part(dim, seed=1)
    outputs = partition(part.network, part.domain, backend="exact").outputs.to_numpy()[:, 1]
    found = certify_extremum(part, 1, sense=sense)
    assert found.value == (outputs.max() if sense == "maximum" else outputs.min())
    assert found.check().startswith(f"extremum: the {sense} of output 1 is") and found.x.tolist() == found.u.tolist()


@pytest.mark.parametrize("dim", [1, 3, 4])
def test_decisions_are_constant_or_there_is_a_counterexample(dim: int) -> None:
    net = small_solid(dim) if dim < 4 else four()
    near = certify_constant(partition(net, Domain.box([0.75] * dim, [1.0] * dim)))
    assert near.check()
    whole = certify_constant(partition(net, cube(dim)), 1)
    assert isinstance(whole, ConstantDecision | DecisionCounterexample) and whole.check()
    margins = [row[1] - row[0] for row in certify(partition(net, cube(dim))).values]
    assert isinstance(whole, ConstantDecision) == (min(margins) > 0)


def test_networks_are_equal_or_differ_at_a_point() -> None:
    net = small_solid()
    same, other = certify_equal(net, permuted(net), CUBE), certify_equal(net, shifted(net), CUBE)
    assert isinstance(same, EqualNetworks) and same.check()
    assert isinstance(other, DifferentNetworks) and other.check() and other.difference == -Fraction(1, 2**40)


# ---- files ---------------------------------------------------------------------------------------------------------
def sides_sorted(document: dict[str, Any]) -> dict[str, Any]:
    """The same with the halfspaces of the domain, whose order means nothing, in one order."""
    return {**document, "domain": {**document["domain"], "halfspaces": sorted(document["domain"]["halfspaces"])}}


@pytest.mark.parametrize("name", ["solid-partition", "solid-line", "solid-four-dimensions", "solid-tetrahedron"])
def test_files_are_read_back_and_verified(name: str, tmp_path: Path) -> None:
    document = dict(solids())[name]
    (tmp_path / "c.json").write_bytes(encoded(document))
    read = Certificate.load(tmp_path / "c.json")
    assert read.verified and sides_sorted(read.document()) == sides_sorted(document)
    assert read.partition.arrangement.exact and len(read.partition) == document["claim"]["regions"]
    assert sum(read.partition.volumes()) == read.area
    assert certify_extremum(read).check()


def test_a_list_with_other_simplices_is_verified_and_its_values_are_at_its_own_points(tmp_path: Path) -> None:
    path = Path(__file__).parents[1] / "certificates" / "accept" / "solid-simplex-refined.json"
    read = Certificate.load(path)
    assert read.verified and len(read.values) == len(read.listing.points) > len(read.partition.vertices)
    assert certify_extremum(read, 0).check()


GOLDEN = sorted((Path(__file__).parents[1] / "certificates" / "reject").glob("*-solid-*.json"))
TILING_RULES = (3, 8, 9, 22, 23, 24, 25)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_the_library_rejects_what_the_checker_rejects(path: Path) -> None:
    """Two implementations of the rules: the same one is found broken."""
    rule = int(path.name.split("-")[1])
    if rule not in TILING_RULES or '"kind":"partition"' not in path.read_text():
        return
    if "unbounded" in path.name or "without-simplices" in path.name:
        with pytest.raises(FileFormatError, match=r"must bound a polytope|non-empty"):
            Certificate.load(path)
        return
    read = Certificate.load(path)
    with pytest.raises(VerificationError, match=f"rule {rule}:"):
        read.verify()
    assert not read.verified and "NOT verified" in read.report()


def test_files_that_are_no_list_of_simplices_are_refused(tmp_path: Path) -> None:
    malformed = Path(__file__).parents[1] / "certificates" / "malformed"
    names = ["point-of-two-coordinates", "simplex-of-three-corners", "corner-negative", "halfspace-of-three-numbers",
             "version-1", "version-3", "basis-ragged", "basis-of-two-columns"]  # fmt: skip
    for name in names:
        with pytest.raises(FileFormatError):
            cpwl.Certificate.load(malformed / f"solid-{name}.json")


# ---- Lemma 16 ------------------------------------------------------------------------------------------------------
def listing(points: Any, regions: list[list[list[int]]]) -> Triangulation:
    owner = np.repeat(np.arange(len(regions)), [len(region) for region in regions])
    simplices = np.array([simplex for region in regions for simplex in region])
    return Triangulation.of(homogeneous(np.asarray(points, np.float64)), owner, simplices, len(regions))


def covers(polytope: Polytope, made: Triangulation) -> bool:
    try:
        demand_cover(polytope, made)
    except VerificationError:
        return False
    return True


def test_lemma_16_on_a_line() -> None:
    line, points = Polytope.box([0.0], [1.0]), [[0.0], [1.0], [0.5], [0.5]]
    assert covers(line, listing(points, [[[0, 2]], [[1, 2]]]))
    assert covers(line, listing(points, [[[0, 1]]]))
    assert not covers(line, listing(points, [[[0, 2]]]))
    assert not covers(line, listing(points, [[[0, 2]], [[1, 3]]])), "two points at one place have two numbers"
    assert not covers(line, listing(points, [[[0, 1]], [[0, 2], [1, 2]]])), "covered twice"


def test_lemma_16_a_cube_in_five_or_six_simplices_but_not_in_both() -> None:
    box, corners = Polytope.box([0.0] * 3, [1.0] * 3), list(product([0.0, 1.0], repeat=3))
    place = {corner: i for i, corner in enumerate(corners)}
    middle = [[0, 3, 5, 6], [0, 1, 3, 5], [0, 2, 3, 6], [0, 4, 5, 6], [3, 5, 6, 7]]
    walks = [[0, 1, 3, 7], [0, 1, 5, 7], [0, 2, 3, 7], [0, 2, 6, 7], [0, 4, 5, 7], [0, 4, 6, 7]]
    assert len(place) == 8
    assert covers(box, listing(corners, [middle])) and covers(box, listing(corners, [walks]))
    assert not covers(box, listing(corners, [middle, walks]))
    for simplices in (middle, walks):
        for i in range(len(simplices)):
            assert not covers(box, listing(corners, [simplices[:i] + simplices[i + 1 :]]))
            assert not covers(box, listing(corners, [[*simplices, simplices[i]]]))


def test_lemma_16_m_is_constant_and_one_point_tells_it() -> None:
    """Facets all match and everything is covered twice: only rule 25 rejects it."""
    box, corners = Polytope.box([0.0] * 3, [1.0] * 3), list(product([0.0, 1.0], repeat=3))
    walks = [[0, 1, 3, 7], [0, 1, 5, 7], [0, 2, 3, 7], [0, 2, 6, 7], [0, 4, 5, 7], [0, 4, 6, 7]]
    twice = [*walks, *([v + 8 for v in simplex] for simplex in walks)]
    with pytest.raises(VerificationError, match="rule 25"):
        demand_cover(box, listing([*corners, *corners], [twice]))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_lemma_16_orientations_of_facets_cancel_inside(dim: int) -> None:
    certificate = certify(random_part(dim))
    made = certificate.listing
    assert isinstance(made, Triangulation)
    from cpwl.numbers.integers import determinants, signs

    facets, sums = oriented_facets(made.simplices, signs(determinants(made.points[made.simplices])))
    assert set(np.abs(sums).tolist()) <= {0, 1}
    rounded = np.array([[float(Fraction(int(x), int(row[-1]))) for x in row[:-1]] for row in made.points])
    border = (np.abs(rounded[facets]) == 1).all(axis=1) & (rounded[facets] == rounded[facets][:, :1]).all(axis=1)
    assert (border.any(axis=1) == (sums != 0)).all()


def test_theorem_6_needs_the_canonical_piece_over_the_whole_region() -> None:
    """relu(relu(x)): on half of the cube both units are 0 all over; the halves joined have no one piece."""
    net = Network.sequential(3, [Dense(np.array([[1.0, 0.0, 0.0]]), np.zeros(1)), RELU, RELU])
    good = certify(partition(net, CUBE)).document()
    assert good["claim"]["regions"] == 2
    first, second = good["proof"]["regions"]
    joined = {**good, "claim": {"regions": 1}, "proof": {**good["proof"], "regions": [first + second]}}
    with pytest.raises(checker.Rejected, match="rule 8"):
        checker.check(encoded(joined))

"""Certificates with named vertices: what the checker encloses, accepts, rejects and refuses."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl import Certificate, certify, certify_constant, certify_extremum, checker
from cpwl.certification import ConstantDecision, DecisionCounterexample
from cpwl.certification.by_name import naming_of
from cpwl.claims.document import document as stated
from cpwl.claims.document import proof
from cpwl.claims.naming import Naming
from cpwl.errors import ArgumentError, VerificationError
from cpwl.geometry.domain import Domain
from cpwl.network import Conv, Dense, Gather, Network, Node, Piecewise, Scale
from cpwl.network.network import Network as Net
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network, networks
from tests.support.checker_fuzz import is_false, mutated, scrambled, verdict
from tests.support.checker_inputs import Document, encoded, every_operator
from tests.support.named_inputs import OF_NAMES, coordinates, named, named_documents, output_at, with_coordinates
from tests.support.solid_inputs import CUBE


@pytest.fixture(scope="module")
def known() -> dict[str, Document]:
    return dict(named_documents())


@pytest.fixture(params=["flint", "pure"])
def arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With python-flint and without it."""
    if request.param == "pure":
        monkeypatch.setattr(checker.Matrix, "flint", None)
    return str(request.param)


def read(document: Document) -> tuple[checker.Network, checker.Domain]:
    """The network and the domain of a certificate as the checker reads them."""
    net = checker.Network.of(document["networks"][0], {})
    return net, checker.Domain.of(document["domain"], [net], 3)


def uneven(seed: int) -> Net:
    """Weights and biases whose denominators differ, thirds among them, on two branches that meet."""
    rng = np.random.default_rng(seed)
    nodes = [Node(cpwl.network.Input(), (), (2,))]

    def add(op: Any, shape: tuple[int, ...], *inputs: int) -> int:
        nodes.append(Node(op, inputs or (len(nodes) - 1,), shape))
        return len(nodes) - 1

    add(Dense(rng.integers(-8, 9, (6, 2)) / 2.0, rng.standard_normal(6)), (6,))
    first = add(cpwl.network.RELU, (6,))
    add(Dense(rng.integers(-2, 3, (6, 6)) / 2.0, rng.standard_normal(6) * 2.0**-30), (6,))
    add(cpwl.network.Divide(np.array([3.0, -7.0, 5.0, 3.0, 11.0, -3.0])), (6,))
    second = add(cpwl.network.RELU, (6,))
    add(Scale(rng.integers(-3, 4, 6) / 4.0, rng.standard_normal(6)), (6,))
    add(cpwl.network.Sum((1 / 3, -0.75)), (6,), first, len(nodes) - 1)
    add(Gather(np.array([[0, 1, 2], [3, 4, 5]])), (2, 3))
    add(cpwl.network.Max(), (2,))
    assert second
    return Network(tuple(nodes))


def units_after_units(seed: int) -> Net:
    """No linear operator between units: activations of activations and of maxima, maxima of activations, and a sum."""
    rng = np.random.default_rng(seed)
    leaky, bent = (Piecewise(np.array(b), np.array(s), v) for b, s, v in LINES)
    nodes = [Node(cpwl.network.Input(), (), (2,))]
    nodes.append(Node(Dense(rng.standard_normal((8, 2)), rng.standard_normal(8) / 4), (0,), (8,)))
    nodes += [Node(leaky, (1,), (8,)), Node(bent, (2,), (8,)), Node(Gather(np.arange(8).reshape(4, 2)), (3,), (4, 2))]
    nodes += [Node(leaky, (4,), (4, 2)), Node(cpwl.network.Max(), (5,), (4,)), Node(bent, (6,), (4,))]
    nodes.append(Node(Dense(rng.standard_normal((4, 4)), rng.standard_normal(4)), (7,), (4,)))
    nodes += [Node(bent, (8,), (4,)), Node(leaky, (9,), (4,)), Node(cpwl.network.Sum((0.5, -1.0)), (7, 10), (4,))]
    return Network(tuple(nodes))


LINES: list[tuple[list[float], list[float], float]] = [([0.0], [0.25, 1.0], 0.0), ([-0.5, 0.25], [0.0, 1.0, -0.5], 0.0)]
"""Breakpoints, slopes and values of two activations."""

CASES: dict[str, tuple[Any, Domain]] = {
    "units after units": (units_after_units, SQUARE),
    "relu and maxout": (lambda seed: he_network(seed, [2, 6, 5, 3], ["relu", "maxout"]), SQUARE),
    "hardtanh and abs": (lambda seed: he_network(seed, [2, 5, 4, 2], ["hardtanh", "abs"]), SQUARE),
    "every operator": (lambda seed: every_operator((6, 2, 8)[seed]), SQUARE),
    "uneven": (lambda seed: uneven(seed + 1), SQUARE),
    "a line": (lambda seed: he_network(seed, [1, 6, 6, 4, 1], ["relu", "leaky", "relu"]), Domain.box([-1.0], [1.0])),
    "space": (lambda seed: he_network(seed, [3, 5, 4, 2], ["relu", "relu"]), Domain.box([-1.0] * 3, [1.0] * 3)),
    "narrow": (lambda seed: he_network(seed, [2, 6, 2, 6, 2], ["relu", "leaky", "abs"]), SQUARE),
}


@pytest.mark.parametrize("case", CASES)
def test_balls_hold_what_is_exact_however_few_their_bits(case: str, arithmetic: str) -> None:
    """The outputs at all vertices and where these are: never farther from the exact numbers than the radii say."""
    made, domain = CASES[case]
    told = dict.fromkeys((16, 40, 53, 128), 0)
    for seed in range(3):
        part = partition(made(seed), domain)
        naming = naming_of(part)
        assert naming is not None
        document = stated("partition", (part.network,), domain, {"regions": len(part)}, 3)
        document["proof"] = proof(naming)
        places = coordinates(document)
        outputs = output_at(part.network, domain, places)
        for bits in told:
            try:
                found = checker.named_tiling(*read(document), {**document["proof"], "bits": bits})
            except checker.Rejected:
                continue
            told[bits] += 1
            for exact, balls in ((places, found.places), (outputs, found.outputs)):
                for row, (centres, radii) in zip(exact, balls, strict=True):
                    assert len(row) == len(centres)
                    for x, centre, radius in zip(row, centres, radii, strict=True):
                        assert abs(x * 2**bits - int(centre)) <= int(radius), (case, seed, bits)
                        assert radius * 2 ** min(bits // 2, 20) < 2**bits * 2**8  # and not for nothing
    assert told[128] == 3 and sum(told.values()) > 5


@pytest.mark.parametrize("bits", [8, 64])
def test_a_linear_node_encloses_its_exact_rows(bits: int, arithmetic: str) -> None:
    """Each operator by itself, with errors that go in: against the same rows moved by as much as these allow."""
    rng = random.Random(bits)
    net = checker.Network.of(stated("partition", (every_operator(3),), SQUARE, {})["networks"][0], {})
    wide = checker.Network.of(stated("partition", (uneven(3),), SQUARE, {})["networks"][0], {})
    one = 1 << bits
    for network in (net, wide):
        domain = checker.Domain.of(stated("partition", (every_operator(3),), SQUARE, {})["domain"], [network], 3)
        for node in network.nodes[1:]:
            if node.units is not None:
                continue
            sizes = [int(np.prod(network.nodes[j].shape)) for j in node.inputs]
            rows = [[[rng.randrange(-9 * one, 9 * one) for _ in range(n)] for _ in range(3)] for n in sizes]
            errors = [[rng.choice([0, 1, one // 16 + 1]) for _ in range(n)] for n in sizes]
            passage = checker.Passage(network, domain, bits)
            fields = [checker.Spanned(checker.Rows(r), e) for r, e in zip(rows, errors, strict=True)]
            made = passage._linear(node, fields)
            for _ in range(5):
                moved = [
                    [[x + rng.choice([-e, 0, e]) for x, e in zip(row, error)] for row in each]
                    for each, error in zip(rows, errors)
                ]
                exact, scales = node.apply([(each, [one, 0, 0]) for each in moved])
                scale = Fraction(scales[0], one)
                for wanted, row in zip(exact, made.rows.whole(), strict=True):
                    for x, y, e in zip(wanted, row, made.errors, strict=True):
                        assert abs(int(x) / scale - int(y)) <= int(e)


@pytest.mark.parametrize("bits", [4, 20, 100])
def test_combinations_and_their_enclosures_hold_what_is_exact(bits: int, arithmetic: str) -> None:
    """Rows and shares moved by as much as their radii allow: at each vertex, and over all of them."""
    rng, one = random.Random(bits), 1 << bits
    net = he_network(0, [2, 3, 1], ["relu"])
    network, domain = read(stated("partition", (net,), SQUARE, {}))
    for _ in range(20):
        width, count, size = rng.randrange(1, 5), rng.randrange(1, 4), rng.choice([1, one // 2 + 1, 5 * one])
        rows = [[rng.choice([0, rng.randrange(-size, size + 1)]) for _ in range(width)] for _ in range(count)]
        field = checker.Spanned(checker.Rows(rows), [rng.choice([0, 1, size // 8, size]) for _ in range(width)])
        passage = checker.Passage(network, domain, bits)
        for _ in range(3):
            shares = [rng.randrange(-size, size + 1) for _ in range(count)], [rng.choice([0, size]) for _ in rows]
            passage.vertices.append(checker.Vertex(shares, [], 0))
        low, high = passage._enclosed(field, None)
        balls = passage.at(field)
        for _ in range(10):
            moved = [[x + rng.choice([-e, 0, e]) for x, e in zip(row, field.errors, strict=True)] for row in rows]
            for vertex, (centres, radii) in zip(passage.vertices, balls, strict=True):
                taken = [x + rng.choice([-e, e]) for x, e in zip(*vertex.shares, strict=True)]
                for j in range(width):
                    exact = sum(x * row[j] for x, row in zip(taken, moved, strict=True))
                    assert low[j] <= exact <= high[j]
                    assert abs(Fraction(exact, one) - int(centres[j])) <= int(radii[j])


@settings(max_examples=40)
@given(networks(), st.booleans())
def test_named_certificates_say_what_exact_ones_say(net: Network, exactly: bool) -> None:
    """Degenerate networks: where names do not suffice the vertices are exact after all."""
    part = partition(net, SQUARE)
    found = certify(part, vertices="named")
    assert found.regions == len(partition(net, SQUARE, backend="exact"))
    assert f"{found.regions} in number" in found.check()
    if exactly and found.vertices == "named":
        assert checker.check(encoded(with_coordinates(found.document())))


@pytest.mark.parametrize("case", CASES)
def test_names_lead_to_the_vertices_of_the_partition(case: str) -> None:
    made, domain = CASES[case]
    certificate = named(made(1), domain)
    exact = {tuple(map(Fraction, p)) for p in partition(made(1), domain, backend="exact").vertices}
    assert {tuple(p) for p in coordinates(certificate.document())} == exact
    near = [certificate.near(v) for v in range(len(exact))]
    assert all(domain.polytope.contains(u.tolist()) for u in near)


@pytest.mark.parametrize("sense", ["maximum", "minimum"])
@pytest.mark.parametrize("case", CASES)
def test_bounds_of_an_extremum_hold_the_exact_one(case: str, sense: Any) -> None:
    made, domain = CASES[case]
    part = partition(made(2), domain)
    close = certify_extremum(certify(part, vertices="named"), 0, sense=sense)
    exact = certify_extremum(certify(part, vertices="exact"), 0, sense=sense)
    assert exact.error == 0 <= close.error < Fraction(1, 2**60) and abs(close.value - exact.value) <= close.error
    assert close.check().startswith(f"extremum: the {sense} of output 0 lies between")


def test_decisions_are_constant_or_refuted() -> None:
    net = he_network(1, [2, 5, 4, 3], ["relu", "maxout"])
    exact, close = (certify_constant(certify(partition(net, SQUARE), vertices=kind)) for kind in ("exact", "named"))
    assert type(exact) is type(close) and close.check()
    corner = Domain.box([-1.0, -0.75], [-0.75, -0.5])
    small = certify_constant(certify(partition(net, corner), vertices="named"))
    assert small.check().startswith("constant-decision: ")


def with_a_bend(scale: float, lead: float, dim: int) -> Network:
    """Output 0 is |scale x - 1| + lead, with x the first input; output 1 is 0."""
    bend = cpwl.network.Piecewise(np.zeros(1), np.array([-1.0, 1.0]))
    ops = [
        Dense(np.eye(1, dim) * scale, np.array([-1.0])),
        bend,
        Dense(np.array([[1.0], [0.0]]), np.array([lead, 0.0])),
    ]
    nodes = [Node(op, (i,), (2 if i == 2 else 1,)) for i, op in enumerate(ops)]
    return Network((Node(cpwl.network.Input(), (), (dim,)), *nodes))


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("scale", [2.0, 3.0])
@pytest.mark.parametrize("lead", [0.0, -(2.0**-160), 2.0**-160, 2.0**-400, 2.0**-1060])
def test_ties_at_named_vertices_are_told_as_exact_ones_tell_them(scale: float, lead: float, dim: int) -> None:
    """Two outputs are equal where scale x = 1, and nowhere else: nothing rounded is 1/3; or one leads by hardly any."""
    part = partition(with_a_bend(scale, lead, dim), Domain.box([0.0] * dim, [1.0] * dim))
    close = certify(part, vertices="named")
    assert close.vertices == "named"
    exact, told = (certify_constant(proven, 0) for proven in (certify(part, vertices="exact"), close))
    assert type(exact) is type(told) is (ConstantDecision if lead > 0 else DecisionCounterexample)
    assert told.check().split(":")[0] == exact.check().split(":")[0]
    if isinstance(told, DecisionCounterexample):
        assert told.u[0] == Fraction(1, int(scale)) and told.logits[0] == lead and told.other == 1


def test_a_tie_is_told_by_a_certificate_from_a_file(tmp_path: Path) -> None:
    part = partition(with_a_bend(3.0, 0.0, 2), Domain.box([0.0, 0.0], [1.0, 1.0]))
    certify(part, vertices="named").save(tmp_path / "c.json")
    told = certify_constant(Certificate.load(tmp_path / "c.json"), 0)
    assert isinstance(told, DecisionCounterexample) and told.u[0] == Fraction(1, 3) and told.check()


def test_ties_where_walls_of_later_layers_cross_are_told() -> None:
    """Output 0 is |f| + |g| of two outputs of a network, output 1 is 0: they tie where the walls of f and g cross."""
    told = []
    for seed in range(8):
        inner = he_network(seed, [2, 5, 4, 2], ["relu", "relu"])
        end = len(inner.nodes)
        level = Scale(np.ones(2), -cpwl.evaluate(inner, [0.3, -0.2]))
        ops = [level, with_a_bend(1.0, 0.0, 1).nodes[2].op, Dense(np.array([[1.0, 1.0], [0.0, 0.0]]), np.zeros(2))]
        last = [Node(op, (end - 1 + i,), (2,)) for i, op in enumerate(ops)]
        part = partition(Network((*inner.nodes, *last)), SQUARE)
        close, exact = (certify_constant(certify(part, vertices=kind), 0) for kind in ("named", "exact"))
        assert type(close) is type(exact) and close.check()
        if isinstance(close, DecisionCounterexample):
            told.append(close.u[0].denominator.bit_length())
            assert close.logits[0] == close.logits[1] == 0
    assert sum(bits > 200 for bits in told) > 3


# ---- files -----------------------------------------------------------------------------------------------------------
def test_a_named_certificate_is_read_and_verified_again(tmp_path: Path) -> None:
    certificate = named(he_network(0, [2, 8, 8, 2], ["relu", "relu"]), SQUARE)
    certificate.save(tmp_path / "c.json.gz")
    again = Certificate.load(tmp_path / "c.json.gz")
    assert again.vertices == "named" and again.regions == certificate.regions and again.verified
    assert (again.bounds[0] <= certificate.bounds[1]).all() and len(again.partition) == again.regions
    assert again.check() == certificate.check()
    with pytest.raises(ArgumentError, match="bounds"):
        _ = again.values


def test_a_wrong_one_is_not_verified(known: dict[str, Document], tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(known["named-partition"]))
    wrong["proof"]["regions"].pop()
    wrong["claim"]["regions"] -= 1
    (tmp_path / "wrong.json").write_bytes(encoded(wrong))
    certificate = Certificate.load(tmp_path / "wrong.json")
    assert not certificate.verified and "NOT verified" in certificate.report()
    with pytest.raises(VerificationError, match="rule 23"):
        certificate.verify()


def test_wide_networks_are_named_by_default() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in ((4, 4200), (1, 4))]
    net = Network.mlp(weights, [np.zeros(4), np.zeros(1)])
    domain = Domain.through(*rng.standard_normal((3, 4200)))
    assert certify(partition(net, domain)).vertices == "named"
    assert certify(partition(net, domain), vertices="exact").vertices == "exact"


def test_wrong_float_partitions_are_repaired() -> None:
    """Named vertices need exact decisions: a partition with others is computed again, and what was wrong is listed."""
    net = he_network(3, [2, 12, 12, 1], ["relu", "relu"])
    loose = partition(net, SQUARE, predicates="float")
    certificate = certify(loose, vertices="named")
    assert certificate.vertices == "named" and not len(certificate.repaired) and certificate.check()


# ---- what is false is not accepted -----------------------------------------------------------------------------------
def test_documents_of_every_kind_are_accepted(known: dict[str, Document], arithmetic: str) -> None:
    for name, document in known.items():
        assert checker.check(encoded(document)), name
    assert {document["kind"] for document in known.values()} == set(checker.NAMED)


@pytest.mark.parametrize("name", [change.__name__ for change in OF_NAMES])
def test_changed_certificates_are_accepted_only_if_true(name: str, known: dict[str, Document]) -> None:
    rng, done = random.Random(name), 0
    candidates = [document for document in known.values() if "proof" in document]
    while done < 12:
        change, wrong = mutated(rng.choice(candidates), rng)
        if change == name:
            done += 1
            assert verdict(encoded(wrong)) != "accepted" or not is_false(wrong), wrong


def test_damaged_files_never_end_in_a_traceback(known: dict[str, Document]) -> None:
    rng, candidates = random.Random(0), [encoded(document) for document in known.values()]
    for _ in range(200):
        data = scrambled(rng.choice(candidates), rng)
        assert verdict(data) != "accepted" or not is_false(checker.parse(data)), data


def test_bits_that_leave_a_sign_open_are_told_from_what_is_wrong(known: dict[str, Document]) -> None:
    few = json.loads(json.dumps(known["named-partition"]))
    few["proof"]["bits"] = 4
    with pytest.raises(checker.Open, match="more bits may tell it"):
        checker.check(encoded(few))


# ---- work ------------------------------------------------------------------------------------------------------------
def test_work_is_counted_before_it_is_done(
    known: dict[str, Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(encoded(known["named-partition"]))
    assert checker.main(["--max-work", "1000", str(path)]) == 3
    assert capsys.readouterr().out.startswith("refused: it takes ")
    assert checker.main(["--max-work", "10000000", str(path)]) == 0
    for words in (["--max-work"], ["--max-work", "many", str(path)]):
        assert checker.main(words) == 2
    exact = certify(partition(he_network(0, [2, 8, 1], ["relu"]), SQUARE)).document()
    with pytest.raises(checker.Refused):
        checker.check(encoded(exact), most=100)
    assert checker.check(encoded(exact), most=10**6)


def test_long_checks_without_flint_say_how_long(
    known: dict[str, Document], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checker.Matrix, "flint", None)
    monkeypatch.setattr(checker, "SLOW_PRODUCTS", 10)
    checker.decided(known["named-partition"], [], checker.Work(announce=True))
    assert "seconds or more without python-flint" in capsys.readouterr().err


def test_fewer_rows_than_vertices_go_through_a_convolutional_network() -> None:
    """What is pushed is a row for each unit that bends, not for each vertex."""
    rng = np.random.default_rng(0)
    conv = Conv(rng.standard_normal((4, 1, 3)) / 2, rng.standard_normal(4), (60,), (1,), ((1, 1),), (1,))
    ops: list[Any] = [Gather(np.arange(60).reshape(1, 60)), conv, cpwl.network.RELU, Gather(np.arange(240))]
    shapes = [(1, 60), (4, 60), (4, 60), (240,), (2,)]
    nodes = [Node(cpwl.network.Input(), (), (60,))]
    for op, shape in zip([*ops, Dense(rng.standard_normal((2, 240)), np.zeros(2))], shapes, strict=True):
        nodes.append(Node(op, (len(nodes) - 1,), shape))
    points = rng.standard_normal((3, 60))
    domain = Domain.through(*(points.mean(axis=0) + 0.2 * (points - points.mean(axis=0))))
    certificate = named(Network(tuple(nodes)), domain)
    document = certificate.document()
    net, plane = read(document)
    spent = checker.Work()
    network = checker.Network(net.nodes, net.sha256, spent)
    checker.named_tiling(network, plane, document["proof"])
    vertices = len(document["proof"]["vertices"])
    bent = len({tuple(row[2:]) for row in document["proof"]["vertices"] if len(row) == 5})
    rows = sum(node.cost * (3 + bent) for node in net.nodes)
    assert vertices > 3 * (3 + bent) and spent.done < 2 * rows + 2 * vertices * (3 + bent) * (bent + 500)


def test_names_outlive_the_order_of_regions() -> None:
    part = partition(he_network(2, [2, 10, 6, 1], ["relu", "relu"]), SQUARE)
    naming = naming_of(part)
    assert naming is not None and len(naming) == len(part)
    places = coordinates({**certify(part, vertices="named").document()})
    for region, (start, end) in enumerate(pairwise(naming.offsets.tolist())):
        corners = {tuple(places[v]) for v in naming.simplices[start:end].ravel().tolist()}
        wanted = {tuple(p) for p in np.asarray(part.vertices[part.regions[region]])}
        assert len(corners) == len(wanted)
        assert max(min(max(abs(float(x) - y) for x, y in zip(p, q)) for q in wanted) for p in corners) < 1e-12


@given(st.integers(1, 40), st.data())
def test_the_share_of_a_crossing_lies_in_its_ball(bits: int, data: st.DataObject) -> None:
    """Also where a ball holds 0, and its centre has the other sign: the ends of a segment may tell a sign."""
    positive = st.fractions(Fraction(1, 2**50), 3)
    x, y = data.draw(positive), data.draw(positive)
    errors = [data.draw(st.integers(0, 2**bits)) for _ in range(2)]
    centres = [
        data.draw(st.integers(-(-(z * 2**bits - e) // 1), (z * 2**bits + e) // 1)) if e else None
        for z, e in zip((x, y), errors, strict=True)
    ]
    near, far = (c if c is not None else round(z * 2**bits) for c, z in zip(centres, (x, y), strict=True))
    errors = [e or 1 for e in errors]
    middle, radius = checker.ratio_of(abs(near), errors[0], abs(far), errors[1], bits)
    assert abs(x / (x + y) * 2**bits - middle) <= radius and 0 <= middle <= 2**bits


@pytest.mark.parametrize(
    ("kinds", "seeds"), [(["relu", "maxout of three"], [0, 4, 6, 8]), (["maxout of three"] * 2, [5])]
)
def test_three_arguments_of_a_maximum_may_meet_in_a_solid(kinds: list[str], seeds: list[int]) -> None:
    """On lines, which end on walls of earlier stages: these are named, and what crosses the lines and walls as well.

    Seed 8 has such a line that closes.
    """
    more = 0
    for seed in seeds:
        net = he_network(seed, [3, 4, 3, 2], kinds)
        part = partition(net, CUBE)
        certificate = certify(part, vertices="named")
        assert certificate.vertices == "named" and certificate.regions == len(part)
        document = certificate.document()
        more += len(document["proof"]["vertices"]) - len(part.vertices)
        assert all(verdict(encoded(file)) == "accepted" for file in (document, with_coordinates(document)))
    assert more > 10


def test_four_arguments_that_meet_in_a_solid_are_left_to_exact_vertices() -> None:
    """max(x, y, z, -x - y - z): equal in the origin, and no more than two walls lead there from anywhere."""
    weight = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]])
    nodes = [Node(cpwl.network.Input(), (), (3,)), Node(Dense(weight, np.zeros(4)), (0,), (4,))]
    net = Network((*nodes, Node(Gather(np.arange(4)[None]), (1,), (1, 4)), Node(cpwl.network.Max(), (2,), (1,))))
    certificate = certify(partition(net, CUBE), vertices="named")
    assert certificate.vertices == "exact" and certificate.check()


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 7])
def test_three_arguments_of_a_maximum_may_meet(seed: int) -> None:
    """A generic vertex of a plane: no wall goes on beyond it, so that an auxiliary vertex is named."""
    net = he_network(seed, [2, 5, 4, 2], ["relu", "maxout of three"])
    certificate = named(net, SQUARE)
    assert isinstance(certificate.listing, Naming)
    assert len(certificate.listing.corners) + len(certificate.listing.names) > len(certificate.partition.vertices)
    exact = {tuple(map(Fraction, p)) for p in partition(net, SQUARE, backend="exact").vertices}
    used = set(certificate.listing.simplices.ravel().tolist())
    assert {tuple(p) for v, p in enumerate(coordinates(certificate.document())) if v in used} == exact
    assert certificate.check()


@pytest.mark.parametrize("apart", [0.0, 2.0**-60])
def test_extrema_of_a_difference_prove_how_far_apart_two_networks_are(apart: float) -> None:
    """Two layers that undo each other leave the function; a constant is all that is between them otherwise."""
    net = he_network(3, [2, 8, 8, 2], ["relu", "relu"])
    mixed = cpwl.head(cpwl.head(net, [[1, 1], [0, 1]]), [[1, -1], [0, 1]], [0.0, apart])
    proven = certify(partition(cpwl.difference(net, mixed), SQUARE), vertices="named")
    for output, value in enumerate((0.0, -apart)):
        for sense in ("minimum", "maximum"):
            claim = certify_extremum(proven, output, sense=sense)
            assert abs(claim.value - Fraction(value)) <= claim.error < Fraction(1, 1 << 90)
            assert verdict(encoded(claim.document())) == "accepted"

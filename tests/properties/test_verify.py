"""Verdicts: those of the exact regions, and counterexamples that exact arithmetic confirms."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.network import Network
from cpwl.network.operators import Divide
from cpwl.properties import decide
from cpwl.properties.cases import Case, Constraint
from cpwl.properties.problem import Problem
from cpwl.properties.specification import Specification
from cpwl.properties.verdict import Verdict
from tests.support.networks import mlp
from tests.support.properties import (
    integer_network,
    is_violated,
    largest_value,
    random_box,
    random_specification,
    seeds,
)

TENT = Network.mlp([np.array([[1.0], [1.0]]), np.array([[1.0, -2.0]])], [np.array([0.0, -0.5]), np.zeros(1)])
"""max(x, 0) - 2 max(x - 1/2, 0): on [0, 1] a tent of height 1/2 at 1/2."""


@pytest.fixture
def without_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found by looking around: regions decide."""
    for name in ("candidates", "around"):
        monkeypatch.setattr(decide, name, lambda *_: iter(()))


def confirmed(found: Verdict) -> bool:
    """Whether a verdict's counterexample lies in the box and satisfies a conjunction, all exactly; and its float32 one
    does, in the run as well."""
    counterexample = found.counterexample
    assert counterexample is not None
    outputs = cpwl.evaluate(found.network, counterexample.x, backend="exact")
    assert (outputs == counterexample.y).all()
    if counterexample.float32 is not None:
        assert counterexample.float32.dtype == np.float32
        assert (counterexample.float32.astype(float) == counterexample.x.astype(float)).all()
        assert found.specification.is_unsafe(counterexample.float32, counterexample.run)
    return found.specification.is_unsafe(counterexample.x, counterexample.y)


# ---- against vertex enumeration ------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", range(4))
@pytest.mark.usefixtures("without_search")
def test_verdicts_on_degenerate_networks_are_those_of_all_regions(part: int) -> None:
    statuses = set()
    for random in list(seeds(160))[part::4]:
        inputs, outputs = int(random.integers(1, 4)), int(random.integers(1, 4))
        net, spec = integer_network(random, inputs, outputs), random_specification(random, inputs, outputs)
        found = cpwl.verify(net, spec)
        assert found.status == ("violated" if is_violated(net, spec) else "holds")
        assert found.status == "holds" or confirmed(found)
        statuses.add(found.status)
    assert statuses == {"holds", "violated"}


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@pytest.mark.usefixtures("without_search")
def test_a_bound_that_is_reached_is_unsafe_and_one_above_it_is_not(dim: int) -> None:
    for random in seeds(6):
        net = integer_network(random, dim, 2)
        row = random.integers(-1, 2, 2).tolist()
        top = largest_value(net, [-1] * dim, [1] * dim, row)
        for margin, strict, status in (
            (Fraction(0), False, "violated"),
            (Fraction(0), True, "holds"),
            (Fraction(1, 1 << 60), False, "holds"),
            (-Fraction(1, 1 << 60), True, "violated"),
        ):
            spec = Specification.box([-1] * dim, [1] * dim, [([row], [-top - margin])], strict=strict)
            found = cpwl.verify(net, spec)
            assert found.status == status, (margin, strict)
            assert status == "holds" or confirmed(found)


@pytest.mark.usefixtures("without_search")
@pytest.mark.parametrize(
    ("c", "status"), [("1/2", "violated"), ("1/3", "violated"), ("4503599627370497/9007199254740992", "holds")]
)
def test_a_counterexample_at_a_single_vertex_is_found(c: str, status: str) -> None:
    found = cpwl.verify(TENT, Specification.box([0], [1], [([1], -Fraction(c))]))
    assert found.status == status
    if c == "1/2":
        assert found.counterexample is not None
        assert found.counterexample.x.tolist() == [Fraction(1, 2)]


@pytest.mark.usefixtures("without_search")
def test_a_single_vertex_that_is_no_float_number_is_found_exactly() -> None:
    """A tent over [0, 1] whose top is at 1/3: no float64 input is unsafe, and no float32 one."""
    net = Network.mlp([np.array([[1.0], [3.0]]), np.array([[2.0, -1.0]])], [np.array([0.0, -1.0]), np.zeros(1)])
    found = cpwl.verify(net, Specification.box([0], [1], [([1], Fraction(-2, 3))]))
    assert found.status == "violated"
    assert found.counterexample is not None
    assert found.counterexample.x.tolist() == [Fraction(1, 3)]
    assert found.counterexample.float32 is None
    assert found.counterexample.run is None


@pytest.mark.usefixtures("without_search")
def test_two_constraints_that_meet_in_a_face_are_unsafe_there_and_nowhere_with_one_of_them_strict() -> None:
    """f = |x| >= 0 and -f >= 0 on the square: the segment x = 0."""
    net = Network.mlp([np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([[1.0, 1.0]])], [np.zeros(2), np.zeros(1)])
    found = cpwl.verify(net, Specification.box([-1, -1], [1, 1], [([[1], [-1]], [0, 0])]))
    assert confirmed(found)
    assert found.counterexample is not None
    assert found.counterexample.x[0] == 0
    strict = Specification.box([-1, -1], [1, 1], [([[1], [-1]], [0, 0])], strict=True)
    assert cpwl.verify(net, strict).status == "holds"


@pytest.mark.usefixtures("without_search")
def test_strict_constraints_on_a_face_need_a_point_of_it_where_they_are_positive() -> None:
    """-|x| >= 0 leaves the segment x = 0 of the square, and y > 0 half of that."""
    net = Network.mlp([np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([[-1.0, -1.0]])], [np.zeros(2), np.zeros(1)])
    text = """
    (declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
    (assert (and (>= X_0 -1) (<= X_0 1) (>= X_1 -1) (<= X_1 {high}) (>= Y_0 0) (> X_1 0)))"""
    assert confirmed(cpwl.verify(net, Specification.parse(text.format(high=1))))
    assert cpwl.verify(net, Specification.parse(text.format(high=0))).status == "holds"


def test_the_search_finds_points_that_are_confirmed() -> None:
    net = mlp(0, [3, 12, 12, 2])
    values = cpwl.evaluate(net, np.random.default_rng(0).uniform(-1, 1, (2000, 3)))
    level = float(np.quantile(values[:, 0] - values[:, 1], 0.98))
    found = cpwl.verify(net, Specification.box([-1] * 3, [1] * 3, [([1, -1], -level)]))
    assert confirmed(found)
    assert found.regions == 0
    assert found.counterexample is not None
    assert found.counterexample.float32 is not None


# ---- boxes ---------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("without_search")
def test_bounds_are_the_rationals_that_are_given() -> None:
    """0.1 is no float64 number: x >= 1/10 is unsafe on [0, 1/10], and nowhere on the float64 number below it."""
    identity = Network.mlp([np.eye(1)], [np.zeros(1)])
    unsafe = [([10], -1)]
    tenth = Fraction(1, 10)
    assert Fraction(np.nextafter(0.1, 0)) < tenth < Fraction(0.1)
    assert cpwl.verify(identity, Specification.box([0], [tenth], unsafe)).status == "violated"
    assert cpwl.verify(identity, Specification.box([0], [Fraction(np.nextafter(0.1, 0))], unsafe)).status == "holds"
    below = tenth - Fraction(1, 10**30)
    assert cpwl.verify(identity, Specification.box([0], [below], unsafe)).status == "holds"


def test_inputs_may_be_fixed_all_of_them_too() -> None:
    for random in seeds(12):
        net = integer_network(random, 3, 2)
        low, high = random_box(random, 3)
        fixed = [low[0], low[1], high[2]]
        y = cpwl.evaluate(net, np.array(fixed, dtype=object), backend="exact")
        for margin, status in ((0, "violated"), (Fraction(1, 1 << 60), "holds")):
            assert cpwl.verify(net, Specification.box(fixed, fixed, [([1, 0], -y[0] - margin)])).status == status


def test_each_box_of_a_specification_counts() -> None:
    boxes = [Specification.box([k], [k + 0.25], [([1], -0.375)]) for k in (-1, 0.25, 0.75)]
    assert [cpwl.verify(TENT, spec).status for spec in boxes] == ["holds", "violated", "holds"]
    assert cpwl.verify(TENT, boxes[0] | boxes[2]).status == "holds"
    assert cpwl.verify(TENT, boxes[0] | boxes[1] | boxes[2]).status == "violated"


def test_constraints_of_inputs_and_outputs_together() -> None:
    """f(x) >= x on the tent: up to 1/2, and no further."""
    on = [(Specification.box([low], [1], [([1], 0, [-1])])) for low in (0.5, 0.5000001)]
    assert [cpwl.verify(TENT, spec).status for spec in on] == ["violated", "holds"]


def test_a_conjunction_of_nothing_is_satisfied_everywhere_and_no_disjunct_nowhere() -> None:
    declared = "(declare-const X_0 Real) (declare-const Y_0 Real)"
    assert (
        cpwl.verify(TENT, Specification.parse(f"{declared} (assert (and (<= X_0 1) (>= X_0 0)))")).status == "violated"
    )
    assert cpwl.verify(TENT, Specification.parse(f"{declared} (assert (and (<= X_0 0) (>= X_0 1)))")).status == "holds"


# ---- time ----------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("without_search")
def test_an_undecided_property_is_gone_on_with_until_it_is_decided(tmp_path: Path) -> None:
    net = mlp(0, [3, 24, 24, 2])
    top = float(cpwl.partition(net, cpwl.Domain.box([-1] * 3, [1] * 3)).outputs.to_numpy()[:, 0].max())
    for margin, status in ((1e-9, "holds"), (-1e-9, "violated")):
        spec = Specification.box([-1] * 3, [1] * 3, [([1, 0], -top - margin)])
        found, rounds = cpwl.verify(net, spec, timeout=0.01), 0
        assert found.status == "undecided"
        assert found.remaining
        while found.status == "undecided":
            found.save(tmp_path / "left.json")
            before = found
            resume = found if rounds % 2 else tmp_path / "left.json"
            found = cpwl.verify(net, spec, timeout=0.05 * 1.5**rounds, resume=resume)
            rounds += 1
            assert found.seconds > before.seconds
            assert found.regions >= before.regions
            assert rounds < 40
        assert found.status == status
        assert status == "holds" or confirmed(found)


@pytest.mark.usefixtures("without_search")
def test_each_call_decides_a_box_however_short_its_time_is(tmp_path: Path) -> None:
    """Less than what any box takes: then no call would ever end what others have left."""
    net, file = mlp(0, [2, 12, 12, 2]), tmp_path / "left.json"
    top = float(cpwl.partition(net, cpwl.Domain.box([-1] * 2, [1] * 2)).outputs.to_numpy()[:, 0].max())
    boxes = [([-1, -1], [0, 1]), ([0, -1], [1, 1])]
    for margin, status in ((1e-3, "holds"), (-1e-3, "violated")):
        both = [Specification.box(low, high, [([1, 0], -top - margin)]).cases[0] for low, high in boxes]
        spec = Specification(tuple(both), 2, 2)
        found, rounds = cpwl.verify(net, spec, timeout=1e-9), 1
        assert found.boxes == 1 or found.status == "violated"
        while found.status == "undecided":
            before, rounds = found.boxes, rounds + 1
            found.save(file)
            found = cpwl.verify(net, spec, timeout=1e-9, resume=found if rounds % 2 else file)
            assert found.boxes == before + 1 or found.status == "violated"
            assert rounds < 200
        assert found.status == status
        assert status == "violated" or rounds > 1


def test_of_more_inputs_than_can_be_decided_unsafe_ones_are_still_looked_for() -> None:
    net = mlp(0, [12, 8, 2])
    spec = [Specification.box([-1] * 12, [1] * 12, [([1, 0], c)]) for c in (-1e9, 1e9)]
    assert [cpwl.verify(net, one, timeout=5.0).status for one in spec] == ["undecided", "violated"]


# ---- what is refused -----------------------------------------------------------------------------------------------
SPEC = Specification.box([0], [1], [([1], -2)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"net": None}, "net must be a Network"),
        ({"spec": "prop_1.vnnlib"}, r"spec must be a Specification, got 'prop_1.vnnlib'. Use cpwl.Specification"),
        ({"spec": Specification.box([0, 0], [1, 1], [([1], 0)])}, "spec is about 2 inputs and 1 outputs"),
        ({"timeout": 0}, "timeout must be positive"),
        ({"timeout": "1 s"}, "timeout"),
        ({"run": 3}, "run must be a function"),
        ({"progress": 3}, "progress must be a function"),
        ({"resume": "nowhere.json"}, "nowhere.json"),
        ({"resume": [1]}, "resume must be a verdict, or the name of its file, got list"),
        ({"run": lambda x: np.zeros((1, 7)), "spec": Specification.box([0], [1], [([1], 0)])}, "run must give outputs"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises((cpwl.CpwlError, OSError), match=message):
        cpwl.verify(**{"net": TENT, "spec": SPEC, **options})


@pytest.mark.parametrize("empty", [[], [[]], [[], []], np.zeros((0, 1))])
def test_an_empty_matrix_is_refused_by_name(empty: Any) -> None:
    for unsafe, name in (((empty, 0), "A"), (([1], 0, empty), "B")):
        with pytest.raises(cpwl.CpwlError, match=rf"{name} of unsafe\[0\] must be a matrix, or one row, and not empty"):
            Specification.box([0], [1], [unsafe])


def test_a_file_that_is_gone_on_from_must_be_about_the_same_question(tmp_path: Path) -> None:
    cpwl.verify(TENT, SPEC).save(tmp_path / "left.json")
    other = mlp(0, [1, 3, 1])
    for net, spec in ((other, SPEC), (TENT, Specification.box([0], [1], [([1], -3)]))):
        with pytest.raises(cpwl.errors.ArgumentError, match=r"resume: .*left.json is about another"):
            cpwl.verify(net, spec, resume=tmp_path / "left.json")
    with pytest.raises(cpwl.errors.ArgumentError, match="resume must be a verdict"):
        cpwl.verify(other, SPEC, resume=cpwl.verify(TENT, SPEC))
    (tmp_path / "left.json").write_text("{}")
    with pytest.raises(cpwl.errors.FileFormatError, match="is not an undecided property"):
        cpwl.verify(TENT, SPEC, resume=tmp_path / "left.json")


def test_a_file_of_an_older_version_is_gone_on_from_and_seconds_that_are_none_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "left.json"
    cpwl.verify(TENT, SPEC).save(file)
    entry = json.loads(file.read_text())
    for case in entry["cases"]:
        del case["least"]
    file.write_text(json.dumps(entry))
    assert cpwl.verify(TENT, SPEC, resume=file).status == cpwl.verify(TENT, SPEC).status
    for wrong in ("NaN", "Infinity", "0", "-1", '"a"'):
        file.write_text(json.dumps(entry).replace('"searched"', f'"least": {wrong}, "searched"'))
        with pytest.raises(cpwl.errors.FileFormatError, match="is not an undecided property"):
            cpwl.verify(TENT, SPEC, resume=file)


# ---- what is computed with -----------------------------------------------------------------------------------------
def test_a_problem_is_its_constraints_up_to_positive_factors_at_the_inputs_that_are_meant() -> None:
    from cpwl.properties.problem import Problem

    for random in seeds(40):
        inputs, outputs = int(random.integers(1, 4)), int(random.integers(1, 4))
        net = integer_network(random, inputs, outputs)
        (case,) = random_specification(random, inputs, outputs).cases
        problem = Problem.of(net, case)
        for share in product((0.0, 0.375, 1.0), repeat=problem.dim):
            u = problem.lower + np.array(share) * (problem.upper - problem.lower)
            x = problem.to_input(u.tolist())
            assert all(low <= a <= high for low, a, high in zip(case.lower, x, case.upper))
            assert share.count(1.0) < problem.dim or all(x[i] == case.upper[i] for i in problem.varying)
            wanted = [constraint.value(x, problem.exact_outputs(x)) for constraint in case.constraints]
            given = cpwl.evaluate(problem.network, u, backend="exact") if problem.dim else []
            assert all((a > 0) == (b > 0) and (a < 0) == (b < 0) for a, b in zip(given, wanted))


@pytest.mark.parametrize("digits", [3, 20, 60])
def test_bounds_with_long_denominators_take_no_digits_from_other_inputs(digits: int) -> None:
    """All entries of a node share one error bound: what is large on the way to one input doubts all of them."""
    sums = Constraint((), tuple((k, Fraction(1)) for k in range(3)), Fraction(0))
    net = Network.mlp([np.eye(3), np.eye(3)], [np.full(3, 0.5), np.zeros(3)])
    upper = (Fraction(2), 1 + Fraction(1, 10**digits), Fraction(1, 4))
    problem = Problem.of(net, Case((Fraction(0),) * 3, upper, ((sums,),)))
    divisors = [node.op.divisor for node in problem.network.nodes if isinstance(node.op, Divide)]
    assert divisors
    assert all(((part >= 1) & (part < 2)).all() for part in divisors)
    assert cpwl.partition(problem.network, problem.domain).outputs.errors().max() < 2.0**-46

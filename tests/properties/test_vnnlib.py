"""VNN-LIB texts: what they say is read as the rationals that they say, and anything else is refused with its line."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import cpwl
from cpwl.errors import FileFormatError
from cpwl.properties.cases import Constraint
from cpwl.properties.specification import Specification, property_of
from cpwl.properties.vnnlib.answer import answer
from cpwl.properties.vnnlib.query import parse
from tests.support.damage import changed_bytes
from tests.support.networks import mlp
from tests.support.real_data import files

OLD = """; two inputs, two outputs
(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)
(assert (<= X_0 0.1))
(assert (>= X_0 -1e-3))
(assert (<= X_1 .5)) (assert (>= X_1 0))
"""
NEW = """(vnnlib-version <2.0>)
(declare-network N
  (declare-input X real [1,2])
  (declare-output Y float32 [2] "scores")
)
(assert (<= X[0,0] 0.1)) (assert (>= X [0, 0] -0.001))
(assert (<= X[0,1] 0.5)) (assert (>= X[0,1] 0.0))
"""
OTHER = "(declare-network M (declare-input A real [1]) (declare-output B real [1]))"
TENTH, THOUSANDTH, HALF = Fraction(1, 10), Fraction(1, 1000), Fraction(1, 2)


def constraint(
    outputs: dict[int, object], constant: object = 0, inputs: dict[int, object] | None = None, *, strict: bool = False
) -> Constraint:
    sides = [tuple((i, Fraction(str(a))) for i, a in terms.items()) for terms in (inputs or {}, outputs)]
    return Constraint(sides[0], sides[1], Fraction(str(constant)), strict)


@pytest.mark.parametrize(
    ("formula", "unsafe"),
    [
        ("(<= Y_0 Y_1)", [[constraint({0: -1, 1: 1})]]),
        ("(>= Y_0 3.991125645861615)", [[constraint({0: 1}, "-3.991125645861615")]]),
        (
            "(or (and (<= Y_0 1) (<= Y_1 2)) (>= Y_1 4e2))",
            [[constraint({0: -1}, 1), constraint({1: -1}, 2)], [constraint({1: 1}, -400)]],
        ),
        (
            "(and (or (<= Y_0 0) (<= Y_1 0)) (or (>= Y_0 1) (>= Y_1 1)))",
            [[constraint({a: -1}), constraint({b: 1}, -1)] for a in (0, 1) for b in (0, 1)],
        ),
        ("(= Y_0 1)", [[constraint({0: -1}, 1), constraint({0: 1}, -1)]]),
        ("(< Y_0 Y_1)", [[constraint({0: -1, 1: 1}, strict=True)]]),
        ("(<= (+ Y_0 (* 2 Y_1) (- 3)) (- X_0 X_1 0.25))", [[constraint({0: -1, 1: -2}, "2.75", {0: 1, 1: -1})]]),
        ("(>= (* Y_0 (- 0.5)) (* 2 (+ 1 Y_0)))", [[constraint({0: "-2.5"}, -2)]]),
    ],
)  # fmt: skip
def test_formulas_are_disjunctions_of_conjunctions(formula: str, unsafe: list[list[Constraint]]) -> None:
    spec = Specification.parse(f"{OLD}(assert {formula})")
    (case,) = spec.cases
    assert (spec.inputs, spec.outputs) == (2, 2)
    assert (case.lower, case.upper) == ((-THOUSANDTH, 0), (TENTH, HALF))
    assert case.unsafe == tuple(map(tuple, unsafe))


def test_both_forms_say_the_same() -> None:
    old = Specification.parse(f"{OLD}(assert (or (<= Y_0 Y_1) (and (>= Y_0 2) (> Y_1 0.1))))")
    new = Specification.parse(f"{NEW}(assert (or (<= Y[0] Y[1]) (and (>= Y[0] 2.0) (> Y[1] 0.1))))")
    assert old == new
    assert Specification.parse(f"{NEW}(assert (!= Y[0] 1.0))").cases[0].unsafe == (
        (constraint({0: -1}, 1, strict=True),),
        (constraint({0: 1}, -1, strict=True),),
    )
    assert Specification.parse(f"{NEW}(assert (== Y[0] 1.0))") == Specification.parse(f"{OLD}(assert (= Y_0 1))")


def test_disjuncts_with_other_bounds_are_other_boxes_and_empty_ones_are_left_out() -> None:
    box = "(and (<= X_0 {1}) (>= X_0 {0}) (<= X_1 1) (>= X_1 0))"
    declared = OLD.split("(assert")[0]
    boxes = " ".join(box.format(*ends) for ends in ((0, 1), (2, 3), (5, 4)))
    spec = Specification.parse(f"{declared}(assert (or {boxes})) (assert (or (<= Y_0 0) (<= Y_1 0)))")
    assert [(case.lower[0], case.upper[0], len(case.unsafe)) for case in spec.cases] == [(0, 1, 2), (2, 3, 2)]
    strict = Specification.parse(f"{OLD}(assert (< X_0 0.05)) (assert (<= Y_0 0))")
    assert strict.cases[0].upper[0] == Fraction(1, 20)
    assert any(c.strict and c.inputs for c in strict.cases[0].unsafe[0])


@pytest.mark.parametrize("path", files("acasxu/prop_*.vnnlib"))
def test_the_properties_of_acas_xu_are_read(path: Path) -> None:
    spec = Specification.read(path)
    conjunctions = {"prop_5": 4, "prop_6": 8, "prop_7": 2, "prop_8": 3, "prop_9": 4, "prop_10": 4}.get(path.stem, 1)
    assert sum(len(case.unsafe) for case in spec.cases) == conjunctions
    assert len(spec.cases) == (2 if path.stem == "prop_6" else 1)
    assert all(low <= high for case in spec.cases for low, high in zip(case.lower, case.upper))


def test_of_several_bounds_the_tightest_counts_in_any_order() -> None:
    for more in ("(>= X_0 -5) (<= X_0 7)", "(<= X_0 7) (>= X_0 -5)"):
        around = f"(and {more} (<= Y_0 Y_1))"
        for text in (f"{OLD}(assert {around})", OLD.replace("(assert", f"(assert {around})\n(assert", 1)):
            (case,) = Specification.parse(text).cases
            assert (case.lower[0], case.upper[0]) == (-THOUSANDTH, TENTH)


# ---- what is refused -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: wanted declarations"),
        (OLD.split("(assert")[0], "line 5: wanted an assertion"),
        (f"{OLD}(assert (<= Y_0 Y_2))", "line 9: wanted a number or a declared variable, got 'Y_2'"),
        (f"{OLD}(assert (<= Y_0 1/3))", "line 9: wanted a number or a declared variable, got '1/3'"),
        (f"{OLD}(assert (<= Y_0))", "line 9: wanted two sides of '<=', got 1"),
        (f"{OLD}(assert (<= Y_0 1 2))", "line 9: wanted two sides of '<=', got 3"),
        (f"{OLD}\n\n(assert (not (<= Y_0 1)))", r"line 11: wanted a formula: and, or, .*, got '\(not ...\)'"),
        (f"{OLD}(assert (== Y_0 1))", r"line 9: wanted a formula: and, or, <=, >=, <, >, =, got '\(== ...\)'"),
        (f"{OLD}(assert true)", "line 9: wanted a formula"),
        (f"{OLD}(assert (and))", "line 9: wanted at least one formula in 'and', got none"),
        (f"{OLD}(assert (<= (* Y_0 Y_1) 1))", "line 9: wanted a product with at most one variable"),
        (f"{OLD}(assert (<= (/ Y_0 2) 1))", r"line 9: wanted a sum, difference or product: .*, got '\(/ ...\)'"),
        (f"{OLD}(assert (<= (+) 1))", r"line 9: wanted operands of '\+', got none"),
        (f"{OLD}(assert (<= Y_0 1e99999))", "line 9: wanted a number or a declared variable"),
        (f"{OLD}(assert (<= Y_0 1e999))", "line 9: wanted a number of 1000 characters"),
        (f"{OLD}(assert (<= Y_0 1)", r"line 9: wanted '\)' for the '\(' of line 9, got the end"),
        (f"{OLD}(assert (<= Y_0 1)))", r"line 9: wanted an expression, got '\)'"),
        (f"{OLD}(check-sat)(assert (<= Y_0 1))", r"line 9: wanted \(declare-const X_0 .*, got '\(check-sat ...\)'"),
        (f"{OLD}x (assert (<= Y_0 1))", r"line 9: wanted '\(' before, got 'x'"),
        (f"{OLD}(assert (<= Y_0 1) (<= Y_1 1))", r"line 9: wanted \(assert FORMULA\), got 2 formulas"),
        (f"{OLD}(declare-const X_1 Real)(assert (<= Y_0 1))", "line 9: wanted each variable declared once"),
        (f"{OLD}(declare-const Z_1 Real)(assert (<= Y_0 1))", "line 9: wanted the name of an input X_0"),
        (f"{OLD}(declare-const X_3 Real)(assert (<= Y_0 1))", "line 9: wanted inputs X_0, X_1, ... without a gap"),
        (f"{OLD}(declare-const X_2 Real)(assert (<= Y_0 1))", "input X_2 has no lower bound in one of the disjuncts"),
        ("(" * 300, "line 1: wanted at most 200 parentheses"),
        (f'{OLD}(assert (<= Y_0 "))', "line 9: wanted a symbol or a parenthesis"),
        (f"{OLD}(assert (and {'(or (<= Y_0 1) (<= Y_1 1))' * 20}))", "line 9: wanted at most 65,536 conjunctions"),
        (f"{NEW}(assert (<= Y[2] 1.0))", r"line 8: wanted indices of Y, whose shape is \[2\], got '\[2\]'"),
        (f"{NEW}(assert (<= Y 1.0))", "line 8: wanted 1 indices in brackets after Y, got none"),
        (f"{NEW}(assert (<= Z[0] 1.0))", "line 8: wanted a number, or an entry of X or Y, got 'Z'"),
        (f"{NEW}(assert (= Y[0] 1.0))", "line 8: wanted a formula: and, or, <=, >=, <, >, ==, !="),
        (NEW.replace("2.0>", "3.0>"), r"line 1: wanted \(vnnlib-version <2.0>\)"),
        (NEW.replace(" real", " int8"), "line 3: wanted one of the element types real, .*, got 'int8'"),
        (NEW.replace("[1,2]", "[0,2]"), "line 3: wanted a shape of positive numbers"),
        (NEW.replace("[1,2]", "[n]", 1), "line 3: wanted whole numbers in brackets"),
        (NEW.replace("declare-output Y", "declare-hidden Y"), r"line 4: wanted one \(declare-input"),
        (NEW.replace("declare-output Y", "declare-output X"), "line 2: wanted different names"),
        (NEW.replace("(declare-output", "(declare-input Z real [2])\n(declare-output"), "line 4: wanted one"),
        (NEW.replace("(declare-network N", f"{OTHER}\n(declare-network N"), r"line 3: wanted one \(declare-network N"),
        (NEW.replace("(declare-network N", "(declare-network N (equal-to M)"), r"line 2: wanted one \(declare-input"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        Specification.parse(text)


def test_a_file_that_is_none_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "some.vnnlib"
    for content, message in ((b"\xff\xfe", "is no text"), (b"(assert", r"some.vnnlib, line 1: wanted '\)'")):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=message):
            Specification.read(path)
    with pytest.raises(FileFormatError, match="is a folder"):
        Specification.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        Specification.read(tmp_path / "none")


@pytest.mark.parametrize("part", range(4))
def test_any_text_gives_a_property_or_an_error_of_the_library(part: int) -> None:
    read = unsaid = 0
    for seed in range(part * 500, part * 500 + 500):
        draw = random.Random(seed)
        text = draw.choice((f"{OLD}(assert (<= (+ Y_0 X_1) Y_1))", f"{NEW}(assert (or (<= Y[0] Y[1]) (!= Y[1] 0.5)))"))
        damaged = changed_bytes(text.encode(), draw).decode("utf-8", "replace")
        try:
            Specification.parse(damaged)
            read += 1
        except FileFormatError as error:
            unsaid += "wanted" not in str(error)
    assert not unsaid
    assert 0 < read < 500


# ---- in Python -----------------------------------------------------------------------------------------------------
def test_a_box_in_python_is_the_same_property() -> None:
    text = f"{OLD}(assert (or (and (>= Y_0 Y_1) (>= Y_1 1)) (>= (+ Y_0 X_0) 2)))"
    lo, hi = [-THOUSANDTH, 0], [TENTH, HALF]
    spec = Specification.box(lo, hi, [([[1, -1], [0, 1]], [0, -1]), ([1, 0], -2, [1, 0])])
    assert spec == Specification.parse(text)
    assert spec.is_unsafe([0, 0], [2, 1])
    assert spec.is_unsafe([TENTH, 0], [Fraction(19, 10), 5])
    assert not spec.is_unsafe([0.1, 0], [2, 1])  # the float64 number above a tenth
    assert not spec.is_unsafe([0, 0], [1.999, 0.999])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lo": [0, 0, 0]}, "lo and hi must have one number for each input, got 3 and 2"),
        ({"lo": [2, 2]}, "lo must be at most hi"),
        ({"lo": ["a", "b"]}, "lo must be an array of real numbers"),
        ({"hi": [1, np.inf]}, "hi must be finite"),
        ({"unsafe": []}, "unsafe must list at least one conjunction"),
        ({"unsafe": None}, "unsafe must be a list"),
        ({"unsafe": [([1, 0],)]}, r"unsafe\[0\] must be \(A, c\) or \(A, c, B\), got 1 members"),
        ({"unsafe": [([[1, 0]], [0, 0])]}, r"unsafe\[0\] must have as many rows"),
        ({"unsafe": [([1, 0], 0), ([1], 0)]}, r"unsafe must be about one number of outputs, got \[1, 2\]"),
        ({"unsafe": [([1, 0], 0, [1])]}, r"B of unsafe\[0\] must have 2 columns"),
        ({"unsafe": [([[[1]]], 0)]}, r"A of unsafe\[0\] must be a matrix"),
        ({"strict": 1}, "strict must be True or False"),
    ],
)
def test_wrong_arguments_of_a_box_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(cpwl.CpwlError, match=message):
        Specification.box(**{"lo": [0, 0], "hi": [1, 1], "unsafe": [([1, 0], 0)], **options})  # type: ignore[arg-type]


def test_specifications_of_other_networks_are_not_joined() -> None:
    one, other = Specification.box([0], [1], [([1], 0)]), Specification.box([0], [1], [([1, 0], 0)])
    with pytest.raises(cpwl.errors.ShapeError, match="other must be about 1 inputs and 1 outputs"):
        one | other
    with pytest.raises(cpwl.errors.ArgumentError, match="other must be a Specification"):
        one | 3  # type: ignore[operator]


# ---- answers -------------------------------------------------------------------------------------------------------
def test_answers_have_the_forms_that_the_competitions_and_the_standard_want() -> None:
    net = mlp(0, [2, 6, 2])
    for text, name in ((OLD, "Y_0"), (NEW, "Y[0]")):
        query = parse(f"{text}(assert (<= {name} 1000.0))")
        found = cpwl.verify(net, property_of(query))
        lines = answer(found, query.variables).splitlines()
        assert lines[0] == "sat"
        assert found.counterexample is not None and found.counterexample.float32 is not None
        numbers = [*found.counterexample.float32.ravel(), *found.counterexample.run.ravel()]
        if text == OLD:
            assert lines[1].startswith("((X_0 ") and lines[-1].endswith("))")
            assert [line.strip("() ").split()[0] for line in lines[1:]] == ["X_0", "X_1", "Y_0", "Y_1"]
            given = [float(line.strip("() ").split()[1]) for line in lines[1:]]
        else:
            assert [lines[1], lines[4]] == ["X real [1,2]", "Y float32 [2]"]
            given = [float(line) for line in (*lines[2:4], *lines[5:7])]
        assert given == [float(a) for a in numbers]
        query = parse(f"{text}(assert (>= {name} 1000.0))")
        assert answer(cpwl.verify(net, property_of(query)), query.variables) == "unsat\n"

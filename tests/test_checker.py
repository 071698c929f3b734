"""The independent checker: true certificates are accepted, all others rejected or malformed, never with a traceback."""

from __future__ import annotations

import ast
import gzip
import json
import random
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl import certify, certify_constant, certify_equal, certify_extremum, checker
from cpwl.backends.exact import ExactArithmetic
from cpwl.certification import ConstantDecision, DecisionCounterexample, DifferentNetworks, EqualNetworks
from cpwl.claims.entries import network_entry
from cpwl.errors import ArgumentError, VerificationError
from cpwl.fields.arithmetic import evaluate
from cpwl.geometry.domain import Domain
from cpwl.network import Network
from cpwl.network.digest import quotient
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from tests.support.certify_inputs import SQUARE, he_network, networks
from tests.support.checker_fuzz import OF_ALL, OF_TILINGS, is_false, mutated, scrambled, verdict
from tests.support.checker_inputs import Document, documents, encoded, every_operator, permuted, shifted, small_network
from tests.support.simplex_fuzz import OF_SIMPLICES
from tests.support.solid_inputs import solids

GOLDEN = Path(__file__).parent / "certificates"
FILES = [path for path in sorted(GOLDEN.glob("*/*")) if path.suffix in (".json", ".gz")]
SOURCE = Path(checker.__file__)
FORMAT = Path(__file__).parent.parent / "proofs" / "certificate-format.md"


@pytest.fixture(params=["flint", "pure"])
def arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With python-flint and without it."""
    if request.param == "pure":
        monkeypatch.setattr(checker.Matrix, "flint", None)
    return str(request.param)


@pytest.fixture(scope="module")
def known() -> dict[str, Document]:
    return dict((*documents(), *solids()))


def run(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The checker as its users run it: by path, isolated."""
    command = [sys.executable, "-I", str(SOURCE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize("folder", [SOURCE.parent, GOLDEN])
def test_the_folder_of_the_checker_hides_no_module_of_the_standard_library(folder: Path) -> None:
    """As a file and not isolated: beside it are folders named numbers and statistics."""
    assert (SOURCE.parent / "numbers").is_dir()
    name = SOURCE.name if folder == SOURCE.parent else SOURCE
    command = [sys.executable, str(name), str(GOLDEN / "accept" / "named-line.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


# ---- golden files ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_golden_files_end_as_their_folder_says(path: Path, arithmetic: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = checker.main([str(path), *map(str, path.parent.glob(f"{path.stem}.network"))])
    answer = capsys.readouterr().out
    assert status == ["accept", "reject", "malformed"].index(path.parent.name), answer
    if path.parent.name == "reject":
        rule = path.name.split("-")[1]
        assert answer.startswith(f"rejected: rule {rule}: ")


def test_there_are_golden_files_for_every_rule_and_every_kind() -> None:
    rules = {int(path.name.split("-")[1]) for path in (GOLDEN / "reject").iterdir()}
    assert rules == set(range(1, 30))
    entries = [json.loads(path.read_text()) for path in (GOLDEN / "accept").glob("*.json")]
    kinds = {(entry["version"], entry["kind"]) for entry in entries}
    assert kinds == set(product((1, 2), checker.KINDS)) | {(3, kind) for kind in checker.NAMED}
    assert len(FILES) > 200


def test_the_format_names_the_rules_the_kinds_and_the_operators_of_the_checker() -> None:
    text, source = FORMAT.read_text(encoding="utf-8"), SOURCE.read_text(encoding="utf-8")
    rules = re.findall(r"^\* \*\*Rule (\d+)\.\*\*", text, flags=re.MULTILINE)
    demanded = {int(number) for number in re.findall(r"(?:demand|certain)\([^#]*?, (\d+), f?\"", source)}
    assert [int(rule) for rule in rules] == list(range(1, 30)) == sorted(demanded)
    table = {row.split("`")[1] for row in text.splitlines() if row.startswith("| `")}
    operators = {*checker.LINEAR, "Input", "Piecewise", "Max"}
    assert operators | set(checker.KINDS) | set(checker.NAMED) <= table
    limits = (checker.MAX_DIGITS, checker.MAX_NODES, checker.MAX_BITS, checker.MAX_DIMENSION)
    for limit in (*limits, "2^28 bytes", "2^26 entries"):
        assert str(limit) in text


# ---- what is true is accepted ----------------------------------------------------------------------------------------
@settings(max_examples=40)
@given(networks(), st.sampled_from(["torch", "exact"]))
def test_certificates_of_degenerate_networks_are_accepted(net: Network, backend: str) -> None:
    part = partition(net, SQUARE, backend=backend)
    answer = certify(part).check()
    assert f"{len(partition(net, SQUARE, backend='exact'))} in number" in answer


@pytest.mark.parametrize("seed", range(4))
def test_networks_with_every_operator_are_accepted(seed: int, arithmetic: str) -> None:
    assert certify(partition(every_operator(seed), SQUARE)).check()


def test_a_slice_of_a_larger_input_space_is_accepted(arithmetic: str) -> None:
    domain = Domain.through(*np.random.default_rng(0).standard_normal((3, 10)))
    assert certify(partition(he_network(2, [10, 9, 7, 4], ["relu", "leaky"]), domain)).check()


def test_a_network_without_units_is_accepted() -> None:
    assert certify(partition(Network.mlp([np.ones((1, 2))], [np.zeros(1)]), SQUARE)).check()


@settings(max_examples=25)
@given(networks(), st.sampled_from(["maximum", "minimum"]))
def test_extrema_are_those_of_the_exact_partition(net: Network, sense: Any) -> None:
    found = certify_extremum(partition(net, SQUARE), 0, sense=sense)
    outputs = partition(net, SQUARE, backend="exact").outputs.to_numpy()[:, 0]
    assert found.value == (outputs.max() if sense == "maximum" else outputs.min())
    assert found.check().startswith(f"extremum: the {sense} of output 0 is {found.value};")
    assert found.x.tolist() == found.u.tolist()


def test_a_decision_is_constant_or_there_is_a_counterexample() -> None:
    net = small_network()
    corner = certify_constant(partition(net, Domain.box([0.75, 0.75], [1.0, 1.0])))
    assert isinstance(corner, ConstantDecision) and corner.margin > 0 and corner.check()
    found = certify_constant(partition(net, SQUARE), corner.label)
    assert isinstance(found, DecisionCounterexample) and found.label == corner.label
    assert found.logits[found.other] >= found.logits[found.label] and found.check()


def test_a_tie_at_one_corner_is_a_counterexample() -> None:
    net = Network.mlp([np.array([[1.0, 1.0], [0.0, 0.0]])], [np.array([2.0, 0.0])])
    found = certify_constant(partition(net, SQUARE), 0)
    assert isinstance(found, DecisionCounterexample) and found.u.tolist() == [-1, -1] and found.check()


def test_networks_are_equal_or_there_is_a_point_where_they_differ() -> None:
    net = small_network()
    same, other = certify_equal(net, permuted(net), SQUARE), certify_equal(net, shifted(net), SQUARE)
    assert isinstance(same, EqualNetworks) and same.check()
    assert isinstance(other, DifferentNetworks) and other.check()
    assert (other.output, other.difference) == (1, -Fraction(1, 2**40))


@pytest.mark.parametrize("options", [{}, {"classes": (1, 2)}, {"classes": (0, 2), "everywhere": True}])
def test_boundary_samples_are_accepted(options: Any, arithmetic: str) -> None:
    part = partition(he_network(6, [2, 8, 8, 4], ["relu", "leaky"]), SQUARE)
    samples = part.decision_boundary(**options).certify(7, seed=2)
    assert len(samples) == len(list(samples)) == 7 and "at 7 points" in samples.check()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("level", [None, 0.1])
def test_float_neighbours_lie_on_both_sides_with_their_exact_differences(dtype: Any, level: float | None) -> None:
    net = he_network(6, [2, 8, 8, 4], ["relu"] * 2) if level is None else he_network(1, [2, 8, 8, 1], ["relu", "abs"])
    samples = partition(net, SQUARE).decision_boundary(level=level).certify(10)
    for sample, pair in zip(samples, samples.neighbours(dtype)):
        for side, neighbour in zip((-1, 1), pair):
            assert neighbour is not None and neighbour.x.dtype == dtype and neighbour.difference * side > 0
            row = values(net, neighbour.x.astype(np.float64)[None])[0]
            exact = row[0] - Fraction(level) if level is not None else row[sample.pair[0]] - row[sample.pair[1]]
            assert neighbour.difference == exact
            assert np.abs(neighbour.x - sample.x.astype(float)).max() < 2e3 * np.finfo(dtype).eps


def values(net: Network, points: Any) -> Any:
    exact = ExactArithmetic()
    return evaluate(net, exact, exact.points(points)).to_numpy()


@settings(max_examples=30)
@given(st.integers(0, 100), st.lists(st.fractions(-2, 2, max_denominator=1000), min_size=2, max_size=2))
def test_operators_are_those_of_the_library(seed: int, point: list[Fraction]) -> None:
    """The two implementations share no code."""
    net = every_operator(seed)
    entry = network_entry(net)
    network = checker.Network.of(entry, {})
    plane = ([[0, 0], [1, 0], [0, 1]], [1, 1, 1])
    place = checker.point(list(map(str, point)), 2)
    (seen,) = checker.evaluated(network, plane, [place])
    wanted = values(net, np.array([point], dtype=object))[0]
    assert [Fraction(int(x), int(seen.denominator)) for x in seen.outputs] == wanted.tolist()


# ---- what is false is not --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", dict.fromkeys(change.__name__ for change in (*OF_ALL, *OF_TILINGS, *OF_SIMPLICES)))
def test_changed_certificates_are_accepted_only_if_true(name: str, known: dict[str, Document]) -> None:
    rng, done = random.Random(name), 0
    candidates = list(known.values())
    while done < 60:
        change, wrong = mutated(rng.choice(candidates), rng)
        if change == name:
            done += 1
            assert verdict(encoded(wrong)) != "accepted" or not is_false(wrong), wrong


@pytest.mark.parametrize("change", OF_TILINGS)
def test_other_tilings_are_never_accepted(change: Any, known: dict[str, Document]) -> None:
    """But the same one in another order, and a region in its own place."""
    rng, good = random.Random(0), known["partition"]
    same = {tuple(sorted(region)) for region in good["proof"]["regions"]}
    for _ in range(30):
        wrong = json.loads(json.dumps(good))
        change(wrong, rng)
        wrong["claim"]["regions"] = len(wrong["proof"]["regions"])
        unchanged = wrong["proof"]["vertices"] == good["proof"]["vertices"]
        harmless = unchanged and sorted(tuple(sorted(r)) for r in wrong["proof"]["regions"]) == sorted(same)
        assert (verdict(encoded(wrong)) == "accepted") == harmless, change


def test_damaged_files_never_end_in_a_traceback(known: dict[str, Document]) -> None:
    rng, candidates = random.Random(0), [encoded(document) for document in known.values()]
    for _ in range(400):
        data = scrambled(rng.choice(candidates), rng)
        assert verdict(data) != "accepted" or not is_false(checker.parse(data)), data


def test_a_wrong_certificate_says_so_to_the_library() -> None:
    part = partition(he_network(3, [2, 4, 1], ["relu"]), SQUARE)
    wrong = cpwl.Certificate(part.network, Domain.box([-2, -2], [2, 2]), certify(part).listing)
    with pytest.raises(VerificationError, match="rule 6"):
        wrong.check()


def test_the_reason_names_the_region_and_the_unit(known: dict[str, Document]) -> None:
    wrong = json.loads(json.dumps(known["partition"]))
    regions = wrong["proof"]["regions"]
    regions[0], regions[5] = regions[5], regions[0]
    regions.append(list(regions[5]))
    with pytest.raises(checker.Rejected, match=r"rule 5: region 13 and region 5 lie on the same side of an edge"):
        checker.check(encoded(wrong))


# ---- untrusted input -------------------------------------------------------------------------------------------------
def test_a_certificate_that_no_checker_would_read_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checker, "MAX_BYTES", 1000)
    certificate = certify(partition(he_network(0, [2, 8, 1], ["relu"]), SQUARE))
    with pytest.raises(ArgumentError, match="at most 1,000 bytes"):
        certificate.save(tmp_path / "c.json")
    assert not list(tmp_path.iterdir())


def test_a_compressed_file_is_read_up_to_the_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_BYTES", 10_000)
    with pytest.raises(checker.Malformed, match="more than 10000 bytes"):
        checker.check(gzip.compress(bytes(10_000_000)))
    with pytest.raises(checker.Malformed, match="more than 10000 bytes"):
        checker.check(b" " * 10_001)


def test_a_network_of_more_entries_than_the_limit_is_refused_before_it_is_built() -> None:
    node: Any = {"op": "Gather", "inputs": [0], "shape": [2**13, 2**14], "index": {"shape": [1], "values": [0]}}
    with pytest.raises(checker.Malformed, match="entries"):
        checker.operators([{"op": "Input", "inputs": [], "shape": [2]}, node])


@pytest.mark.parametrize("padding", [10**6, 3 * 10**7])
def test_padding_does_not_make_much_work_of_a_short_file(padding: int) -> None:
    """Refused by count, before a table of windows is built: a gigabyte and a minute, once."""
    tensor = lambda *shape: {"shape": list(shape), "values": ["1"] * int(np.prod(shape))}  # noqa: E731
    conv = {
        "op": "Conv", "inputs": [0], "shape": [1, 2 * padding], "weight": tensor(1, 1, 3), "bias": tensor(1),
        "stride": [1], "padding": [[padding, padding]], "dilation": [1], "groups": 1,
    }  # fmt: skip
    start = [{"op": "Input", "inputs": [], "shape": [1, 2]}]
    tracemalloc.start()
    with pytest.raises(checker.Malformed, match="products a point"):
        checker.operators([*start, conv])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
    small = {**conv, "shape": [1, 2000], "padding": [[1000, 1000]]}
    assert checker.operators([*start, small])[-1].shape == (1, 2000)


def test_denominators_that_grow_are_refused(known: dict[str, Document]) -> None:
    """A least common multiple of many denominators could be as long as all of them together."""
    odd = [[1, 2 * k + 1] for k in range(2000)]
    with pytest.raises(checker.Malformed, match="4096 bits"):
        checker.common_scale([(p, q) for p, q in odd])


def test_a_number_too_long_for_a_file_is_not_written() -> None:
    for power in (4000, 100_000):
        with pytest.raises(ArgumentError, match="4000 digits"):
            quotient(1, 10**power)
    assert quotient(1, 10**3999).endswith("0")


# ---- independence ----------------------------------------------------------------------------------------------------
def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "").split(".")[0]


def test_the_checker_imports_the_standard_library_and_flint_only() -> None:
    names = set(imported(ast.parse(SOURCE.read_text(encoding="utf-8"))))
    assert names - {"flint"} <= set(sys.stdlib_module_names), names


def test_the_checker_holds_no_floating_point_arithmetic() -> None:
    """No float literal, no float(), no true division: the operator / occurs between paths and numbers nowhere."""
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Div), "a division"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex)), ast.dump(node)
        assert not (isinstance(node, ast.Name) and node.id in ("float", "complex", "round")), ast.dump(node)


@pytest.mark.parametrize("options", [[], ["--no-flint"]])
def test_the_checker_runs_alone_from_any_folder(options: list[str], tmp_path: Path) -> None:
    accept, reject = GOLDEN / "accept" / "partition.json", GOLDEN / "reject" / "rule-6-region-dropped.json"
    right = run(*options, accept, folder=tmp_path)
    assert right.returncode == 0 and right.stdout.startswith("accepted: partition: ") and not right.stderr
    wrong = run(*options, reject, folder=tmp_path)
    assert wrong.returncode == 1 and wrong.stdout.startswith("rejected: rule 6: region") and not wrong.stderr
    for arguments in ([], [tmp_path / "none.json"], [tmp_path], [GOLDEN / "malformed" / "cut-off.json"]):
        odd = run(*options, *arguments, folder=tmp_path)
        assert odd.returncode == 2 and odd.stdout.startswith("malformed: ") and not odd.stderr


def test_without_flint_the_verdict_is_the_same(known: dict[str, Document], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    changed = [encoded(mutated(document, rng)[1]) for document in known.values() for _ in range(8)]
    fast = [verdict(data) for data in changed]
    monkeypatch.setattr(checker.Matrix, "flint", None)
    assert [verdict(data) for data in changed] == fast and len(set(fast)) == 3


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=n, max_size=n)
    )
)
def test_determinants_without_flint_are_those_with_it(rows: list[list[int]]) -> None:
    assert checker.determinant(rows) == int(fmpz_mat(rows).det())


def test_networks_may_be_files_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claim = certify_equal(small_network(), permuted(small_network()), SQUARE)
    claim.save(tmp_path / "equal.json.gz", networks=tmp_path)
    files = sorted(map(str, tmp_path.glob("*.json")))
    assert len(files) == 2
    assert checker.main([str(tmp_path / "equal.json.gz"), *files]) == 0
    assert checker.main([str(tmp_path / "equal.json.gz"), files[0]]) == 1
    assert "rule 1" in capsys.readouterr().out


# ---- arguments -------------------------------------------------------------------------------------------------------
def part() -> Partition:
    return partition(he_network(3, [2, 4, 1], ["relu"]), SQUARE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: certify_extremum(part(), 1), "output must be a whole number from 0 to 0, got 1"),
        (lambda: certify_extremum(part(), sense="largest"), "sense must be"),  # type: ignore[arg-type]
        (lambda: certify_constant(part()), "one output"),
        (lambda: certify_equal(part().network, small_network(), SQUARE), "as many outputs"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()

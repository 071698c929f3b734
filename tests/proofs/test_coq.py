"""The machine-checked proofs in proofs/coq: they compile, rest on no axiom, and the checker made from them agrees."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from cpwl import certify, checker
from cpwl.geometry.domain import Domain
from cpwl.network import Network
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, networks
from tests.support.checker_fuzz import mutated
from tests.support.checker_inputs import Document, documents, encoded
from tests.support.coq_form import plain
from tests.support.named_inputs import with_coordinates
from tests.support.solid_inputs import CUBE, solids

COQ = Path(__file__).parents[2] / "proofs" / "coq"
GOLDEN = Path(__file__).parents[1] / "certificates"
POLYGON_RULES, SIMPLEX_RULES = range(2, 10), (3, 8, 9, *range(21, 26))
TILING_RULES = {*POLYGON_RULES, *SIMPLEX_RULES}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder with the compiled proofs, and what the compiler printed."""
    if shutil.which("coqc") is None:
        pytest.skip("Coq is not installed (Debian: coq)")
    folder = tmp_path_factory.mktemp("coq")
    result = subprocess.run([COQ / "compile", folder], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


@pytest.fixture(scope="module")
def native(compiled: tuple[Path, str]) -> Path:
    """The checker made from the proofs."""
    if shutil.which("ocamlopt") is None:
        pytest.skip("OCaml is not installed (Debian: ocaml-nox)")
    return compiled[0] / "checker"


def test_the_theorems_rest_on_no_axiom(compiled: tuple[Path, str]) -> None:
    wanted = (COQ / "Assumptions.v").read_text().count("Print Assumptions")
    assert wanted > 0
    assert compiled[1].split("\n") == ["Closed under the global context"] * wanted + [""]


def test_nothing_is_admitted() -> None:
    words = re.compile(r"\b(Admitted|admit|Axiom|Conjecture|Parameter|bypass_check)\b")
    sources = list(COQ.glob("*.v"))
    assert len(sources) > 5
    assert not [path.name for path in sources if words.search(path.read_text())]


def proves_without(rule: int, name: str, built: Path, folder: Path) -> bool:
    """Whether the proof of soundness compiles with a rule that lets everything pass."""
    source = (COQ / name).read_text()
    weaker, count = re.subn(rf"([\[ ]\({rule}, ).*\)([;\]])", r"\1true)\2", source, count=1)
    assert count == 1 and weaker != source
    (folder / name).write_text(weaker)
    command = ["coqc", "-q", "-Q", built, "Cpwl", folder / name]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).returncode == 0


@pytest.mark.parametrize("rule", [0, *POLYGON_RULES])
def test_the_proof_needs_every_rule_but_the_fifth(rule: int, compiled: tuple[Path, str], tmp_path: Path) -> None:
    assert proves_without(rule, "Checker.v", compiled[0], tmp_path) == (rule == 5)


@pytest.mark.parametrize("rule", [0, *SIMPLEX_RULES])
def test_the_proof_of_simplices_needs_every_rule_but_the_last(
    rule: int, compiled: tuple[Path, str], tmp_path: Path
) -> None:
    """Rule 25 says that simplices of one region do not overlap; no claim is about that."""
    assert proves_without(rule, "SimplexChecker.v", compiled[0], tmp_path) == (rule == 25)


# ---- the checker made from the proofs --------------------------------------------------------------------------------
def expected(document: Document) -> str | int | None:
    """The Python checker's verdict: "accepted", the number of the broken rule, or None for a malformed file."""
    try:
        checker.check(encoded(document))
    except checker.Malformed:
        return None
    except checker.Rejected as error:
        return int(str(error).split(":")[0].removeprefix("rule "))
    return "accepted"


def agrees(native: Path, document: Document) -> bool:
    """Whether both checkers say the same, and the broken rule of the one is among those of the other."""
    wanted = expected(document)
    result = subprocess.run([native], input=plain(document), capture_output=True, text=True, check=True)
    answer = result.stdout.strip()
    if wanted in TILING_RULES and "proof" in document:
        return answer.startswith("rejected: rules ") and str(wanted) in answer.split()[2:]
    return answer == ("accepted" if wanted == "accepted" else "rejected: the claim")


def golden() -> list[Path]:
    """The golden files with their networks inside, that break no rule about SHA-256, of versions 1 and 2."""
    files = [path for path in sorted(GOLDEN.glob("[ar]*/*")) if path.suffix in (".json", ".gz")]
    whole = [path for path in files if is_whole(read(path)) and not path.name.startswith("rule-1-")]
    return [path for path in whole if read(path)["version"] < 3]


def with_names() -> list[Path]:
    """Golden partitions of version 3 with short weights: long numbers are slow in the extracted program."""
    return [GOLDEN / "accept" / f"named-{name}.json" for name in ("every-operator", "hardtanh", "line")]


def read(path: Path) -> Document:
    data = path.read_bytes()
    document: Document = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    return document


def is_whole(document: Document) -> bool:
    return all("nodes" in network for network in document["networks"])


@pytest.mark.parametrize("path", golden(), ids=lambda path: path.name)
def test_both_checkers_agree_on_the_golden_files(path: Path, native: Path) -> None:
    assert agrees(native, read(path))


@pytest.mark.parametrize("path", with_names(), ids=lambda path: path.name)
def test_what_names_prove_is_proved_with_coordinates_too(path: Path, native: Path) -> None:
    """Theorem 7: the file of version 2 with the vertices that are named is accepted, by both checkers."""
    document = read(path)
    exact = with_coordinates(document)
    assert expected(exact) == "accepted" and agrees(native, exact)


def test_the_golden_files_break_every_rule_but_the_first() -> None:
    names = [path.name for path in golden()]
    assert len(names) > 50
    assert all(any(name.startswith(f"rule-{rule}-") for name in names) for rule in range(2, 26))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(net=networks())
def test_both_checkers_accept_degenerate_networks(native: Path, net: Network) -> None:
    document = certify(partition(net, SQUARE)).document()
    assert expected(document) == "accepted"
    assert agrees(native, document)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(net=networks(inputs=3) | networks(inputs=1))
def test_both_checkers_accept_degenerate_networks_in_space(native: Path, net: Network) -> None:
    document = certify(partition(net, CUBE if net.inputs == 3 else Domain.box([-1.0], [1.0]))).document()
    assert expected(document) == "accepted"
    assume(len(document["proof"]["vertices"]) < 40)  # numbers of the extracted program are slow
    assert agrees(native, document)


@pytest.mark.parametrize(("made", "count"), [(documents, 200), (solids, 100)])
def test_both_checkers_agree_on_changed_certificates(made: Any, count: int, native: Path) -> None:
    rng, judged = random.Random(0), 0
    slow = ("every-operator", "solid-tetrahedron", "solid-four-dimensions", "solid-equal-networks")
    candidates = [document for name, document in made() if name not in slow]
    while judged < count:
        _, document = mutated(rng.choice(candidates), rng)
        if expected(document) in (None, 1):
            continue
        judged += 1
        assert agrees(native, document), document

"""The benchmarks measure what they say: the reference networks, the vertices behind the floor, ratios, the check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cpwl
from cpwl.network import Network
from cpwl.tiling.blocks import Blocks

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "reference_nets.py"


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts import each other by name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_the_floor_counts_the_vertices_of_the_network_cut_off_after_each_stage() -> None:
    from floor import stage_vertices
    from networks import reference

    for name in ("mlp-16x2", "small-cnn"):
        wanted = reference(name)
        part = cpwl.partition(wanted.network, wanted.domain)
        found = stage_vertices(part)
        assert found.pop(0) == 4
        assert list(found) == list(reversed(wanted.network.nonlinear))
        for node, count in found.items():
            shortened = Network(wanted.network.nodes[: node + 1])
            assert len(cpwl.partition(shortened, wanted.domain).vertices) == count


def test_the_floor_counts_a_vertex_once_however_many_blocks_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from floor import stage_vertices
    from networks import reference

    divided: list[int] = []

    class Small(Blocks):
        def divided(self, arrangement: Any, count: int, *, tapering: bool = False) -> Any:
            divided.append(count)
            return super().divided(arrangement, count, tapering=tapering)

    wanted = reference("mlp-32x3")
    whole = stage_vertices(cpwl.partition(wanted.network, wanted.domain))
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, *sizes: Small(1 << 10, 1 << 16, 1 << 16)))
    assert stage_vertices(cpwl.partition(wanted.network, wanted.domain)) == whole
    assert max(divided) > 1


def test_the_floor_computes_every_row_of_every_product(monkeypatch: pytest.MonkeyPatch) -> None:
    import floor as module
    from networks import reference

    wanted = reference("mlp-16x2")
    monkeypatch.setattr(module, "Blocks", lambda: SimpleNamespace(wanted=lambda rows, entries: 7))
    rows: list[int] = []
    computing = module._computing

    def counted(op: Any, device: str | None) -> Any:
        compute = computing(op, device)

        def run(x: Any, y: Any) -> None:
            compute(x, y)
            rows.append(len(x))

        return run

    monkeypatch.setattr(module, "_computing", counted)
    module.Floor(wanted.network, {0: 4, 2: 100, 4: 53})()
    assert sum(rows[:4]) == 4 and sum(rows) == 4 + 100 + 53 and max(rows) == 15


def test_peers_get_the_function_that_the_network_is_on_the_slice() -> None:
    from networks import layers_on_slice, reference

    wanted = reference("mlp-784")
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    rows = points
    for k, (weight, bias) in enumerate(layers_on_slice(wanted)):
        rows = (np.maximum(rows, 0) if k else rows) @ weight.T + bias
    values = cpwl.evaluate(wanted.network, wanted.domain.to_input(points))
    np.testing.assert_allclose(rows, np.asarray(values, float).reshape(20, -1), rtol=1e-9, atol=1e-9)


@pytest.mark.skipif(not SHARED.exists(), reason="shared/reference_nets.py is absent")
def test_the_reference_networks_are_those_of_the_shared_script(tmp_path: Path) -> None:
    from networks import WIDTHS, reference

    subprocess.run([sys.executable, SHARED, tmp_path], check=True, capture_output=True)
    for name in WIDTHS:
        wanted = reference(name)
        with np.load(tmp_path / f"{name}.npz") as file:
            ops = [node.op for node in wanted.network.nodes if hasattr(node.op, "weight")]
            assert len(ops) == len(file["dims"]) - 1
            for k, op in enumerate(ops):
                assert np.array_equal(op.weight, file[f"W{k}"]) and np.array_equal(op.bias, file[f"b{k}"])
            assert np.abs(wanted.domain.polytope.vertices).max() == file["half"]
            if "u" in file:
                assert np.array_equal(wanted.domain.basis, np.stack([file["u"], file["v"]], axis=1))
                assert np.array_equal(wanted.domain.origin, file["origin"])


def test_one_process_a_tool_measures_what_it_says() -> None:
    command = [
        sys.executable,
        ROOT / "benchmarks" / "measure.py",
        "shallow-100",
        "torch",
        "--least",
        "1",
        "--seconds",
        "0",
    ]
    found = json.loads(subprocess.check_output(command, text=True, cwd=ROOT))
    assert found["regions"] == 4622 and found["euler"] == 1 and found["runs"] == 1
    assert 0 < found["floor"] < found["cpu"] and found["memory"] > 4622 * 100


def test_the_table_shows_ratios_and_wrong_counts() -> None:
    from report import rows

    ours = {"regions": 9, "expected": 10, "cpu": 3.0, "wall": 4.0, "memory": 2_000_000, "floor": 2.0, "euler": 1}
    ours |= {"beside": "plain", "beside_regions": 12, "beside_cpu": 2.0}
    peer = {"regions": 10, "expected": 10, "cpu": 1.5, "wall": 1.5}
    results = {"networks": {"net": {"torch": ours, "peer": peer, "other": {"failure": "> 9 s"}}}}
    assert list(rows(results, ["peer", "other"])) == [
        ["net", "torch", "9 (WRONG, not 10)", "3", "4", "2", "3.33e+05", "2 plain", "1.5", "2", ""],
        ["net", "peer", "10", "1.5", "1.5", "", "1.5e+05", "", "", "", ""],
        ["net", "other", "> 9 s", "", "", "", "", "", "", "", ""],
    ]


def test_a_partition_of_twice_the_cost_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the ratios that were measured when the limits were set; the check itself runs on its own."""
    import check

    measured = {name: limit / 1.5 for name, limit in check.LIMITS.items()}
    for factor, code in ((1.0, 0), (1.4, 0), (2.0, 1)):
        monkeypatch.setattr(check, "ratio", lambda name, factor=factor: factor * measured[name])
        assert CliRunner().invoke(check.main).exit_code == code


def test_one_slow_attempt_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    import check

    found = iter([9.0, 9.0, 0.1, 0.1, 0.1])
    monkeypatch.setattr(check, "ratio", lambda name: next(found))
    assert CliRunner().invoke(check.main).exit_code == 0


def test_calls_are_made_in_turns() -> None:
    from timing import in_turns

    order: list[int] = []
    costs = in_turns([lambda: order.append(0), lambda: order.append(1)], least=3, seconds=0.0)
    assert order == [0, 1] * 3 and [len(c) for c in costs] == [3, 3]


def test_two_cores_are_compared_with_one_and_with_what_they_could_do() -> None:
    from two_cores import main

    answer = CliRunner().invoke(main, ["mlp-16x2", "--turns", "2"])
    assert answer.exit_code == 0, answer.output
    _, *turns, last = (line.split() for line in answer.output.splitlines())
    assert len(turns) == 2
    for column, median in ((2, float(last[1])), (3, float(last[5]))):
        assert 0 < float(turns[0][column]) + float(turns[1][column]) == pytest.approx(2 * median, abs=0.021)


def test_a_network_beside_another_costs_and_counts_what_it_says() -> None:
    """The one that stands beside is measured in the same process, and its regions are its own."""
    command = [ROOT / "benchmarks" / "measure.py", "mlp-64x4-bias-free", "torch", "--least", "1", "--seconds", "0"]
    found = json.loads(subprocess.check_output([sys.executable, *command], text=True, cwd=ROOT))
    assert (found["regions"], found["beside"], found["beside_regions"]) == (504, "mlp-64x4-near", 536)
    assert found["settled"] > 0 and found["beside_cpu"] > 0 and found["floor"] > 0


def test_the_weights_of_hard_networks_are_what_their_names_say() -> None:
    from networks import BESIDE, available, reference

    def matrices(name: str) -> list[Any]:
        return [node.op for node in reference(name).network.nodes if hasattr(node.op, "weight")]

    assert all((np.round(op.weight * 4) == op.weight * 4).all() for op in matrices("mlp-64x4-of-quarters"))
    assert all((np.round(op.bias * 32) == op.bias * 32).all() for op in matrices("mlp-64x4-of-32nds"))
    assert not any(op.bias.any() for op in matrices("mlp-64x4-bias-free"))
    faint, plain = (matrices(name) for name in ("small-cnn-faint", "small-cnn"))
    for one, other in zip(faint[:2], plain[:2], strict=True):
        assert np.abs(one.weight[0]).max() <= 1e-20 * np.abs(other.weight[0]).max() * 1.01 and one.weight[0].any()
        assert np.array_equal(one.weight[1:], other.weight[1:])
    for one, other in zip(matrices("small-cnn-drowned")[:2], faint[:2], strict=True):
        assert np.array_equal(one.weight, other.weight)
        assert one.bias[0] == 0.1 and np.array_equal(one.bias[1:], other.bias[1:])
    assert {*BESIDE.values()} <= {*available()} | {"mnist-average"}


def test_the_tables_of_planes_through_images_take_the_place_of_those_before(tmp_path: Path) -> None:
    from image_planes import write

    asked = [
        {"question": "cut", "rung": "name", "number": 1200},
        {"question": "cut", "rung": "integer", "number": 30},
        {"question": "sign", "rung": "integer", "number": 4},
    ]
    row = {"set": "digits", "pool": "max", "trained": True, "accuracy": 0.9, "regions": 2000, "seconds": 0.1}
    row |= {"signs": 1_250_000, "flagged": 12, "asked": asked, "compared": 99, "disagreements": ["one"]}
    page = tmp_path / "page.md"
    marks = [f"<!-- {n}: benchmarks/image_planes.py -->\nold\n<!-- end of {n} -->" for n in ("costs", "decisions")]
    page.write_text("first\n" + "\nbetween\n".join(marks) + "\nlast\n")
    write(page, [row])
    once = page.read_text()
    write(page, [row])
    assert page.read_text() == once and "old" not in once
    assert once.startswith("first\n") and "\nbetween\n" in once and once.endswith("\nlast\n")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in once.splitlines() if "digits" in line]
    assert cells == [
        ["digits", "max", "90% right", "2,000", "0.1", "50", "99 regions", "1"],
        ["digits", "max", "90% right", "1.25M", "12", "4", "1,230", "0", "0", "1,200", "0", "34"],
    ]


def test_the_decisions_of_a_plane_are_those_that_were_asked_for() -> None:
    """All that a refinement asks, and as many signs as it has vertices times functions."""
    from image_planes import watched

    network = Network.mlp([[[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]], [[1.0, 1.0, 1.0]]], [[0.0, 0.0, 0.0], [0.0]])
    with watched() as watch:
        part = cpwl.partition(network, cpwl.Domain.box([-1, -1], [1, 1]))
    assert len(part) == 6 and watch.signs == 4 * 3 and watch.flagged == 0
    assert watch.counts.decisions == part.settled > 0


def test_one_command_proves_and_measures_a_device(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "benchmarks" / "device.py", "--device", "cpu", "--minutes", "0.6"]
    more = ["--laws", "one_region", "--out", tmp_path / "device.json"]
    subprocess.run([*command, *more], check=True, capture_output=True, text=True)
    found = json.loads((tmp_path / "device.json").read_text())
    assert "passed" in found["laws"]["said"] and found["laws"]["status"] == 0
    assert found["agreement"]["compared"] > 0 and found["agreement"]["differences"] == []
    assert found["networks"]["mlp-32x3"]["regions"] == 4414 and found["machine"]["device"] == "cpu"


def test_whatever_is_asked_of_a_deep_slice_is_answered_and_proved() -> None:
    import deep_slices

    answered = CliRunner().invoke(deep_slices.main, ["mlp-16x2"])
    assert answered.exit_code == 0, answered.output
    wanted = (
        "exact maps of all regions at once",
        "merged, everywhere",
        "100 exact points",
        "named vertices",
        "checked",
    )
    assert all(what in answered.output for what in wanted)

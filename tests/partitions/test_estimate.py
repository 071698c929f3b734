"""Estimates of how many regions there are, and progress that is shown unasked."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cpwl as library
from cpwl.analysis import study
from cpwl.errors import ArgumentError, NumericalRangeError
from cpwl.runtime import progress
from tests.support.clocks import estimates_by_looks
from tests.support.command_line import answer, cpwl, export
from tests.support.networks import mlp

WIDE = mlp(0, [2, 64, 64, 3])
SQUARE = library.Domain.box([-1, -1], [1, 1])


# ---- estimates ------------------------------------------------------------------------------------------------------
BOXES = {
    "box": (WIDE, SQUARE),
    "triangle": (WIDE, library.Domain.polygon([[-1, -1], [1, -1], [0, 2]])),
    "line": (mlp(0, [2, 400, 2]), library.Domain.segment([-2, -1], [2, 1.5])),
    "cube": (mlp(0, [3, 32, 2]), library.Domain.box([-1, -1, -1], [1, 1, 2])),
    "tetrahedron": (mlp(0, [3, 24, 2]), library.Domain.simplex([-1, -1, -1], [2, -1, -1], [0, 2, -1], [0, 0, 2])),
}


@pytest.mark.parametrize("name", BOXES)
def test_estimates_are_right_on_average(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.partitions.estimate._ENOUGH", 20)  # small boxes, so that they are extrapolated
    monkeypatch.setattr("cpwl.partitions.estimate._Pilot._whole", lambda *_: None)
    net, dom = BOXES[name]
    true = len(library.partition(net, dom))
    estimates = [library.estimate(net, dom, seed=seed, squares=12) for seed in range(12)]
    assert true > 200 and not any(estimate.complete for estimate in estimates)
    values, deviations = [estimate.regions for estimate in estimates], [estimate.deviation for estimate in estimates]
    assert abs(np.mean(values) - true) < 5 * np.mean(deviations) / np.sqrt(12), (values, true)
    assert 0.3 < np.std(values) / np.mean(deviations) < 2, "the standard error is that of the answers"
    assert all(e.seconds > 0 and e.memory > 50 * e.regions and len(e.counts) == 12 for e in estimates)


def test_regions_that_a_square_cuts_are_not_counted_as_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """One unit whose line crosses the domain and seven of all sixteen squares: two regions, about."""
    line = library.Network.mlp([np.array([[1.0, 0.5]]), np.ones((1, 1))], [np.full(1, 0.1), np.zeros(1)])
    assert library.estimate(line, SQUARE).regions == 2
    monkeypatch.setattr("cpwl.partitions.estimate._ENOUGH", 1)
    monkeypatch.setattr("cpwl.partitions.estimate._MOST", 4)
    found = library.estimate(line, SQUARE, squares=16)
    assert not found.complete and sum(found.counts == 2) >= 4 and 1.5 < found.regions < 4


@pytest.mark.parametrize("dim", [4, 5, 6])
def test_in_many_dimensions_a_number_that_few_regions_bear_out_has_a_large_error(
    dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small boxes have one region each there: so few were seen that crossings of dim walls seemed to be nowhere."""
    net, dom = mlp(0, [dim, 8, 8, 3]), library.Domain.box([-1] * dim, [1] * dim)
    true = library.partition(net, dom)
    estimates_by_looks(monkeypatch, 1e-3)
    for seed in range(3):
        rough = library.estimate(net, dom, max_seconds=0.01, seed=seed)
        assert not rough.complete and abs(rough.regions - len(true)) < 4 * rough.deviation


@pytest.mark.parametrize(
    "corners",
    [
        [[-1, -1], [1, 1], [1, 1.0001]],
        [[-1, -1], [1, -1], [-1, 1]],
        np.vstack([np.zeros(4), 2 * np.eye(4)]) - 0.5,
        np.vstack([np.zeros(5), 2 * np.eye(5)]) - 0.5,
        np.vstack([np.eye(4), -np.eye(4)]),
    ],
    ids=["sliver", "triangle", "4-simplex", "5-simplex", "cross-polytope"],
)
def test_where_few_boxes_lie_in_the_domain_the_error_is_large(corners: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes that were the same counted as many, and what no box covers as if it were like the rest."""
    dim = len(corners[0])
    net, dom = mlp(0, [dim, 10, 8, 3]), library.Domain.hull(corners)
    true = len(library.partition(net, dom))
    estimates_by_looks(monkeypatch, 1e-3)
    for seed in range(3):
        rough = library.estimate(net, dom, max_seconds=0.05, seed=seed)
        assert rough.complete or abs(rough.regions - true) < 5 * rough.deviation, (seed, true, rough)


def test_a_small_domain_is_counted() -> None:
    net = mlp(0, [2, 6, 3])
    found = library.estimate(net, SQUARE)
    assert found.complete and found.regions == len(library.partition(net, SQUARE)) and found.deviation == 0
    assert f"{len(library.partition(net, SQUARE))} regions, counted" in repr(found)


def test_the_same_seed_gives_the_same_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    estimates_by_looks(monkeypatch, 1e-3)
    one, again, other = (library.estimate(WIDE, SQUARE, seed=seed) for seed in (1, 1, 2))
    assert one.regions == again.regions and (one.complete or one.regions != other.regions)


def test_an_estimate_on_the_command_line(tmp_path: Path) -> None:
    export(tmp_path / "model.pt2", 2, 3)
    said = answer("partition", tmp_path / "model.pt2", "--box", -1, 1, "--estimate")
    assert "regions, counted" in said
    both = cpwl("partition", tmp_path / "model.pt2", "--box", -1, 1, "--estimate", "--stats")
    assert both.exit_code == 2 and "Give one of --out, --stats and --estimate" in both.output


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ArgumentError, match="max_seconds"):
        library.estimate(WIDE, SQUARE, max_seconds=0)
    with pytest.raises(NumericalRangeError, match="overflow"):
        library.estimate(WIDE, library.Domain.box([-1e308, -1e308], [1e308, 1e308]))


# ---- progress -------------------------------------------------------------------------------------------------------
class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))  # pytest has an own one in each phase
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return stream


def bars(stream: io.StringIO) -> set[str]:
    """Names of the bars that were drawn."""
    words = (
        "certify",
        "study",
        "certify extremum",
        "estimate",
        "write partition",
        "partition many",
        "partition blocks",
    )
    alone = {"partition"} if re.search("  partition(?! many| blocks)", stream.getvalue()) else set()
    return alone | {word for word in words if f"  {word}" in stream.getvalue()}


CALLS: dict[str, tuple[Any, str]] = {
    "partition": (lambda f: library.partition(WIDE, SQUARE), "partition"),
    "certify": (lambda f: library.certify(library.partition(mlp(0, [2, 6, 3]), SQUARE, max_seconds=60)), "certify"),
    "extremum": (lambda f: library.certify_extremum(library.partition(mlp(0, [2, 6, 3]), SQUARE)), "certify extremum"),
    "study": (lambda f: study({"a": mlp(0, [2, 6, 3])}, {"p": np.zeros((3, 2))}), "study"),
    "estimate": (lambda f: library.estimate(WIDE, SQUARE), "estimate"),
    "write": (lambda f: library.write_partition(WIDE, SQUARE, f / "regions"), "write partition"),
    "many": (lambda f: list(library.partition_many(mlp(0, [2, 6, 3]), [SQUARE, SQUARE])), "partition many"),
    "blocks": (lambda f: list(library.partition_blocks(WIDE, SQUARE, memory_limit=1 << 28)), "partition blocks"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_long_call_shows_its_progress_on_a_terminal(name: str, terminal: Terminal, tmp_path: Path) -> None:
    call, wanted = CALLS[name]
    call(tmp_path)
    assert wanted in bars(terminal)
    assert terminal.getvalue().rstrip().endswith("\x1b[2K") or "\x1b[?25h" in terminal.getvalue()[-40:]


def test_only_the_outermost_call_shows_its_progress(terminal: Terminal) -> None:
    study({"a": mlp(0, [2, 6, 3])}, {"p": np.zeros((3, 2))})
    assert bars(terminal) == {"study"}


def test_the_bar_of_a_generator_is_not_there_between_two_items(terminal: Terminal) -> None:
    """What the caller prints there would be drawn over, and calls in between have bars of their own."""
    parts = library.partition_many(mlp(0, [2, 6, 3]), [SQUARE] * 3)
    next(parts)
    first = terminal.getvalue()
    assert bars(terminal) == {"partition many"} and first.endswith("\x1b[2K")
    library.partition(WIDE, SQUARE)
    assert bars(terminal) == {"partition many", "partition"}
    parts.close()
    told: list[tuple[int, int]] = []
    again = library.partition_many(
        mlp(0, [2, 6, 3]), iter([SQUARE] * 3), progress=lambda done, total, what: told.append((done, total))
    )
    assert len(list(again)) == 3 and told == [(1, 3), (2, 3), (3, 3)]
    domains = (domain for domain in [SQUARE])
    list(library.partition_many(mlp(0, [2, 6, 3]), domains, progress=lambda *said: told.append(said[:2])))
    assert told[-1] == (1, 0)


def test_nothing_is_shown_for_a_short_call_or_where_nobody_looks_or_wants_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    library.partition(WIDE, SQUARE, progress=lambda done, total, what: told.append(done))
    assert told and not terminal.getvalue()
    monkeypatch.setenv("CPWL_PROGRESS", "0")
    library.partition(WIDE, SQUARE)
    monkeypatch.delenv("CPWL_PROGRESS")
    monkeypatch.setattr(progress, "_PATIENCE", 60.0)
    library.partition(WIDE, SQUARE)
    assert not terminal.getvalue()
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    plain = io.StringIO()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=plain))
    library.partition(WIDE, SQUARE)
    assert not plain.getvalue()


def test_what_is_shown_changes_no_answer(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = library.partition(WIDE, SQUARE)
    monkeypatch.setenv("CPWL_PROGRESS", "0")
    assert np.array_equal(shown.vertices, library.partition(WIDE, SQUARE).vertices)


def test_a_study_says_how_much_it_is_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.analysis.many_slices._MANY", 5)
    nets = {"a": mlp(0, [2, 3, 3]), "b": mlp(1, [2, 3, 3])}
    with pytest.warns(UserWarning, match=r"3 squares of 2 network\(s\) are 6 partitions"):
        assert len(study(nets, {"p": np.zeros((3, 2))})) == 6

"""A partition without regions (a budget was spent before any was finished) is answered for by every public call."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import analysis, plots
from cpwl.errors import CpwlError
from tests.support.networks import mlp
from tests.support.public import members

DOMAINS = {
    1: cpwl.Domain.segment([-1, -1, -1], [1, 1, 1]),
    2: cpwl.Domain.through([-1.0, -1, -1], [1, 1, 1], [1, 0, -1]),
    3: cpwl.Domain.box([-1] * 3, [1] * 3),
    4: cpwl.Domain.box([-1] * 4, [1] * 4),
}


@cache
def empty(backend: str, dim: int, outputs: int = 3) -> cpwl.Partition:
    domain = DOMAINS[dim]
    part = cpwl.partition(mlp(0, [domain.shape[0], 8, outputs]), domain, backend=backend, max_seconds=1e-9)
    assert not len(part) and not part.complete
    return part


def places(part: cpwl.Partition) -> np.ndarray:
    return np.zeros((2, part.domain.dim))


def normal(part: cpwl.Partition) -> list[int]:
    return [1] + [0] * (part.network.inputs - 1)


Call = Callable[[cpwl.Partition, Path], Any]
CALLS: dict[str, Call] = {
    "affine_maps": lambda p, f: p.affine_maps(),
    "arithmetic": lambda p, f: p.arithmetic,
    "betti": lambda p, f: p.betti(),
    "boundary": lambda p, f: p.boundary(1),
    "check_complete": lambda p, f: p.check_complete("it"),
    "check_exact": lambda p, f: p.check_exact("it"),
    "class_table": lambda p, f: p.class_table(),
    "decision_boundary": lambda p, f: repr(p.decision_boundary()),
    "dual_graph": lambda p, f: p.dual_graph(),
    "exact_predicates": lambda p, f: p.exact_predicates(),
    "faces": lambda p, f: [p.faces(k) for k in range(p.domain.dim + 1)],
    "facets": lambda p, f: p.facets(),
    "head": lambda p, f: repr(p.head(np.ones((1, 3)), [0])),
    "image": lambda p, f: repr(p.image([0, 1])),
    "jacobians": lambda p, f: p.jacobians(),
    "locate": lambda p, f: p.locate(places(p)),
    "map_errors": lambda p, f: p.map_errors(),
    "merged": lambda p, f: p.merged(),
    "patterns": lambda p, f: p.patterns(),
    "plot": lambda p, f: p.plot(),
    **{f"plot {color}": lambda p, f, c=color: p.plot(color=c) for color in ("area", "class", "output", "volume")},
    "plot of numbers": lambda p, f: p.plot(color=np.zeros(0)),
    "plot_solid": lambda p, f: p.plot_solid(apart=0.5),
    "plot_surface": lambda p, f: p.plot_surface(),
    "region": lambda p, f: p.region(0),
    "save": lambda p, f: (p.save(f / "p.npz"), repr(cpwl.load(f / "p.npz"))),
    "section": lambda p, f: repr(p.section(normal(p), 0.25)),
    "section, plot": lambda p, f: p.section(normal(p)).plot(),
    "sharpened": lambda p, f: p.sharpened(),
    "statistics": lambda p, f: (p.statistics().summary, p.statistics().to_frame(), p.statistics().plot()),
    "statistics_of_blocks": lambda p, f: repr(cpwl.statistics_of_blocks([p])),
    "to_input": lambda p, f: p.to_input(places(p)),
    "to_slice": lambda p, f: p.to_slice(p.to_input(places(p))),
    "to_sympy": lambda p, f: p.to_sympy(),
    "view": lambda p, f: p.view(f / "v.html"),
    "view class": lambda p, f: p.view(color="class"),
    "volume_errors": lambda p, f: p.volume_errors(),
    "volumes": lambda p, f: p.volumes(),
    "units": lambda p, f: analysis.units(p).plot(),
    "certify": lambda p, f: cpwl.certify(p),
    "compare": lambda p, f: cpwl.compare(p, p),
    "compare_execution": lambda p, f: cpwl.compare_execution(p, grid=3).plot(),
    "dual_points": lambda p, f: analysis.dual_points(p, output=0),
    "plot_distributions": lambda p, f: plots.plot_distributions({"a": p.statistics()}),
    "sample": lambda p, f: p.decision_boundary().sample(2),
    "nearest": lambda p, f: p.decision_boundary().nearest(places(p)),
    "table": lambda p, f: p.decision_boundary().table(),
    "measures": lambda p, f: p.decision_boundary().measures(),
    "mesh": lambda p, f: p.decision_boundary().mesh(),
    "plot of the boundary": lambda p, f: p.decision_boundary().plot(),
    "view of the boundary": lambda p, f: p.decision_boundary().view(f / "v.html"),
    "boundary, drawn": lambda p, f: p.plot(boundary=p.decision_boundary()),
    "boundary, in a page": lambda p, f: p.view(boundary=p.decision_boundary()),
}
ARRAYS = {"ambiguous", "oracle", "regions", "vertex_errors", "vertices"}
"""Properties."""
GIVEN = {"affine_maps", "class_table", "decision_boundary", "dual_graph", "faces", "facets", "head", "jacobians",
         "locate", "patterns", "save", "section", "statistics", "statistics_of_blocks", "table", "volumes"}  # fmt: skip
"""What is about the regions that are there: there are none, and that is an answer."""


@pytest.mark.parametrize("dim", DOMAINS)
@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.filterwarnings("ignore::cpwl.errors.IncompleteWarning")
def test_no_regions_are_an_answer_or_are_refused(backend: str, dim: int, tmp_path: Path) -> None:
    part, faults = empty(backend, dim), []
    for name, call in CALLS.items():
        try:
            call(part, tmp_path)
        except CpwlError as error:
            if name in GIVEN or "-1" in str(error) or "a picture needs" in str(error):
                faults.append(f"{name}: {error!r:.200}")
        except Exception as error:
            faults.append(f"{name}: {error!r:.200}")
    assert not faults, "\n" + "\n".join(faults)


def test_every_member_of_a_partition_is_tried() -> None:
    assert {name.split()[0].rstrip(",") for name in CALLS} | ARRAYS >= set(members(cpwl.Partition))


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("dim", DOMAINS)
@pytest.mark.parametrize("complete", [True, False])
def test_a_hyperplane_that_misses_all_regions_has_an_empty_section(backend: str, dim: int, complete: bool) -> None:
    domain = DOMAINS[dim]
    options = {} if complete else {"max_regions": 1}
    part = cpwl.partition(mlp(0, [domain.shape[0], 8, 3]), domain, backend=backend, **options)
    section = part.section(normal(part), 9)
    assert len(section) == 0 and section.patterns().shape == (0, part.network.units)
    assert section.measures().shape == (0,) and section.places().shape == (0, dim - 1)


@pytest.mark.parametrize("dim", DOMAINS)
def test_there_is_none_to_choose_from(dim: int) -> None:
    part = empty("torch", dim)
    for choose in (lambda: part.region(0), lambda: part[0], lambda: part.affine_maps([0]), lambda: part.patterns([0])):
        with pytest.raises(CpwlError, match=r"there (is|are) none to choose from"):
            choose()

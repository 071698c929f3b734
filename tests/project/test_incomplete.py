"""A partition that is not complete is never used without a word: refused where all regions are needed, else marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import cpwl
from cpwl.analysis import Frame, Recording, contours, length_table, nearest, study, units, volume_below
from cpwl.boundary.boundary import DecisionBoundary, decision_boundary
from cpwl.cli import main
from cpwl.errors import IncompleteError, IncompleteWarning
from cpwl.network import Network
from cpwl.partitions.partition import Partition
from cpwl.plots.boundary import plot_samples
from cpwl.plots.implicit import plot_stack
from cpwl.plots.line import plot_line
from cpwl.plots.page import view
from cpwl.plots.regions import plot
from cpwl.plots.section import plot_section
from cpwl.plots.solid import plot_mesh, plot_solid
from cpwl.plots.space import view_solid, view_surface
from cpwl.plots.statistics import plot_distributions, plot_study
from cpwl.plots.surface import plot_surface
from cpwl.regions.dual_graph import dual_graph
from cpwl.regions.piecewise import piecewise
from cpwl.statistics.crossing_units import crossings
from cpwl.statistics.slopes import slope_norms
from tests.support.networks import mlp
from tests.support.public import members, public

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


def first_network(*, crossed: bool) -> Network:
    """The first one whose boundary does, or does not, cross the first 300 regions."""
    networks = (mlp(seed, [2, 32, 32, 2]) for seed in range(40))
    parts = (cpwl.partition(network, SQUARE, max_regions=300) for network in networks)
    return next(part.network for part in parts if not part.complete and crossed == (len(part.decision_boundary()) > 0))


NETWORK = first_network(crossed=True)


@pytest.fixture(scope="module")
def part() -> Partition:
    found = cpwl.partition(NETWORK, SQUARE, max_regions=300)
    assert not found.complete
    return found


@pytest.fixture(scope="module")
def scalar() -> Partition:
    """One of a network with one output."""
    found = cpwl.partition(mlp(2, [2, 32, 32, 1]), SQUARE, max_regions=300)
    assert not found.complete
    return found


def texts(picture: Any) -> str:
    """All that is written in a figure, or in the figure of axes."""
    from matplotlib.text import Text

    figure = getattr(picture, "figure", picture)
    return " ".join(text.get_text() for text in figure.findobj(Text))


def images() -> Partition:
    """A partition whose inputs are images."""
    torch.manual_seed(0)  # of biases, too
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 32), torch.nn.ReLU(),
                                torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))  # fmt: skip
    torch.manual_seed(0)
    for layer in (model[1], model[3], model[5]):
        torch.nn.init.normal_(layer.weight)
    net = cpwl.compile(model.eval(), torch.zeros(1, 2, 2))
    corners = np.random.default_rng(0).normal(size=(3, 2, 2))
    return cpwl.partition(net, cpwl.Domain.through(*corners, margin=3.0), max_regions=50)


def line() -> Partition:
    """A partition of a line some of whose regions are left out."""
    part = cpwl.partition(NETWORK, cpwl.Domain.segment([-1, -1], [1, 1]))
    kept = part.arrangement.take(np.arange(len(part) - 1))
    return replace(part, arrangement=kept.arrangement, outputs=kept.carry(part.outputs), complete=False)


REFUSED: dict[str, Callable[[Partition, Partition], Any]] = {
    "nearest": lambda part, scalar: nearest(part.decision_boundary(), [[0.0, 0.0]]),
    "contours": lambda part, scalar: contours(scalar.decision_boundary(level=0.0)),
    "volume_below": lambda part, scalar: volume_below(scalar),
    "merged": lambda part, scalar: part.merged(),
    "merged everywhere": lambda part, scalar: part.merged(join="everywhere"),
    "piecewise": lambda part, scalar: piecewise(part, max_regions=10_000),
    "compare": lambda part, scalar: cpwl.compare(part, cpwl.partition(NETWORK, SQUARE, backend="exact")),
    "compare with": lambda part, scalar: cpwl.compare(
        cpwl.partition(NETWORK, SQUARE), cpwl.partition(NETWORK, SQUARE, backend="exact", max_regions=300)
    ),
    "certify": lambda part, scalar: cpwl.certify(part),
    "certify a block": lambda part, scalar: cpwl.certify(next(cpwl.partition_blocks(NETWORK, SQUARE, max_regions=300))),
    "certify with nothing": lambda part, scalar: cpwl.certify(empty(part)),
    "certify_extremum": lambda part, scalar: cpwl.certify_extremum(scalar),
    "certify_constant": lambda part, scalar: cpwl.certify_constant(part),
    "betti": lambda part, scalar: part.betti(),
    "betti of a level": lambda part, scalar: scalar.betti(level=0.0, side="below"),
    "image, support": lambda part, scalar: part.image().support([1, 0]),
    "image, inside": lambda part, scalar: part.image().inside([[1, 0]], [1e9]),
    "a region on the border": lambda part, scalar: part.region(border_region(part)).exact_vertices,
}
MARKED: dict[str, Callable[[Partition, Partition, Path], str]] = {
    "partition": lambda part, scalar, folder: repr(part),
    "sharpened": lambda part, scalar, folder: repr(part.sharpened()),
    "saved": lambda part, scalar, folder: (part.save(folder / "p.npz"), repr(cpwl.load(folder / "p.npz")))[1],
    "decision_boundary": lambda part, scalar, folder: repr(decision_boundary(part)),
    "level_set": lambda part, scalar, folder: repr(cpwl.level_set(scalar.network, SQUARE, max_regions=5)),
    "class_boundary": lambda part, scalar, folder: repr(cpwl.class_boundary(part.network, SQUARE, max_regions=5)),
    "image": lambda part, scalar, folder: repr(part.image()),
    "statistics": lambda part, scalar, folder: repr(part.statistics()),
    "statistics, plot": lambda part, scalar, folder: texts(part.statistics().plot()),
    "plot_distributions": lambda part, scalar, folder: texts(plot_distributions({"a": part.statistics()})),
    "units": lambda part, scalar, folder: repr(units(part)),
    "units, plot": lambda part, scalar, folder: texts(units(part).plot()),
    "plot": lambda part, scalar, folder: texts(plot(part)),
    "plot of an output": lambda part, scalar, folder: texts(plot(part, color="output")),
    "plot_line": lambda part, scalar, folder: texts(plot_line(line())),
    "plot_surface": lambda part, scalar, folder: texts(plot_surface(part)),
    "plot_samples": lambda part, scalar, folder: texts(
        plot_samples(images().decision_boundary(), np.ones((1, 2, 2)), count=2)
    ),
    "plot_stack": lambda part, scalar, folder: texts(plot_stack([solid().decision_boundary(level=0.0)])),
    "view": lambda part, scalar, folder: view(part, folder / "v.html", title="mine").read_text(encoding="utf-8"),
    "section": lambda part, scalar, folder: repr(space().section([1, 0, 0])),
    "plot_section": lambda part, scalar, folder: texts(plot_section(space().section([1, 0, 0]))),
    "plot_solid": lambda part, scalar, folder: texts(plot_solid(space())),
    "plot_mesh": lambda part, scalar, folder: texts(plot_mesh(space().decision_boundary(level=0.0))),
    "view_solid": lambda part, scalar, folder: view_solid(space()).text,
    "view_surface": lambda part, scalar, folder: view_surface(space().decision_boundary(level=0.0)).text,
    "compare_execution": lambda part, scalar, folder: repr(cpwl.compare_execution(part, grid=5)),
    "compare_execution, report": lambda part, scalar, folder: cpwl.compare_execution(part, grid=5).report(),
    "compare_execution, plot": lambda part, scalar, folder: texts(cpwl.compare_execution(part, grid=5).plot()),
    "statistics_of_blocks": lambda part, scalar, folder: repr(totals()),
    "write_partition": lambda part, scalar, folder: repr(written(folder)),
    "frame": lambda part, scalar, folder: repr(Frame.of(part, None, 0, {})),
    "frames": lambda part, scalar, folder: texts(Recording(SQUARE, [Frame.of(part, None, 0, {})]).plot()),
    "curves": lambda part, scalar, folder: texts(Recording(SQUARE, [Frame.of(part, None, 0, {})]).plot_curves()),
    "plot_study": lambda part, scalar, folder: texts(plot_study(budgeted_study(), measures=["regions"])),
}
TABLES: dict[str, Callable[[Partition], Any]] = {
    "length_table": lambda part: length_table(part.decision_boundary())["complete"].any(),
    "class_table": lambda part: part.class_table()["complete"].any(),
    "units": lambda part: units(part).to_frame()["complete"].any(),
    "units by layer": lambda part: units(part).by_layer()["complete"].any(),
    "statistics": lambda part: part.statistics().to_frame().attrs["complete"],
    "summary": lambda part: part.statistics().summary["complete"],
    "totals": lambda part: totals().summary["complete"],
    "dual_graph": lambda part: dual_graph(part).graph["complete"],
    "study": lambda part: budgeted_study()["complete"].any(),
    "recording": lambda part: Recording(SQUARE, [Frame.of(part, None, 0, {})]).table()["complete"].any(),
    "boundary": lambda part: part.decision_boundary().complete,
}
REGION_BY_REGION = {
    "crossings",
    "dual_points",
    "slope_norms",
    "samples: IncompleteWarning",
    "agreement: takes no budget",
}
PROVEN = {"certify_samples"}
"""They prove what they return, and claim nothing of the rest."""


def border_region(part: Partition) -> int:
    """A region with a side inside of the domain beyond which there is none."""
    facets = part.facets()
    middles = part.vertices[facets.vertices.values.reshape(-1, 2)].mean(axis=1)
    inside = (np.abs(middles) < 0.999).all(axis=1)
    return int(facets.regions[(facets.regions[:, 1] < 0) & inside][0, 0])


def empty(part: Partition) -> Partition:
    """One whose time was over before anything was finished."""
    found = cpwl.partition(part.network, SQUARE, max_seconds=1e-9)
    assert not found.complete
    return found


def solid() -> Partition:
    origin, basis = np.zeros(3), np.eye(3)[:, :2]
    plane = cpwl.Domain.polygon(SQUARE.polytope.vertices, origin, basis)
    return cpwl.partition(mlp(2, [3, 32, 32, 1]), plane, max_regions=100)


def space() -> Partition:
    """A partition of a solid some of whose regions are left out."""
    return cpwl.partition(mlp(2, [3, 16, 16, 1]), cpwl.Domain.box([-1] * 3, [1] * 3), max_regions=100)


def totals() -> cpwl.Totals:
    return cpwl.statistics_of_blocks(cpwl.partition_blocks(NETWORK, SQUARE, max_regions=300))


def written(folder: Path) -> cpwl.WrittenStatistics:
    cpwl.write_partition(NETWORK, SQUARE, folder / "regions", max_regions=300)
    return cpwl.statistics_of_folder(folder / "regions")


def budgeted_study() -> Any:
    return study(NETWORK, np.zeros((1, 2)), side=2.0, max_regions=300)


@pytest.mark.parametrize("name", REFUSED)
def test_where_all_regions_are_needed_it_is_refused(name: str, part: Partition, scalar: Partition) -> None:
    with pytest.raises(IncompleteError, match="not complete"):
        REFUSED[name](part, scalar)


@pytest.mark.filterwarnings("ignore::cpwl.errors.IncompleteWarning")
@pytest.mark.parametrize("name", MARKED)
def test_elsewhere_it_says_that_it_is_incomplete(name: str, part: Partition, scalar: Partition, tmp_path: Path) -> None:
    assert "INCOMPLETE" in MARKED[name](part, scalar, tmp_path)


@pytest.mark.parametrize("name", TABLES)
def test_tables_and_numbers_say_so(name: str, part: Partition) -> None:
    assert not TABLES[name](part)


def test_a_complete_one_says_nothing_of_it(tmp_path: Path) -> None:
    whole = cpwl.partition(mlp(2, [2, 8, 2]), SQUARE)
    found = [repr(whole), repr(whole.statistics()), repr(units(whole)), texts(plot(whole)), repr(whole.merged())]
    found += [repr(whole.decision_boundary()), texts(plot_surface(whole)), texts(whole.statistics().plot())]
    found.append(view(whole, tmp_path / "v.html").read_text(encoding="utf-8"))
    totals = cpwl.statistics_of_blocks(cpwl.partition_blocks(whole.network, SQUARE))
    assert totals.complete and "complete" not in totals.summary | whole.statistics().summary
    assert not [text for text in [*found, repr(totals)] if "INCOMPLETE" in text]
    assert len(whole.region(0).exact_vertices) == len(whole.region(0).vertices)


def test_of_blocks_from_elsewhere_nobody_knows() -> None:
    blocks = list(cpwl.partition_blocks(NETWORK, SQUARE, max_regions=300))
    assert cpwl.statistics_of_blocks(blocks).complete is None


def test_samples_come_with_a_warning(part: Partition) -> None:
    boundary = part.decision_boundary()
    for draw in (boundary.sample, boundary.sample_slice, boundary.certify):
        with pytest.warns(IncompleteWarning, match="not complete") as caught:
            draw(2)
        assert [warning.filename for warning in caught] == [__file__]


def test_a_boundary_is_not_called_empty_before_all_is_known() -> None:
    part = cpwl.partition(first_network(crossed=False), SQUARE, max_regions=300)
    assert not len(part.decision_boundary())
    with pytest.raises(IncompleteError), pytest.warns(IncompleteWarning):
        part.decision_boundary().sample(1)


def test_a_region_inside_keeps_its_exact_shape(part: Partition) -> None:
    beside = set(part.facets().regions[part.facets().regions[:, 1] < 0, 0].tolist())
    inner = next(r for r in range(len(part)) if r not in beside)
    exact = part.region(inner).exact_vertices.astype(float)
    order = [int(np.abs(exact - corner).sum(axis=1).argmin()) for corner in part.region(inner).vertices]
    np.testing.assert_allclose(exact[order], part.region(inner).vertices, atol=1e-12)


# ---- the command line ----------------------------------------------------------------------------------------------
COMMANDS = ["stats {p}", "units {p}", "boundary {p}", "boundary {p} --out {f}/s.csv", "plot {p} --out {f}/p.png",
            "view {p} --boundary --samples 3 --out {f}/v.html", "compare {p} --run float32 --grid 3"]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_that_the_file_is_incomplete(command: str, part: Partition, tmp_path: Path) -> None:
    part.save(tmp_path / "part.npz")
    answer = CliRunner().invoke(main, command.format(p=tmp_path / "part.npz", f=tmp_path).split())
    assert answer.exit_code == 0, answer.output
    assert "INCOMPLETE" in answer.output


@pytest.mark.parametrize(
    "command", ["nearest {p} --points {f}/x.npy", "certify {p} --out {f}/c.json.gz", "certify {p} --exact {f}/e.npz"]
)
def test_a_command_that_needs_all_regions_is_refused(command: str, part: Partition, tmp_path: Path) -> None:
    part.save(tmp_path / "part.npz")
    np.save(tmp_path / "x.npy", np.zeros((1, 2)))
    there = set(tmp_path.iterdir())
    answer = CliRunner().invoke(main, command.format(p=tmp_path / "part.npz", f=tmp_path).split())
    assert answer.exit_code == 2 and "not complete" in answer.output
    assert set(tmp_path.iterdir()) == there


# ---- nothing is forgotten ------------------------------------------------------------------------------------------
def takes_a_partition(function: Any) -> bool:
    kinds = ("Partition", "DecisionBoundary", "Statistics")
    return any(kind in str(p.annotation) for p in signature(function).parameters.values() for kind in kinds)


def test_every_public_function_of_a_partition_is_named_here() -> None:
    named = {key.split(",")[0].split()[0] for key in (*REFUSED, *MARKED, *TABLES)} | PROVEN
    named |= {name.split(":")[0] for name in REGION_BY_REGION}
    functions = {name.rpartition(".")[2] for name, what in public().items()
                 if not isinstance(what, type) and takes_a_partition(what)}  # fmt: skip
    assert functions - named == set()


def test_methods_of_partitions_and_boundaries_lead_to_these() -> None:
    by_region = {"affine_maps", "ambiguous", "arithmetic", "boundary", "check_complete", "check_exact",
                 "exact_predicates", "faces", "facets", "head", "jacobians", "locate", "map_errors", "oracle",
                 "patterns", "region", "regions", "to_input",
                 "to_slice", "vertex_errors", "vertices", "volume_errors", "volumes"}  # fmt: skip
    named = {"betti", "class_table", "decision_boundary", "dual_graph", "image", "merged", "plot", "plot_solid",
             "plot_surface", "save", "section", "sharpened", "statistics", "to_sympy"}  # fmt: skip
    assert set(members(Partition)) == by_region | named | {"view"}
    samples = {"sample", "sample_slice", "certify", "plot_samples"}
    shape = {"corners", "ends", "kind", "lengths", "measures"}
    space = {"check_complete", "mesh", "plot", "view"}
    assert set(members(DecisionBoundary)) == samples | shape | space | {"complete", "nearest", "residuals", "table"}


def test_what_is_not_a_claim_about_all_regions_still_works(part: Partition) -> None:
    assert len(crossings(part).facet) and len(slope_norms(part)) == len(part)

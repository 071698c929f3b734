"""Every public call answers a wrong argument with an error of the library that names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl import analysis, plots
from cpwl.boundary.boundary import decision_boundary
from cpwl.boundary.section import section
from cpwl.errors import CpwlError, DomainError, FileFormatError
from cpwl.regions.betti import betti
from cpwl.regions.piecewise import piecewise
from tests.support import shapes
from tests.support.networks import mlp
from tests.support.public import members, public

NET = mlp(0, [2, 4, 3])
SCALAR = mlp(1, [2, 4, 1])
SQUARE = cpwl.Domain.box([-1, -1], [1, 1])
POINTS = np.array([[0.25, 0.5], [-0.5, 0.125], [0.75, -0.5]])
SPEC = cpwl.Specification.box([-1, -1], [1, 1], [([1, 0, 0], -1e9)])
QUERY = "(declare-const X_0 Real) (declare-const Y_0 Real) (assert (and (<= X_0 1) (>= X_0 0) (<= Y_0 2)))"


@cache
def part() -> cpwl.Partition:
    return cpwl.partition(NET, SQUARE)


@cache
def line() -> cpwl.Partition:
    return cpwl.partition(NET, cpwl.Domain.segment([-1, -1], [1, 1]))


@cache
def solid() -> cpwl.Partition:
    return cpwl.partition(mlp(1, [3, 4, 2]), shapes.cube(1.0))


@cache
def ring() -> cpwl.DecisionBoundary:
    return cpwl.partition(shapes.ring(), shapes.cube()).decision_boundary(level=0.5)


@cache
def scalar() -> cpwl.Partition:
    return cpwl.partition(SCALAR, SQUARE)


@cache
def pieces() -> cpwl.SegmentPieces:
    return cpwl.segments(NET, POINTS, POINTS + 1)


@cache
def certificate() -> cpwl.Certificate:
    return cpwl.certify(part())


@cache
def local_maps() -> analysis.LocalMaps:
    return analysis.local_maps(NET, np.random.default_rng(0).normal(size=(12, 2)))


Call = tuple[Callable[..., Any], dict[str, Any]]
_PARTITION = {"net": NET, "dom": SQUARE}
_LIMITS = {"memory_limit": 1 << 26, "max_regions": 100, "max_seconds": 100.0}
_LABELS = np.arange(12) % 3
CALLS: dict[str, Callable[[Path], Call]] = {
    "Domain.box": lambda f: (cpwl.Domain.box, {"lo": [0, 0], "hi": [1, 1]}),
    "Domain.through": lambda f: (
        lambda points=([0, 0, 0], [1, 0, 0], [0, 1, 0]), **k: cpwl.Domain.through(*points, **k),
        {"margin": 0.5, "fit": "square"},
    ),
    "Domain.slice": lambda f: (
        cpwl.Domain.slice,
        {"lo": [0, 0], "hi": [1, 1], "axes": (0, 2), "fixed": np.zeros(4), "names": ["a", "b", "c", "d"]},
    ),
    "Domain.segment": lambda f: (cpwl.Domain.segment, {"p": [0, 0, 0], "q": [1, 0, 0]}),
    "Domain.polyline": lambda f: (cpwl.Domain.polyline, {"points": [[0, 0], [1, 0], [1, 1]]}),
    "Domain.hull": lambda f: (
        cpwl.Domain.hull,
        {"vertices": [[0, 0], [1, 0], [0, 1], [1, 1]], "origin": [0, 0, 0], "basis": np.eye(3)[:, :2]},
    ),
    "Domain.halfspaces": lambda f: (
        cpwl.Domain.halfspaces,
        {"A": [[1, 0], [0, 1], [-1, -1]], "c": [0, 0, 1], "origin": [0, 0, 0], "basis": np.eye(3)[:, :2]},
    ),
    "Domain.polygon": lambda f: (
        cpwl.Domain.polygon,
        {"vertices": [[0, 0], [1, 0], [0, 1]], "origin": [0, 0, 0], "basis": np.eye(3)[:, :2]},
    ),
    "Domain.to_input": lambda f: (SQUARE.to_input, {"u": POINTS}),
    "Domain.to_slice": lambda f: (SQUARE.to_slice, {"x": POINTS}),
    "Network.mlp": lambda f: (cpwl.Network.mlp, {"weights": [np.eye(2)], "biases": [np.zeros(2)]}),
    "head": lambda f: (cpwl.head, {"net": NET, "A": np.eye(3), "c": [0, 1, 2]}),
    "margin": lambda f: (cpwl.margin, {"net": NET, "label": 1}),
    "difference": lambda f: (cpwl.difference, {"first": NET, "second": NET}),
    "compose": lambda f: (cpwl.compose, {"first": mlp(2, [3, 4, 2]), "second": NET}),
    "Partition.head": lambda f: (part().head, {"A": np.eye(3), "c": [0, 1, 2]}),
    "partition": lambda f: (cpwl.partition, {**_PARTITION, **_LIMITS}),
    "level_set": lambda f: (cpwl.level_set, {**_PARTITION, "level": 0.1, "output": 1, **_LIMITS}),
    "class_boundary": lambda f: (cpwl.class_boundary, {**_PARTITION, "classes": (0, 1), **_LIMITS}),
    "estimate": lambda f: (cpwl.estimate, {**_PARTITION, "squares": 2, "max_seconds": 1.0, "seed": 0}),
    "partition_blocks": lambda f: (lambda **k: list(cpwl.partition_blocks(**k)), {**_PARTITION, **_LIMITS}),
    "partition_many": lambda f: (
        lambda **k: list(cpwl.partition_many(**k)),
        {"networks": NET, "domains": SQUARE, **_LIMITS},
    ),
    "segments": lambda f: (cpwl.segments, {"net": NET, "starts": POINTS, "ends": POINTS + 1, "memory_limit": 1 << 26}),
    "SegmentPieces.patterns": lambda f: (pieces().patterns, {"segments": [0, 2]}),
    "SegmentPieces.units": lambda f: (pieces().units, {"segments": [0, 2]}),
    "SegmentPieces.slopes": lambda f: (pieces().slopes, {"segments": [0, 2]}),
    "SegmentPieces.slope_errors": lambda f: (pieces().slope_errors, {"segments": [0, 2]}),
    "SegmentPieces.to_input": lambda f: (pieces().to_input, {"segment": 0, "t": [0.5]}),
    "plot_segment": lambda f: (plots.plot_segment, {"pieces": pieces(), "segment": 0, "outputs": [0]}),
    "verify": lambda f: (cpwl.verify, {"net": NET, "spec": SPEC, "timeout": 100.0}),
    "Specification.box": lambda f: (
        cpwl.Specification.box,
        {"lo": [0, 0], "hi": [1, 1], "unsafe": [([1, 0, 0], 0)], "strict": False},
    ),
    "Specification.parse": lambda f: (cpwl.Specification.parse, {"text": QUERY}),
    "Specification.read": lambda f: (cpwl.Specification.read, {"path": query(f)}),
    "Specification.is_unsafe": lambda f: (SPEC.is_unsafe, {"x": [0, 0], "y": [1, 2, 3]}),
    "Partition.image": lambda f: (part().image, {"outputs": [0, 1]}),
    "Image.support": lambda f: (part().image([0, 1]).support, {"direction": [1.0, 0.0]}),
    "Image.inside": lambda f: (part().image([0, 1]).inside, {"A": [[1.0, 0.0]], "c": [100.0]}),
    "Partition.betti": lambda f: (part().betti, {"classes": (0, 1)}),
    "betti": lambda f: (betti, {"part": part(), "classes": 1}),
    "betti at": lambda f: (betti, {"part": scalar(), "level": 0.0, "side": "below"}),
    "write_partition": lambda f: (cpwl.write_partition, {**_PARTITION, "path": f / "folder", **_LIMITS}),
    "statistics_of_folder": lambda f: (cpwl.statistics_of_folder, {"path": written(f)}),
    "statistics_of_blocks": lambda f: (cpwl.statistics_of_blocks, {"blocks": [part()]}),
    "section": lambda f: (section, {"part": solid(), "normal": [1, 0, 0], "offset": 0.25}),
    "plot_section": lambda f: (plots.plot_section, {"section": solid().section([1, 0, 0]), "color": "slope"}),
    "plot_solid": lambda f: (plots.plot_solid, {"partition": solid(), "color": "slope", "apart": 0.5}),
    "plot_mesh": lambda f: (plots.plot_mesh, {"boundary": ring(), "color": "slope"}),
    "view_solid": lambda f: (plots.view_solid, {"partition": solid(), "path": f / "v.html", "color": "slope"}),
    "view_surface": lambda f: (plots.view_surface, {"boundary": ring(), "path": f / "v.html", "color": "slope"}),
    "SurfaceMesh.save": lambda f: (ring().mesh().save, {"path": f / "m.ply"}),
    "evaluate": lambda f: (cpwl.evaluate, {"net": NET, "points": POINTS}),
    "evaluate exactly": lambda f: (cpwl.evaluate, {"net": NET, "points": POINTS, "backend": "exact"}),
    "local_map": lambda f: (cpwl.local_map, {"net": NET, "x": POINTS[0]}),
    "local_map exactly": lambda f: (cpwl.local_map, {"net": NET, "x": POINTS[0], "backend": "exact"}),
    "LocalMap.contains": lambda f: (cpwl.local_map(NET, POINTS[0]).contains, {"points": POINTS}),
    "LocalMap.halfspaces": lambda f: (cpwl.local_map(NET, POINTS[0]).halfspaces, {"domain": SQUARE, "limit": 1 << 20}),
    "LocalMap.jacobian": lambda f: (cpwl.local_map(NET, POINTS[0]).jacobian, {"limit": 1 << 20}),
    "LocalMap.matvec": lambda f: (cpwl.local_map(NET, POINTS[0]).matvec, {"v": POINTS[0]}),
    "LocalMap.rmatvec": lambda f: (cpwl.local_map(NET, POINTS[0]).rmatvec, {"w": [1, 2, 3]}),
    "LocalMap.row": lambda f: (cpwl.local_map(NET, POINTS[0]).row, {"j": 1}),
    "load": lambda f: (cpwl.load, {"path": saved(f)}),
    "compile": lambda f: (
        cpwl.compile,
        {"model": torch.nn.Linear(2, 2).eval(), "example_input": torch.zeros(1, 2), "output": 0},
    ),
    "compare": lambda f: (cpwl.compare, {"part_float": part(), "part_exact": certificate().partition}),
    "compare_devices": lambda f: (cpwl.compare_devices, {**_PARTITION, "device": "cpu"}),
    "compare_execution": lambda f: (cpwl.compare_execution, {"part": part(), "grid": 3}),
    "certify": lambda f: (cpwl.certify, {"partition": part()}),
    "certify_constant": lambda f: (cpwl.certify_constant, {"part": certificate(), "label": 1}),
    "certify_extremum": lambda f: (cpwl.certify_extremum, {"part": certificate(), "output": 1}),
    "certify_equal": lambda f: (cpwl.certify_equal, {"first": NET, "second": NET, "dom": SQUARE}),
    "certify_samples": lambda f: (cpwl.certify_samples, {"boundary": part().decision_boundary(), "n": 2}),
    "Certificate.save": lambda f: (certificate().save, {"path": f / "c.json"}),
    "Certificate.near": lambda f: (certificate().near, {"vertex": 0}),
    "Certificate.load": lambda f: (
        cpwl.Certificate.load,
        {"path": (certificate().save(f / "c.json"), f / "c.json")[1]},
    ),
    "decision_boundary": lambda f: (decision_boundary, {"part": part(), "classes": (0, 1)}),
    "decision_boundary at": lambda f: (decision_boundary, {"part": scalar(), "level": 0.0}),
    "DecisionBoundary.sample": lambda f: (part().decision_boundary().sample, {"n": 2, "seed": 1}),
    "DecisionBoundary.sample_slice": lambda f: (part().decision_boundary().sample_slice, {"n": 2, "seed": 1}),
    "DecisionBoundary.certify": lambda f: (part().decision_boundary().certify, {"n": 2, "seed": 1}),
    "DecisionBoundary.nearest": lambda f: (part().decision_boundary().nearest, {"u": POINTS}),
    "DecisionBoundary.residuals": lambda f: (
        part().decision_boundary().residuals,
        dict(zip(("u", "segment"), part().decision_boundary().sample_slice(2), strict=True)),
    ),
    "Partition.faces": lambda f: (part().faces, {"k": 1}),
    "Partition.boundary": lambda f: (part().boundary, {"k": 1}),
    "Partition.locate": lambda f: (part().locate, {"u": POINTS}),
    "Partition.affine_maps": lambda f: (part().affine_maps, {"regions": [0, 1]}),
    "Partition.jacobians": lambda f: (part().jacobians, {"regions": [0, 1]}),
    "Partition.map_errors": lambda f: (part().map_errors, {"regions": [0, 1]}),
    "Partition.patterns": lambda f: (part().patterns, {"regions": [0, 1]}),
    "Partition.volumes": lambda f: (part().volumes, {"regions": [0, 1], "accuracy": 0.5}),
    "Partition.volume_errors": lambda f: (part().volume_errors, {"regions": [0, 1], "accuracy": 0.5}),
    "Partition.merged": lambda f: (part().merged, {}),
    "Partition.region": lambda f: (part().region, {"index": 1}),
    "Partition.save": lambda f: (part().save, {"path": f / "p.npz"}),
    "piecewise": lambda f: (piecewise, {"partition": part(), "max_regions": 100}),
    "Merged.locate": lambda f: (part().merged().locate, {"u": POINTS}),
    "Merged.affine_maps": lambda f: (part().merged().affine_maps, {}),
    "Merged.polygons": lambda f: (part().merged().polygons, {"region": 0}),
    "Region.affine_map": lambda f: (part().region(0).affine_map, {}),
    "Statistics.to_csv": lambda f: (part().statistics().to_csv, {"path": f / "s.csv"}),
    "WrittenStatistics.to_csv": lambda f: (cpwl.statistics_of_folder(written(f)).to_csv, {"path": f / "s.csv"}),
    "Totals.add": lambda f: (cpwl.statistics_of_blocks([]).add, {"block": part()}),
    "agreement": lambda f: (analysis.agreement, {"first": NET, "second": NET, "dom": SQUARE}),
    "Agreement.areas": lambda f: (analysis.agreement(NET, NET, SQUARE).areas, {"accuracy": 0.5}),
    "Agreement.area_errors": lambda f: (analysis.agreement(NET, NET, SQUARE).area_errors, {"accuracy": 0.5}),
    "axis_slices": lambda f: (analysis.axis_slices, {"lo": [0, 0, 0], "hi": [1, 1, 1], "axis": 1, "at": [0.5]}),
    "closest_data": lambda f: (analysis.closest_data, {"points": POINTS, "data": POINTS}),
    "cluster_maps": lambda f: (analysis.cluster_maps, {"maps": local_maps(), "count": 2, "seed": 1, "starts": 1}),
    "cluster_table": lambda f: (
        analysis.cluster_table,
        {"maps": local_maps(), "counts": [1, 2], "test": local_maps(), "labels": _LABELS, "seed": 1, "starts": 1},
    ),
    "contours": lambda f: (analysis.contours, {"boundary": scalar().decision_boundary(level=0.0)}),
    "dual_points": lambda f: (analysis.dual_points, {"regions": part(), "output": 1}),
    "length_table": lambda f: (analysis.length_table, {"boundary": part().decision_boundary()}),
    "local_maps": lambda f: (analysis.local_maps, {"net": NET, "points": POINTS, "limit": 1 << 20}),
    "nearest": lambda f: (analysis.nearest, {"boundary": part().decision_boundary(), "u": POINTS}),
    "off_data": lambda f: (analysis.off_data, {"data": POINTS, "count": 2, "seed": 1}),
    "random_slice": lambda f: (analysis.random_slice, {"point": [0.0, 0.0, 0.0], "side": 1.0, "seed": 1}),
    "study": lambda f: (analysis.study, {"networks": NET, "points": POINTS, "slices": 1, "side": 1.0, "seed": 1}),
    "units": lambda f: (analysis.units, {"part": part()}),
    "Units.partition_after": lambda f: (analysis.units(part()).partition_after, {"layer": 0}),
    "Units.polylines": lambda f: (analysis.units(part()).polylines, {"units": [0, 1]}),
    "volume_below": lambda f: (analysis.volume_below, {"part": scalar(), "level": 0.0}),
    "affine_fit": lambda f: (analysis.affine_fit, {"source": POINTS, "target": POINTS, "components": 2}),
    "plot": lambda f: (plots.plot, {"partition": part(), "color": "output", "output": 1, "points": POINTS}),
    "plot of classes": lambda f: (plots.plot, {"partition": part(), "color": "class", "points": POINTS}),
    "plot_line": lambda f: (plots.plot_line, {"partition": line(), "outputs": [0, 1], "points": [0.5]}),
    "plot_merged": lambda f: (plots.plot_merged, {"merged": part().merged()}),
    "plot_folder": lambda f: (plots.plot_folder, {"path": written(f), "color": "slope", "pixels": 32}),
    "plot_surface": lambda f: (plots.plot_surface, {"partition": part(), "output": 1}),
    "plot_units": lambda f: (plots.plot_units, {"units": analysis.units(part())}),
    "plot_distributions": lambda f: (plots.plot_distributions, {"groups": {"a": part().statistics()}}),
    "view": lambda f: (
        plots.view,
        {"partition": part(), "path": f / "v.html", "points": POINTS, "samples": 0, "data": POINTS},
    ),
}
ELSEWHERE = {
    "Recorder.step", "Recording.at", "Recording.load", "Recording.save", "Recording.animate", "Recording.plot",
    "Recording.plot_curves", "animate", "plot_curves", "plot_frames", "Frame.of",  # recordings: test_analysis_training
    "plot_study", "summarised", "plot_samples", "DecisionBoundary.plot_samples", "plot_stack", "transfer_table",
    "Represented.by_layer", "Represented.by_maps", "LocalMaps.take", "MapClusters.assign", "MapClusters.classes",
    "Domain.simplex",  # points, each an argument: test_domains_of_any_dimension
    "plot_agreement", "Statistics.plot", "load_program", "merged_graph", "dual_graph", "crossings", "slope_norms",
}  # fmt: skip
INNER = {
    "Domain.check_input", "Domain.of_polytope", "Polytope.hull", "Polytope.halfspaces", "Polytope.of_vertices",
    "Polytope.simplex", "Halfspaces.behind", "Network.products_after", "Network.read_by", "Network.sequential",
    "Halfspaces.take", "Halfspaces.values", "Polytope.contains", "Polytope.box", "Polytope.polygon",
    "Partition.check_complete", "Partition.check_exact", "DecisionBoundary.check_complete",
    "Ragged.of", "Ragged.from_counts", "Ragged.reduce", "Ragged.take", "Crossings.by_facet", "Crossings.by_unit",
    "Measures.add", "BoundarySamples.neighbours", "Facets.corners", "Facets.listed",
}  # fmt: skip
"""Made of what the library has checked, for its own use."""
SAME = {
    "Partition.decision_boundary", "Partition.to_input", "Partition.to_slice", "Partition.to_sympy", "Partition.plot",
    "Partition.plot_surface", "Partition.view", "Merged.plot", "Units.plot", "Agreement.plot", "Region.to_sympy",
    "Certificate.verify", "SegmentPieces.plot", "Partition.plot_solid", "Partition.section", "DecisionBoundary.plot",
    "DecisionBoundary.view", "Section.plot",
}  # fmt: skip
"""They hand on to one that is here. So does every claim's ``save``."""


def written(folder: Path) -> Path:
    cpwl.write_partition(NET, SQUARE, folder / "written")
    return folder / "written"


def query(folder: Path) -> Path:
    (folder / "query.vnnlib").write_text(QUERY)
    return folder / "query.vnnlib"


def saved(folder: Path) -> Path:
    part().save(folder / "saved.npz")
    return folder / "saved.npz"


# ---- wrong arguments ------------------------------------------------------------------------------------------------
class Odd:
    """Nothing that any call takes."""


_NAN = float("nan")
WRONG: dict[str, list[Any]] = {
    "int": ["a", 1.5, _NAN, 1j, [0, 1], [[0]], True, Odd(), -(10**9), {}, np.array("a"), float("inf")],
    "float": ["a", _NAN, 1j, [0.5, 1], True, Odd(), float("inf"), {}, 10**400],
    "bool": ["a", 2, 0.5, [True], Odd()],
    "array": ["a", 3j, [[1, None]], [[1j, 0]], [[_NAN, 0]], Odd(), [["a", "b"]], [[1], [1, 2]],
              [[Fraction(1, 3), _NAN]], {"a": 1}, np.zeros((2, 7, 5)), np.array([["1", "2"]]), torch.tensor([[1j, 0]]),
              np.ma.array([[1.0, 0.0]], mask=[[1, 0]])],
    "indices": ["a", [1.5], [1j], [_NAN], Odd(), [[0, 1]], [-1], [10**6], [None], [True], {"a": 1}],
    "word": [3, "no such", Odd(), [1], 1.5, {}, 10**400],
    "path": [3, Odd(), [1], 1.5, True],
    "object": [3, "a", Odd(), [1], {}, np.zeros(3)],
    "callable": [3, "a", Odd()],
    "axes": ["picture.png", Path("picture.png"), 3, Odd(), [1], {}, (6, 4)],
    "angles": [3, "a", [1], [1, 2, 3], [_NAN, 0], ["a", "b"], Odd(), True],
    "color": ["nocolor", Odd(), 10**400, [1], {}, -1.0, (2, 2, 2)],
    "colors": ["red", 3, ["nocolor"] * 12, [3] * 12, Odd(), ["red"], {}],
    "cmap": ["nope", 3, Odd(), ["viridis"], {}],
    "labels": [3, "abc", Odd(), ["a"] * 99, {}, [["a"]], [[1, 2, 3]]],
}  # fmt: skip
_KINDS = [
    (r"^'?(int|int \| None|int \| Sequence\[int\])'?$", "int"),
    (r"^float( \| None| \| Sequence\[float\])?$", "float"),
    (r"^bool$", "bool"),
    (r"^str \| PathLike", "path"),
    (r"^(str|Literal.*|Dtype|\w*Color)( \| None)?$", "word"),
    (r"^(Progress|Callable.*)( \| None)?$", "callable"),
]
KIND_OF = {
    **dict.fromkeys(["regions", "segment", "segments", "units"], "indices"),
    **dict.fromkeys(["at", "biases", "block", "blocks", "boundary", "classes", "counts", "dom", "domain", "domains",
                     "executor", "first", "groups", "labels", "maps", "merged", "net", "networks", "part", "part_exact",
                     "part_float", "partition", "pieces", "second", "section", "test", "weights"], "object"),
    **dict.fromkeys(["data_labels", "class_names"], "labels"),
    "ax": "axes", "angles": "angles", "edgecolor": "color", "colors": "colors", "cmap": "cmap",
}  # fmt: skip
_PICTURED = ["plot", "plot of classes", "plot_line", "view"]
BY_CALL = {**{(call, "labels"): "labels" for call in _PICTURED},
           ("dual_points", "regions"): "object", ("Certificate.save", "networks"): "path",
           ("Domain.through", "points"): None, ("plot_units", "units"): "object",
           ("Network.mlp", "weights"): "object", ("Specification.parse", "text"): None}  # fmt: skip
NOT_TRIED = {
    "done", "borders", "sizes",  # write_partition's own
    "symbols", "title", "residuals", "example_input", "model", "vary", "until", "data", "metrics", "layers", "measures",
    "axes", "names", "label", "xlabel", "ylabel",
}  # fmt: skip
"""Objects of other libraries, texts, and what has its own tests."""


def kind_of(call: str, parameter: Parameter) -> str | None:
    if (call, parameter.name) in BY_CALL:
        return BY_CALL[call, parameter.name]
    if parameter.name in KIND_OF:
        return KIND_OF[parameter.name]
    if parameter.name in NOT_TRIED and call not in ("closest_data", "off_data"):
        return None
    if "ArrayLike" in str(parameter.annotation) or parameter.name in ("u",):
        return "array"
    return next((kind for pattern, kind in _KINDS if re.match(pattern, str(parameter.annotation))), None)


def function_of(call: str) -> Any:
    """What is called, for its signature."""
    name = call.split()[0]
    for path, what in public().items():
        short = path.rpartition(".")[2]
        if short == name:
            return what
        if isinstance(what, type) and name.partition(".")[0] == short and name.partition(".")[2] in members(what):
            return getattr(what, name.partition(".")[2])
    raise KeyError(call)


def cases() -> list[tuple[str, str]]:
    found = []
    for call in CALLS:
        names = [p for n, p in signature(function_of(call)).parameters.items() if n != "self"]
        found += [(call, p.name) for p in names if kind_of(call, p) is not None]
    return found


def fits(call: str, name: str, value: Any) -> bool:
    """Whether a value that is wrong elsewhere makes sense there."""
    if name == "class_names" and isinstance(value, list):  # of more classes than there are
        return len(value) > 3 or call == "plot"
    if (call, name) == ("plot", "colors") and value == ["red"]:  # "plot of classes" has these
        return True
    if isinstance(value, np.ndarray):
        return (call, name) in {("axis_slices", "at"), ("off_data", "data"), ("random_slice", "point")}
    several = {("random_slice", "seed"): [0, 1], ("study", "side"): [0.5, 1], ("axis_slices", "at"): [1],
               ("Partition.betti", "classes"): [1], ("betti", "classes"): [1],
               ("cluster_table", "counts"): [1], ("statistics_of_blocks", "blocks"): {},
               ("partition_many", "networks"): {}, ("partition_many", "domains"): {},
               ("compare_devices", "device"): None, ("compare_devices", "reference"): None}  # fmt: skip
    return (call, name) in several and type(value) is type(several[call, name]) and value == several[call, name]


def arrays() -> list[tuple[str, str]]:
    found = []
    for call in CALLS:
        parameters = signature(function_of(call)).parameters.values()
        found += [(call, p.name) for p in parameters if kind_of(call, p) in ("array", "indices", "labels", "colors")]
    return found


@pytest.mark.parametrize(("call", "name"), arrays())
def test_nothing_is_answered_or_refused_by_name(call: str, name: str, tmp_path: Path) -> None:
    function, arguments = CALLS[call](tmp_path)
    for value in ([], (), np.zeros(0), np.zeros((0, 2)), np.zeros((2, 0)), np.zeros((0, 0))):
        try:
            function(**{**arguments, name: value})
        except CpwlError as error:
            if not re.search(rf"\b{name}\b", str(error)):
                raise


@pytest.mark.parametrize(("call", "name"), cases())
def test_a_wrong_argument_is_refused_by_name(call: str, name: str, tmp_path: Path) -> None:
    function, arguments = CALLS[call](tmp_path)
    parameter = signature(function_of(call)).parameters[name]
    kind = kind_of(call, parameter)
    assert kind is not None
    wrong = WRONG[kind] + ([] if "None" in str(parameter.annotation) else [None])
    faults = []
    for value in wrong:
        if fits(call, name, value):
            continue
        try:
            found = function(**{**arguments, name: value})
        except CpwlError as error:
            if not re.search(rf"\b{name}\b", str(error)):
                faults.append(f"{value!r:.40}: not named: {error!r:.200}")
        except Exception as error:
            faults.append(f"{value!r:.40}: {error!r:.200}")
        else:
            faults.append(f"{value!r:.40}: taken, {found!r:.60}")
    assert not faults, "\n" + "\n".join(faults)


def test_every_public_call_is_here() -> None:
    """In ``CALLS``, or in a list that says why not."""
    found = set()
    for path, what in public().items():
        short = path.rpartition(".")[2]
        names = {f"{short}.{name}": getattr(what, name) for name in members(what)} if isinstance(what, type) else {}
        for name, call in names.items() if isinstance(what, type) else [(short, what)]:
            parameters = list(signature(call).parameters) if callable(call) else []
            if [parameter for parameter in parameters if parameter != "self"]:
                found.add(name)
    claims = {name for name in found if name.endswith(".save")} - {"Partition.save", "Recording.save"}
    named = {call.split()[0] for call in CALLS} | ELSEWHERE | INNER | SAME | claims
    assert found - named == set()
    assert (ELSEWHERE | INNER | SAME) - found == set()


# ---- what means the same ---------------------------------------------------------------------------------------------
ALIKE: dict[str, tuple[Callable[[Any], Any], Any, list[Any]]] = {
    "max_regions": (lambda x: len(cpwl.partition(NET, SQUARE, max_regions=x)), 5, [5.0, np.int64(5), torch.tensor(5)]),
    "memory_limit": (lambda x: len(cpwl.partition(NET, SQUARE, memory_limit=x)), 10**9, [1e9, np.float32(1e9)]),
    "max_seconds": (
        lambda x: len(cpwl.partition(NET, SQUARE, max_seconds=x)),
        100.0,
        [100, np.int8(100), Fraction(100)],
    ),
    "n": (lambda x: len(part().decision_boundary().sample(x)), 3, [3.0, np.uint8(3), np.array(3)]),
    "seed": (lambda x: part().decision_boundary().sample(2, seed=x).tolist(), 3, [3.0, np.int64(3)]),
    "index": (lambda x: part().region(x).index, 1, [1.0, np.int64(1)]),
    "row": (lambda x: cpwl.local_map(NET, POINTS[0]).row(x).tolist(), 1, [1.0, np.int64(1)]),
    "level": (lambda x: len(scalar().decision_boundary(level=x)), 0.0, [0, np.float32(0), Fraction(0)]),
    "accuracy": (lambda x: part().volumes(accuracy=x).tolist(), 0.5, [Fraction(1, 2), np.float32(0.5)]),
    "output": (lambda x: cpwl.certify_extremum(certificate(), x).value, 1, [1.0, np.int64(1)]),
    "locate": (lambda x: part().locate(x).tolist(), [[0, 0]], [np.zeros((1, 2), np.int8), [[Fraction(0), 0.0]]]),
    "evaluate": (
        lambda x: cpwl.evaluate(NET, x, backend="exact").tolist(),
        [[1.0, 0.5]],
        [[[1, Fraction(1, 2)]], np.array([[1, 0.5]], object), torch.tensor([[1, 0.5]])],
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_means_the_same_is_taken(name: str) -> None:
    answer, plain, others = ALIKE[name]
    assert [answer(other) for other in others] == [answer(plain)] * len(others)


def test_numbers_beyond_float64_are_taken_where_rationals_are() -> None:
    huge = [[Fraction(10**400), Fraction(0)], [Fraction(0), Fraction(-(10**400))], [10**400, 0], [0, 0]]
    inside = part().locate([[0, 0]]).tolist()
    for found in (part(), certificate().partition, cpwl.partition(NET, SQUARE, predicates="float")):
        assert found.locate(huge).tolist() == [-1, -1, -1, *found.locate([[0, 0]]).tolist()]
    assert inside != [-1]
    exact = cpwl.evaluate(NET, huge, backend="exact")
    assert exact.shape == (4, 3) and isinstance(exact[0, 0], Fraction)
    with pytest.raises(DomainError, match="points must be finite, got a number that is too large"):
        cpwl.evaluate(NET, huge)
    odd = 2**60 + 1
    assert (
        cpwl.evaluate(NET, [[odd, 0]], backend="exact")[0].tolist()
        == cpwl.evaluate(NET, [[Fraction(odd), 0]], backend="exact")[0].tolist()
    )


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_volume_beyond_float64_is_infinite(dim: int) -> None:
    large = cpwl.Domain.box([-1e308] * dim, [1e308] * dim)
    assert large.volume == float("inf") and "volume inf" in repr(large)
    small = cpwl.Domain.box([1.0] * dim, [3.0] * dim)
    assert small.volume == pytest.approx(2.0**dim)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(FileFormatError, match="statistics_of_folder"):
        cpwl.load(folder)
    for read in (cpwl.load, cpwl.Certificate.load, cpwl.compile):
        with pytest.raises(FileFormatError, match="is a folder, not a file"):
            read(tmp_path / "model.onnx")


def test_what_writes_a_file_returns_its_path() -> None:
    """Whatever is saved: a name may have been given an ending."""
    writers = {
        f"{name}.{method}": member
        for name, kind in public().items()
        if isinstance(kind, type)
        for method, member in members(kind).items()
        if method in {"save", "to_csv"}
    }
    assert len(writers) >= 8
    for name, member in writers.items():
        assert signature(member).return_annotation == "Path", name

"""Surfaces have the network's facets, samples show the closest data, colours of agreement are those of the areas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection

import cpwl
from cpwl.analysis.overlay import agreement
from cpwl.boundary.nearest import closest_data
from cpwl.errors import ArgumentError, ShapeError
from cpwl.network import Gather, Input, Network, Node
from cpwl.plots.boundary import _HUES, plot_samples
from cpwl.plots.regions import spread
from tests.support.networks import mlp

BACKENDS = ("torch", "exact")
SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


def part_of(outputs: int, backend: str = "torch") -> cpwl.Partition:
    return cpwl.partition(mlp(4, [2, 8, 6, outputs], bias=0.5), SQUARE, backend=backend)


def drawn(axes: Any, kind: type) -> Any:
    return [artist for artist in axes.collections if type(artist) is kind]


# ---- one output as a colour ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("output", [0, 2])
def test_the_colours_of_an_output_are_its_exact_values_at_the_corners_of_triangles_that_tile_the_domain(
    backend: str, output: int
) -> None:
    from matplotlib.collections import TriMesh

    part = part_of(3, backend)
    axes = part.plot(color="output", output=output)
    (mesh,) = drawn(axes, TriMesh)
    vertices = part.vertices.astype(float)
    assert np.allclose(mesh.get_array(), cpwl.evaluate(part.network, vertices)[:, output], atol=1e-12)
    corners = vertices[mesh._triangulation.triangles]
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    assert (areas >= 0).all() and np.isclose(areas.sum(), 4)
    assert len(areas) == len(part.regions.values) - 2 * len(part)
    (edges,) = drawn(axes, LineCollection)
    assert len(edges.get_segments()) == len(part.facets().regions)
    assert mesh.norm.vmin == -mesh.norm.vmax or mesh.get_array().min() >= 0 or mesh.get_array().max() <= 0


def test_an_output_is_asked_for_where_there_is_one() -> None:
    part = part_of(3)
    with pytest.raises(ArgumentError, match=r"output must be a whole number from 0 to 2, got 3"):
        part.plot(color="output", output=3)
    with pytest.raises(ArgumentError, match="output goes with color='output', not with 'slope'"):
        part.plot(output=1)
    with pytest.raises(ArgumentError, match=r"output must be a whole number from 0 to 2, got -1"):
        part.plot_surface(output=-1)
    with pytest.raises(ArgumentError, match=r"color must be one of 'output', 'slope', 'area', .*, got 'volume'"):
        part.plot_surface(color="volume")  # type: ignore[arg-type]


# ---- surfaces ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("output", [0, 1])
def test_every_facet_of_a_surface_is_a_region_lifted_to_the_output(backend: str, output: int) -> None:
    part = part_of(2, backend)
    axes = part.plot_surface(output=output, boundary=part.decision_boundary())
    (facets,) = drawn(axes, Poly3DCollection)
    weight, bias = (values.astype(float) for values in part.affine_maps())
    polygons = _facets(facets)
    assert len(polygons) == len(part)
    for region, (polygon, row) in enumerate(zip(polygons, part.regions, strict=True)):
        assert np.allclose(polygon[:, :2], part.vertices[row].astype(float))
        assert np.allclose(polygon[:, 2], polygon[:, :2] @ weight[region, output] + bias[region, output], atol=1e-9)


def _facets(collection: Any) -> list[Any]:
    """The polygons of a collection in space, as it was given them."""
    if hasattr(collection, "_faces"):
        faces, outside = collection._faces, collection._invalid_vertices
        outside = np.zeros(faces.shape[:2], bool) if outside is False else np.asarray(outside)
        outside = outside.any(axis=-1) if outside.ndim == 3 else outside
        return [np.asarray(face)[~mask] for face, mask in zip(faces, outside, strict=True)]
    points = np.asarray(collection._vec).T[:, :3]
    return [points[part] for part in collection._segslices]


def test_the_boundary_lies_on_the_surface_and_on_the_floor() -> None:
    part = part_of(1)
    value = float(np.median(part.outputs.to_numpy()))
    boundary = part.decision_boundary(level=value)
    axes = part.plot_surface(boundary=boundary)
    lifted, floor = (np.asarray(lines._segments3d) for lines in drawn(axes, Line3DCollection))
    assert len(lifted) == len(boundary) > 0
    assert np.allclose(lifted[:, :, 2], value) and np.allclose(floor[:, :, 2], axes.get_zlim()[0])
    assert np.allclose(lifted[:, :, :2], boundary.ends)
    assert axes.get_zlabel() == "output 0"
    several = cpwl.partition(mlp(3, [2, 8, 6, 3], bias=0.5), SQUARE)
    axes = several.plot_surface(output=2, boundary=several.decision_boundary())
    ends = np.asarray(drawn(axes, Line3DCollection)[0]._segments3d).reshape(-1, 3)
    assert len(ends) and np.allclose(ends[:, 2], cpwl.evaluate(several.network, ends[:, :2])[:, 2])


@pytest.mark.parametrize("color", ["output", "slope", "area", "pattern"])
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_surfaces_are_written_in_every_colour_and_format(color: Any, suffix: str, tmp_path: Path) -> None:
    part = part_of(3)
    axes = part.plot_surface(output=2, color=color, angles=(20, 30))
    axes.figure.savefig(tmp_path / f"surface.{suffix}")
    assert (tmp_path / f"surface.{suffix}").stat().st_size > 2000
    assert (axes.elev, axes.azim) == (20, 30)
    assert matplotlib.get_backend()  # pyplot was not needed


def test_slopes_of_a_surface_are_those_of_the_output_drawn() -> None:
    part = part_of(3)
    axes = part.plot_surface(output=1, color="slope")
    scale = axes.figure.axes[1]
    norms = np.linalg.norm(part.affine_maps()[0][:, 1], axis=1)
    assert np.allclose(scale.get_ylim(), (norms.min(), norms.max())) and scale.get_ylabel() == "slope of output 1"


# ---- samples -------------------------------------------------------------------------------------------------------
def image_boundary(shape: tuple[int, ...] = (4, 3)) -> cpwl.DecisionBoundary:
    rng, size = np.random.default_rng(0), int(np.prod(shape))
    flat = mlp(3, [size, 8, 3], bias=0.5)
    nodes = (
        Node(Input(), (), shape, "input"),
        Node(Gather(np.arange(size)), (0,), (size,), "flat"),
        *(Node(node.op, tuple(i + 1 for i in node.inputs), node.shape, node.name) for node in flat.nodes[1:]),
    )
    return cpwl.partition(Network(nodes), cpwl.Domain.through(*rng.random((3, *shape)), margin=6)).decision_boundary()


@pytest.mark.parametrize("shape", [(4, 3), (1, 4, 3), (3, 4, 2)])
def test_under_each_sample_stands_the_closest_image_with_its_label(shape: tuple[int, ...], tmp_path: Path) -> None:
    boundary = image_boundary(shape)
    data = np.random.default_rng(1).random((50, *shape))
    figure = boundary.plot_samples(data, labels=[f"n{i}" for i in range(50)], count=4, seed=2)
    figure.savefig(tmp_path / "samples.png")
    u, segments = boundary.sample_slice(200, seed=2)
    points = boundary.partition.to_input(u[spread(u, 4)])
    upper, lower = figure.axes[:4], figure.axes[4:]
    for point, above, below in zip(points, upper, lower, strict=True):
        row = int(below.get_xlabel().split(",")[0][1:])
        assert row == np.abs((data - point) ** 2).reshape(50, -1).sum(axis=1).argmin()
        shown = [np.asarray(axes.images[0].get_array()) for axes in (above, below)]
        image = np.moveaxis(data[row], 0, 2) if shape[0] == 3 else data[row].reshape(shape[-2:])
        low, high = data.min(), data.max()
        assert np.allclose(shown[1], (image - low) / (high - low))
        pair = tuple(map(int, above.get_title().split(" = ")))
        assert pair in set(map(tuple, boundary.pairs[segments].tolist()))
    assert len(upper) == 4


def test_the_closest_data_are_closer_than_all_others() -> None:
    rng = np.random.default_rng(0)
    points, data = rng.random((7, 2, 3)), rng.random((40, 2, 3))
    rows, distances = closest_data(points, data)
    apart = np.linalg.norm((points[:, None] - data).reshape(7, 40, -1), axis=2)
    assert (rows == apart.argmin(axis=1)).all() and np.allclose(distances, apart.min(axis=1))


def test_data_that_are_no_images_of_the_network_are_refused() -> None:
    boundary = image_boundary()
    with pytest.raises(ShapeError, match=r"data must have shape \(N, \(4, 3\)\), got \(5, 3, 4\)"):
        plot_samples(boundary, np.zeros((5, 3, 4)))
    with pytest.raises(ShapeError, match=r"labels must be one for each of the 5 images, .* got 4"):
        plot_samples(boundary, np.zeros((5, 4, 3)), labels=[1, 2, 3, 4])
    with pytest.raises(ArgumentError, match="count must be a whole number of at least 1"):
        plot_samples(boundary, np.zeros((5, 4, 3)), count=0)
    flat = cpwl.partition(mlp(3, [2, 8, 6, 3], bias=0.5), SQUARE).decision_boundary()
    with pytest.raises(ShapeError, match="inputs must be images"):
        plot_samples(flat, np.zeros((5, 2)))


# ---- agreement -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_coloured_area_of_each_pair_is_that_of_the_table(backend: str) -> None:
    found = agreement(mlp(4, [2, 8, 4], bias=0.5), mlp(12, [2, 8, 4], bias=0.5), SQUARE, backend=backend)
    axes = found.plot()
    (cells,) = drawn(axes, PolyCollection)
    colors, areas = cells.get_facecolor(), found.areas().astype(float)
    assert len(cells.get_paths()) == len(found)
    entries = list(zip(axes.get_legend().get_texts(), axes.get_legend().legend_handles, strict=True))
    assert len(entries) >= 3
    for label, handle in entries:
        share = areas[(colors == handle.get_facecolor()).all(axis=1)].sum() / 4
        assert label.get_text().endswith(f": {share:.2%}")
    assert np.isclose(sum(float(label.get_text().split(": ")[1][:-1]) for label, _ in entries), 100, atol=0.05)


def test_pairs_beyond_the_colours_are_together_in_the_last_one() -> None:
    found = agreement(mlp(0, [2, 24, 9], bias=1.0), mlp(1, [2, 24, 9], bias=1.0), cpwl.Domain.box([-4, -4], [4, 4]))
    pairs = {tuple(pair) for pair in found.classes[found.apart].tolist()}
    assert len(pairs) > len(_HUES)
    axes = found.plot()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(texts) == len(_HUES) + 1 and texts[-1].startswith("other pairs: ")
    (cells,) = drawn(axes, PolyCollection)
    known = {to_rgba(hue) for hue in _HUES}
    assert {tuple(color) for color in cells.get_facecolor()[found.apart].tolist()} == known

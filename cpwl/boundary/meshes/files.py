"""Meshes in files, and as objects of other libraries, each loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import ArgumentError, MissingDependencyError
from ...runtime.inputs import path as check_path
from ...storage.files import replaced


@dataclass(frozen=True, eq=False)
class Content:
    """What of a mesh is written."""

    vertices: NDArray[np.float64]
    polygons: Ragged
    """The corners of each, S rows."""
    regions: NDArray[np.int64]
    gradients: NDArray[np.float64]
    """Of each polygon, (S,) and (S, 3)."""
    triangles: Callable[[], tuple[NDArray[np.int64], NDArray[np.int64]]]
    """The polygons cut into triangles (n, 3), and the polygon of each."""


def write(mesh: Content, path: str | PathLike[str]) -> Path:
    """Writes a mesh in the format that the name's ending says."""
    target = check_path("path", path)
    content = _FORMATS.get(target.suffix.lower())
    if content is None:
        endings = ", ".join(_FORMATS)
        raise ArgumentError(f"path must end in one of {endings}, the formats of meshes; got {target.name!r}.")
    data = content(mesh)
    with replaced(target) as new:
        new.write_bytes(data)
    return target


def _ply(mesh: Content) -> bytes:
    """Polygons with their regions and gradients (G. Turk, The PLY Polygon File Format, 1994).

    As text: trimesh reads binary files with polygons of one length only.
    """
    head = (
        "ply\nformat ascii 1.0\ncomment cpwl: slice coordinates\n"
        f"element vertex {len(mesh.vertices)}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {len(mesh.polygons)}\nproperty list int int vertex_indices\nproperty int region\n"
        "property double gx\nproperty double gy\nproperty double gz\nend_header"
    )
    rows = zip(
        _rows(mesh, 0), mesh.polygons.counts.tolist(), mesh.regions.tolist(), _texts(mesh.gradients), strict=True
    )
    faces = [f"{count} {corners} {region} {gradient}" for corners, count, region, gradient in rows]
    return "\n".join([head, *_texts(mesh.vertices), *faces, ""]).encode()


def _obj(mesh: Content) -> bytes:
    """Polygons (Wavefront OBJ), whose vertices are numbered from 1."""
    vertices = [f"v {place}" for place in _texts(mesh.vertices)]
    faces = [f"f {corners}" for corners in _rows(mesh, 1)]
    return "\n".join(["# cpwl: slice coordinates", *vertices, *faces, ""]).encode()


def _texts(rows: NDArray[np.float64]) -> list[str]:
    """Rows of numbers with as many digits as bring float64 back."""
    return [f"{x!r} {y!r} {z!r}" for x, y, z in rows.tolist()]


def _rows(mesh: Content, first: int) -> list[str]:
    """The corners of each polygon, numbered from ``first``."""
    numbers = (mesh.polygons.values + first).astype(str).tolist()
    return [" ".join(numbers[start:end]) for start, end in pairwise(mesh.polygons.offsets.tolist())]


def _by_trimesh(kind: str) -> Callable[[Content], bytes]:
    def content(mesh: Content) -> bytes:
        data = as_trimesh(mesh).export(file_type=kind)
        assert isinstance(data, bytes)
        return data

    return content


_FORMATS: dict[str, Callable[[Content], bytes]] = {
    ".ply": _ply,
    ".obj": _obj,
    ".stl": _by_trimesh("stl"),
    ".glb": _by_trimesh("glb"),
}


# ---- other libraries -----------------------------------------------------------------------------------------------
def as_trimesh(mesh: Content) -> Any:
    """The triangles; nothing is merged or mended."""
    triangles, owner = mesh.triangles()
    attributes = {"polygon": owner, "region": mesh.regions[owner]}
    library = _library("trimesh", "pip install 'cpwl[mesh]'")
    return library.Trimesh(mesh.vertices, triangles, face_attributes=attributes, process=False)


def as_meshio(mesh: Content) -> Any:
    """The polygons, those with as many corners together."""
    library = _library("meshio", "pip install 'cpwl[mesh]'")
    counts = mesh.polygons.counts
    rows = [np.flatnonzero(counts == count) for count in np.unique(counts)]
    names = {3: "triangle", 4: "quad"}
    cells = [
        (names.get(int(counts[part[0]]), "polygon"), mesh.polygons.take(part).values.reshape(len(part), -1))
        for part in rows
    ]
    data = {name: [values[part] for part in rows] for name, values in _cell_data(mesh).items()}
    return library.Mesh(mesh.vertices, cells, cell_data=data)


def as_pyvista(mesh: Content) -> Any:
    """The polygons."""
    library = _library("pyvista", "pip install pyvista")
    offsets, counts = mesh.polygons.offsets[:-1], mesh.polygons.counts
    polydata = library.PolyData(mesh.vertices, np.insert(mesh.polygons.values, offsets, counts))
    for name, values in _cell_data(mesh).items():
        polydata.cell_data[name] = values
    return polydata


def _cell_data(mesh: Content) -> dict[str, NDArray[Any]]:
    return {"region": mesh.regions, "gradient": mesh.gradients}


def _library(name: str, remedy: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingDependencyError(f"this needs {name}, which is not installed: {remedy}.") from None

"""What the interactive page holds is what the library has: decoded as page.js does, without a browser."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.partitions.partition import Partition
from tests.support.networks import mlp
from tests.support.view_parts import part_of, part_of_maxima

TYPES = {"f8": "<f8", "f4": "<f4", "i4": "<i4", "u2": "<u2", "u1": "u1"}
THIN = cpwl.partition(mlp(3, [2, 40, 40, 3]), cpwl.Domain.box([-1, -1], [1, 1]))
SOME = cpwl.partition(mlp(3, [2, 40, 40, 3]), cpwl.Domain.box([-1, -1], [1, 1]), max_regions=300)
PARTS = {
    "one output": part_of("torch", 1),
    "three outputs": part_of("torch", 3),
    "exact": part_of("exact", 3),
    "maxima": part_of_maxima(),
    "many": THIN,
    "one region": cpwl.partition(mlp(3, [2, 40, 40, 1]), cpwl.Domain.box([0.1, 0.1], [0.1 + 1e-5, 0.1 + 1e-5])),
    "a small slice": cpwl.partition(mlp(3, [2, 40, 40, 1]), cpwl.Domain.box([0.1, 0.1], [0.11, 0.11])),
    "incomplete": SOME,
}


def decoded(part: Partition) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    text = part.view().text
    head = json.loads(re.findall(r'id="head">(.*?)</script>', text, re.DOTALL)[0])
    data = zlib.decompress(base64.b64decode(re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)[0]))
    found = {}
    for name, (kind, offset, count, differences) in head["arrays"].items():
        size = np.dtype(TYPES[kind]).itemsize
        rows = np.frombuffer(data, np.uint8, count * size, offset).reshape(size, count).T
        values = np.ascontiguousarray(rows).view(TYPES[kind]).ravel()
        found[name] = np.cumsum(values, dtype=values.dtype) if differences else values
    return head, found


def maps_of(head: dict[str, Any], d: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """As mapsOf of page.js."""
    places, values = d["vertices"].reshape(-1, 2), d["values"].reshape(-1, head["outputs"])
    maps = np.zeros((head["regions"], head["outputs"], 3))
    given = dict(zip(d["given"].tolist(), d["givenSlopes"].reshape(-1, head["outputs"], 2), strict=True))
    for region, polygon in enumerate(d["holder"]):
        corners = d["corners"][d["starts"][polygon] : d["starts"][polygon + 1]]
        steps = places[corners] - places[corners[0]]
        b = int(np.hypot(*steps.T).argmax())
        c = int(np.abs(steps[b, 0] * steps[:, 1] - steps[b, 1] * steps[:, 0]).argmax())
        rises = values[corners[[b, c]]] - values[corners[0]]
        weight = given[region] if region in given else np.linalg.solve(steps[[b, c]], rises).T
        maps[region] = np.column_stack([weight, values[corners[0]] - weight @ places[corners[0]]])
    return maps


def patterns_of(head: dict[str, Any], d: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """As patternsOf of page.js, and then unitPiece."""
    rows: dict[int, np.ndarray[Any, Any]] = {}
    for region in range(head["regions"]):
        path, r = [], region
        while r >= 0 and r not in rows:
            path.append(r)
            r = int(d["above"][r])
        for r in reversed(path):
            above = int(d["above"][r])
            row = (d["root"] if above < 0 else rows[above]).copy()
            changes = slice(d["changes"][r], d["changes"][r + 1])
            for i, column in enumerate(d["changed"][changes]):
                if head["bits"] == 1:
                    row[column >> 3] ^= np.uint8(1 << (column & 7))
                else:
                    row.view("<u2")[column] = d["changedTo"][changes][i]
            rows[r] = row
    table = np.array([rows[r] for r in range(head["regions"])])
    wide = np.unpackbits(table, axis=1, bitorder="little") if head["bits"] == 1 else table.view("<u2")
    varying = wide[:, np.maximum(d["column"], 0)] if wide.size else 0
    return np.broadcast_to(np.where(d["column"] < 0, d["constant"], varying), (len(table), len(d["column"])))


@pytest.mark.parametrize("name", PARTS)
def test_the_page_has_the_affine_maps_to_the_digits_that_it_shows(name: str) -> None:
    part = PARTS[name]
    head, arrays = decoded(part)
    weight, bias = (np.asarray(table, np.float64) for table in part.affine_maps())
    found = maps_of(head, arrays)
    norms = np.linalg.norm(weight, axis=(1, 2))[:, None, None]
    assert (np.abs(found[:, :, :2] - weight) <= 1e-5 * norms + 1e-300).all()
    place = np.asarray(part.domain.polytope.vertices, np.float64)
    size = np.abs(place).max() * norms[:, :, 0] + np.abs(bias)
    assert (np.abs(found[:, :, 2] - bias) <= 1e-5 * size + 1e-300).all()


@pytest.mark.parametrize("name", PARTS)
def test_the_page_has_the_patterns(name: str) -> None:
    part = PARTS[name]
    head, arrays = decoded(part)
    assert np.array_equal(patterns_of(head, arrays), part.patterns())


@pytest.mark.parametrize("name", PARTS)
def test_the_page_has_the_polygons_edges_and_areas(name: str) -> None:
    part = PARTS[name]
    _, arrays = decoded(part)
    places = arrays["vertices"].reshape(-1, 2)
    sites = arrays.get("sites", arrays["vertices"]).reshape(-1, 2)
    vertices = np.asarray(part.vertices, np.float64)
    assert np.array_equal(sites[: len(vertices)], vertices)
    assert np.array_equal(arrays["edges"], part.facets().vertices.values)
    assert np.allclose(arrays["areas"], np.asarray(part.volumes(), np.float64), rtol=1e-6, atol=0)
    total = np.zeros(len(part))
    for polygon, region in enumerate(arrays["parent"]):
        x, y = places[arrays["corners"][arrays["starts"][polygon] : arrays["starts"][polygon + 1]]].T
        total[region] += (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
    scale = np.abs(vertices).max() ** 2
    assert np.allclose(total, np.asarray(part.volumes(), np.float64), rtol=1e-2, atol=1e-13 * scale)


def test_most_maps_come_from_the_corners() -> None:
    """Otherwise a large page holds them all."""
    assert sum(len(decoded(PARTS[name])[1]["given"]) for name in ("one output", "three outputs")) == 0
    assert len(decoded(THIN)[1]["given"]) < len(THIN) / 4

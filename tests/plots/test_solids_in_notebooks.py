"""What a notebook shows of results in every dimension: a picture where there is one, and sizes under their names."""

from __future__ import annotations

import re
from typing import Any

import pytest

import cpwl
from tests.support.networks import mlp


def rows(html: str) -> dict[str, str]:
    """The figures that are shown, by name."""
    return dict(re.findall(r">([^<>]*)</td><td[^>]*>([^<>]*)</td>", html))


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize(("dim", "kind", "size"), [(1, "points", None), (2, "segments", "length"),
                                                   (3, "polygons", "area"), (4, "faces", "area")])  # fmt: skip
def test_a_result_shows_itself(dim: int, kind: str, size: str | None, backend: Any) -> None:
    part = cpwl.partition(mlp(3, [dim, 6, 5, 3]), cpwl.Domain.box([-1] * dim, [1] * dim), backend=backend)
    boundary = part.decision_boundary()
    shown = [part._repr_html_(), boundary._repr_html_(), cpwl.certify(part)._repr_html_()]
    assert ["<img" in html for html in shown] == [dim < 4] * 3
    whole = "area" if dim == 2 else "volume"
    figures, decided, certified = map(rows, shown)
    assert figures["regions"] == f"{len(part):,}" and figures["domain"].startswith(f"{whole} {2**dim}")
    assert certified[whole] == f"{2**dim}"
    assert len(boundary) and decided[kind] == f"{len(boundary):,}"
    if size is not None:
        assert float(decided[size]) == pytest.approx(float(boundary.measures().sum()), rel=1e-5)
    pairs = {name: float(value.replace(",", "")) for name, value in decided.items() if "|" in name}
    assert pairs and sum(pairs.values()) == pytest.approx(float(decided[size or kind].replace(",", "")), rel=1e-4)

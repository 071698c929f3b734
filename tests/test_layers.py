"""Imports go down the layers only, heavy packages are imported in few places, and ``import cpwl`` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "cpwl"

LAYERS: dict[str, int] = {
    "errors": -2, "ieee": -1, "floats": 0, "ragged": 0, "bits": 0, "balls": 0, "pieces": 1, "stored": 1, "steps": 2,
    "workers": 0, "uncached": 0, "compact": 0,
    "checker": 0, "files": 1, "archive": 2,
    "polytope": 1, "arrangement": 2,
    "network": 1, "network_check": 2, "network_io": 3,
    "domain": 2, "arithmetic": 3, "predicates": 3, "nn": 3,
    "blocks": 3, "budget": 0, "journal": 2, "backends": 4, "compiler": 4, "maximum": 4, "sweep": 5, "spread": 6,
    "adjoint": 2, "equilibrate": 2, "relevance": 2, "sameness": 3, "slack": 4, "halfplanes": 4, "evaluation": 5,
    "halfspaces": 5, "local": 6,
    "partition": 7, "many": 8,
    "rings": 3, "forms": 8, "region": 9, "merged": 9, "symbolic": 10,
    "boundary": 8, "graph": 10, "slopes": 8, "statistics": 9, "provenance": 8, "analysis": 10,
    "certify": 9, "compare": 9, "io": 9,
    "judgement": 8, "execution": 9, "parquet": 9, "dataset": 10,
    "plot": 10, "console": 10, "plot_comparisons": 11, "plot_statistics": 11, "written": 11, "view": 11,
    "movie": 2, "plot_training": 11, "plot_implicit": 11, "plot_surface": 11, "plot_boundary": 11,
    "demo": 11, "cli": 12,
}  # fmt: skip
"""The layer of each top-level module; a new module must be entered here."""

GEOMETRY = {"polytope", "arrangement"}
NETWORKS = {"network", "network_check", "network_io"}

DELEGATES = {
    "partition": {
        "boundary",
        "graph",
        "statistics",
        "io",
        "plot",
        "plot_surface",
        "view",
        "region",
        "merged",
        "symbolic",
    },
    "boundary": {"certify", "analysis", "plot_boundary"},
    "region": {"symbolic"},
    "merged": {"plot", "graph"},
    "compare": {"plot_comparisons"},
    "execution": {"plot_comparisons"},
    "statistics": {"plot_statistics"},
    "analysis": {"plot_statistics", "plot_training", "plot_boundary"},
}
"""Methods that only hand on to a function of a higher module, which they import when called."""

HEAVY: dict[str, tuple[str, ...]] = {
    "torch": ("backends.torch", "compiler", "nn", "demo"),
    "flint": ("backends.exact", "checker"),
    "cdd": ("backends.exact.polyhedra",),
    "onnx": ("compiler.onnx_files.reader",),
    "onnxruntime": ("compiler.onnx_files.oracle",),
    "matplotlib": (
        "plot",
        "plot_comparisons",
        "plot_statistics",
        "plot_training",
        "plot_implicit",
        "plot_surface",
        "plot_boundary",
    ),
    "mpl_toolkits": ("plot_implicit", "plot_surface"),
    "pandas": ("statistics", "boundary", "analysis", "plot_statistics", "cli.measuring"),
    "PIL": ("movie",),
    "imageio_ffmpeg": ("movie",),
    "sympy": ("symbolic",),
    "click": ("cli",),
    "pyarrow": ("parquet",),
    "rich": ("console",),
    "sklearn": ("demo", "analysis"),
}
"""Which modules (with all below them) may import a heavy package."""


def modules() -> dict[str, str]:
    """The source of each module by its name inside the package; "" for the package itself."""
    result = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        result[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return result


def is_package(name: str) -> bool:
    return (PACKAGE / name.replace(".", "/")).is_dir()


def imports(name: str, source: str, *, package: bool) -> Iterator[str]:
    """Absolute names of everything a module imports, also inside functions and under TYPE_CHECKING."""
    parents = ["cpwl", *name.split(".")] if name else ["cpwl"]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = node.level - 1 if package else node.level
            base = parents[: len(parents) - up] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def violations(name: str, source: str, *, package: bool) -> list[str]:
    """What a module imports and may not."""
    found = []
    top = name.split(".")[0]
    for target in imports(name, source, package=package):
        parts = target.split(".")
        if parts[0] == "cpwl" and len(parts) > 1 and parts[1] in LAYERS and top:
            found += _upward(top, parts[1])
        allowed = HEAVY.get(parts[0])
        if allowed is not None and not any(f"{name}.".startswith(f"{place}.") for place in allowed):
            found.append(f"imports {parts[0]}, which only {', '.join(allowed)} may")
    return found


def _upward(top: str, target: str) -> list[str]:
    if top == target:
        return []
    if target in DELEGATES.get(top, ()):
        return []
    crossed = (top in GEOMETRY and target in NETWORKS) or (top in NETWORKS and target in GEOMETRY)
    if crossed or LAYERS[target] >= LAYERS[top]:
        return [f"imports {target}, which is not below it"]
    return []


def test_every_module_has_a_layer() -> None:
    assert {name.split(".")[0] for name in modules() if name} - {"__main__"} <= set(LAYERS)


@pytest.mark.parametrize("name", [name for name in modules() if name])
def test_imports_go_down_only(name: str) -> None:
    assert violations(name, modules()[name], package=is_package(name)) == []


def test_the_abstract_arrangement_names_no_backend() -> None:
    source = modules()["arrangement"].lower()
    assert not [word for word in ("torch", "flint", "cdd", "backends") if word in source]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("network", "from .arrangement import Arrangement"),
        ("arrangement", "from cpwl.network import Network"),
        ("polytope", "from . import network"),
        ("network", "def f():\n    import torch"),
        ("backends.exact.field", "from ...partition import Partition"),
        ("backends.exact.field", "import torch"),
        ("backends.exact.field", "from cdd import gmp"),
        ("compiler.onnx_files.translate", "import onnx"),
        ("boundary", "from .plot import draw"),
        ("statistics", "import matplotlib.pyplot as plt"),
        ("domain", "from .arithmetic import Arithmetic"),
        ("errors", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .ragged import Ragged"),
    ],
)
def test_a_forbidden_import_is_found(name: str, source: str) -> None:
    assert violations(name, source, package=False)


def test_an_import_relative_to_a_package_is_resolved() -> None:
    assert list(imports("backends", "from ..arithmetic import Arithmetic", package=True)) == [
        "cpwl.fields.arithmetic.Arithmetic"
    ]
    assert list(imports("backends.exact.field", "from ...polytope import Polytope", package=False)) == [
        "cpwl.geometry.polytope.Polytope"
    ]


def test_importing_cpwl_is_light() -> None:
    heavy = {"torch", "flint", "cdd", "matplotlib", "sympy", "onnx", "onnxruntime", "pyarrow", "pandas", "sklearn"}
    script = f"import sys, cpwl; print(*sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []

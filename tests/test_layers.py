"""Imports go down the layers only, heavy packages are imported in few places, and ``import cpwl`` stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest

from cpwl import plots

PACKAGE = Path(__file__).parent.parent / "cpwl"

LAYERS = [
    "errors",
    "checker",
    "runtime",
    "numbers",
    "arrays",
    "storage",
    "network",
    "nn",
    "compiler",
    "geometry",
    "fields",
    "backends",
    "local",
    "tiling",
    "regions",
    "statistics",
    "claims",
    "boundary",
    "partitions",
    "certification",
    "comparisons",
    "datasets",
    "analysis",
    "plots",
    "cli",
]
"""The folders of the package (and the four files beside them), from the ground up: imports go down this list only."""

AT_THE_TOP = {"__init__", "errors", "checker", "nn"}
"""The only files that lie in no folder."""

HEAVY: dict[str, tuple[str, ...]] = {
    "torch": ("backends.torch", "compiler", "nn", "cli.demo"),
    "flint": ("numbers.integers", "geometry.exact_points", "geometry.exact_lines", "backends.exact", "checker"),
    "cdd": ("geometry.polyhedra",),
    "onnx": ("compiler.onnx_files.reader",),
    "onnxruntime": ("compiler.onnx_files.oracle",),
    "matplotlib": ("plots",),
    "mpl_toolkits": ("plots.implicit", "plots.surface"),
    "pandas": ("statistics", "boundary", "analysis", "plots.statistics", "cli.measuring"),
    "PIL": ("plots.movie",),
    "imageio_ffmpeg": ("plots.movie",),
    "sympy": ("regions.symbolic", "regions.piecewise"),
    "click": ("cli",),
    "pyarrow": ("datasets.parquet",),
    "rich": ("cli.console",),
    "sklearn": ("cli.demo", "analysis", "boundary.nearest"),
}
"""Which modules (with all below them) may import a heavy package."""


def modules() -> dict[str, str]:
    """The source of each module by its name inside the package, "" for the package itself; of compiled ones nothing."""
    result = {}
    for path in sorted(PACKAGE.rglob("*.py*")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if path.suffix in (".py", ".pyx"):
            result[name] = path.read_text(encoding="utf-8") if path.suffix == ".py" else ""
    return result


MODULES = modules()


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


def within(target: str) -> str | None:
    """The module of the package that an imported name is or is from; None for other packages, "" for the package."""
    parts = target.split(".")
    if parts[0] != "cpwl":
        return None
    return next(name for k in range(len(parts), 0, -1) if (name := ".".join(parts[1:k])) in MODULES)


def violations(name: str, source: str, *, package: bool) -> list[str]:
    """What a module imports and may not."""
    found = []
    layer = LAYERS.index(name.split(".")[0])
    for target in imports(name, source, package=package):
        module = within(target)
        if module == "" or (module is not None and LAYERS.index(module.split(".")[0]) > layer):
            found.append(f"imports {target}, which is above it")
        allowed = HEAVY.get(target.split(".")[0])
        if allowed is not None and not any(f"{name}.".startswith(f"{place}.") for place in allowed):
            found.append(f"imports {target}, which only {', '.join(allowed)} may")
    return found


def circles(sources: dict[str, str]) -> list[list[str]]:
    """Modules that import each other, directly or by way of others; also inside functions and for types."""
    graph = networkx.DiGraph()
    for name, source in sources.items():
        targets = {within(target) for target in imports(name, source, package=is_package(name))}
        graph.add_edges_from((name, target) for target in targets - {None, name})
    return [sorted(part) for part in networkx.strongly_connected_components(graph) if len(part) > 1]


def test_every_file_is_in_a_folder_of_the_list_or_one_of_four_beside_them() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert found == AT_THE_TOP and folders | found - {"__init__"} == set(LAYERS)


def test_every_folder_says_what_it_holds() -> None:
    silent = [name for name in MODULES if is_package(name) and not ast.get_docstring(ast.parse(MODULES[name]))]
    assert silent == []


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_imports_go_down_only(name: str) -> None:
    assert violations(name, MODULES[name], package=is_package(name)) == []


def test_no_modules_import_each_other() -> None:
    assert circles(MODULES) == []


def test_every_picture_that_a_result_asks_for_is_there() -> None:
    asked = {name for source in MODULES.values() for name in re.findall(r'\bpicture\("(\w+)"\)', source)}
    assert len(asked) > 10 and {name for name in asked if not callable(getattr(plots, name, None))} == set()


def test_no_name_that_a_folder_exports_hides_one_of_its_files() -> None:
    hidden = []
    for name in filter(is_package, MODULES):
        nodes = ast.walk(ast.parse(MODULES[name]))
        exported = {
            alias.asname or alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        files = {inner.rpartition(".")[2] for inner in MODULES if inner.rpartition(".")[0] == name and inner}
        hidden += [f"{name}.{word}" for word in (exported & files) if name not in ("", "cli")]
    assert hidden == []


def test_the_abstract_arrangement_names_no_backend() -> None:
    source = MODULES["geometry.arrangement"].lower()
    assert not [word for word in ("torch", "flint", "cdd", "backends") if word in source]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("network.network", "from ..geometry.arrangement import Arrangement"),
        ("geometry.domain", "from cpwl.fields.arithmetic import Arithmetic"),
        ("network.network", "def f():\n    import torch"),
        ("backends.exact.field", "from ...partitions.partition import Partition"),
        ("backends.exact.field", "import torch"),
        ("backends.exact.field", "from cdd import gmp"),
        ("compiler.onnx_files.translate", "import onnx"),
        ("boundary.boundary", "from ..plots.boundary import plot_samples"),
        ("boundary.boundary", "def f():\n    from ..plots import plot_samples"),
        ("statistics.statistics", "import matplotlib.pyplot as plt"),
        ("tiling.sweep", "from .. import Partition"),
        ("errors", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .arrays.ragged import Ragged"),
    ],
)
def test_a_forbidden_import_is_found(name: str, source: str) -> None:
    assert violations(name, source, package=False)


def test_a_circle_is_found() -> None:
    planted = MODULES | {"geometry.domain": "def f():\n    from .arrangement import Arrangement"}
    planted["geometry.arrangement"] = "from . import domain"
    assert circles(planted) == [["geometry.arrangement", "geometry.domain"]]


def test_an_import_relative_to_a_package_is_resolved() -> None:
    assert list(imports("backends", "from ..fields.arithmetic import Arithmetic", package=True)) == [
        "cpwl.fields.arithmetic.Arithmetic"
    ]
    assert list(imports("backends.exact.field", "from ...geometry import polytope", package=False)) == [
        "cpwl.geometry.polytope"
    ]


def test_importing_cpwl_is_light() -> None:
    heavy = {"torch", "flint", "cdd", "matplotlib", "sympy", "onnx", "onnxruntime", "pyarrow", "pandas", "sklearn"}
    script = f"import sys, cpwl; print(*sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []

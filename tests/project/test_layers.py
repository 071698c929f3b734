"""Imports go down the layers only, heavy packages are imported in few places, and ``import cpwl`` stays light."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from cpwl import plots
from tests.support.layers import LAYERS, PACKAGE, circles, floors_of, imports, is_package, modules, rises, within

AT_THE_TOP = {"__init__", "errors", "checker", "nn", "__main__"}
"""The only files that lie in no folder."""

HEAVY: dict[str, tuple[str, ...]] = {
    "torch": ("backends.torch", "compiler", "nn", "cli.demo"),
    "flint": ("numbers.integers", "geometry.exact_points", "geometry.exact_lines", "backends.exact", "checker"),
    "cdd": ("geometry.polyhedra",),
    "onnx": ("compiler.onnx_files.reader",),
    "onnxruntime": ("compiler.onnx_files.oracle",),
    "matplotlib": ("plots",),
    "mpl_toolkits": ("plots.figures", "plots.implicit", "plots.solid", "plots.surface"),
    "pandas": (
        "statistics",
        "regions.class_areas",
        "partitions.partition",
        "partitions.segment_pieces",
        "boundary",
        "analysis",
        "plots.statistics",
        "cli.measuring",
    ),
    "PIL": ("plots.movie",),
    "imageio_ffmpeg": ("plots.movie",),
    "sympy": ("regions.symbolic", "regions.piecewise"),
    "click": ("cli",),
    "pyarrow": ("datasets.parquet",),
    "rich": ("cli.console", "runtime.progress"),
    "sklearn": ("cli.demo", "analysis", "boundary.nearest"),
}
"""Which modules (with all below them) may import a heavy package."""


TESTS = PACKAGE.parent / "tests"
MODULES = modules()
FLOORS = floors_of(LAYERS)
GRAPH = runpy.run_path(str(PACKAGE.parent / "benchmarks" / "import_graph.py"))


def violations(name: str, source: str, *, package: bool) -> list[str]:
    """What a module imports and may not."""
    found = []
    for target in imports(name, source, package=package):
        module = within(target, MODULES)
        if module is not None and rises(name, module, FLOORS):
            found.append(f"imports {target}, which is above it")
        allowed = HEAVY.get(target.split(".")[0])
        if allowed is not None and not any(f"{name}.".startswith(f"{place}.") for place in allowed):
            found.append(f"imports {target}, which only {', '.join(allowed)} may")
    return found


def test_every_file_is_in_a_folder_of_the_list_or_one_of_five_beside_them() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert found == AT_THE_TOP and folders | found - {"__init__"} == set(LAYERS)


def test_every_folder_says_what_it_holds() -> None:
    silent = [name for name in MODULES if is_package(name, MODULES) and not ast.get_docstring(ast.parse(MODULES[name]))]
    assert silent == []


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_imports_go_down_only(name: str) -> None:
    assert violations(name, MODULES[name], package=is_package(name, MODULES)) == []


def test_no_modules_import_each_other() -> None:
    assert circles(MODULES) == []


def test_every_picture_that_a_result_asks_for_is_there() -> None:
    asked = {name for source in MODULES.values() for name in re.findall(r'\bpicture\("(\w+)"\)', source)}
    assert len(asked) > 10 and {name for name in asked if not callable(getattr(plots, name, None))} == set()


def test_no_name_that_a_folder_exports_hides_one_of_its_files() -> None:
    hidden = []
    for name in (name for name in MODULES if is_package(name, MODULES)):
        nodes = ast.walk(ast.parse(MODULES[name]))
        exported = {
            alias.asname or alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        files = {inner.rpartition(".")[2] for inner in MODULES if inner.rpartition(".")[0] == name and inner}
        hidden += [f"{name}.{word}" for word in (exported & files) if name not in ("", "cli")]
    assert hidden == []


def test_the_picture_of_the_layers_is_what_the_code_gives() -> None:
    shown = (PACKAGE.parent / "docs" / "layers.svg").read_text(encoding="utf-8")
    assert GRAPH["picture"](MODULES) == shown, (
        "python benchmarks/import_graph.py --picture docs/layers.svg draws it again"
    )
    assert GRAPH["picture"](MODULES | {"geometry.spheres": ""}) != shown


def test_the_report_names_circles_arrows_that_go_up_and_files_a_folder(tmp_path: Path) -> None:
    (tmp_path / "order.py").write_text('LAYERS: dict[str, int] = {"low": 0, "high": 1}\n')
    sources = {"": "from .high import plot", "low": "", "low.one": "from .. import high", "high": "", "high.two": ""}
    floors = GRAPH["order"](tmp_path / "order.py")
    assert list(GRAPH["report"](sources, floors))[1:] == [
        "circles: 0",
        "arrows that go up: 1\n  low.one -> high",
        "files a folder:",
        "    0  cpwl/",
        "    1  cpwl/low",
        "    1  cpwl/high",
    ]
    sources["high"] = "def f():\n    from ..low import one"
    assert list(GRAPH["report"](sources, floors))[1] == "circles: 1\n  2: high, low.one"


@pytest.mark.parametrize(("folder", "other"), [("geometry", "network"), ("network", "geometry")])
def test_geometry_and_networks_know_nothing_of_each_other(folder: str, other: str) -> None:
    inside = {name: source for name, source in MODULES.items() if name.split(".")[0] == folder}
    targets = {
        within(target, MODULES)
        for name, source in inside.items()
        for target in imports(name, source, package=is_package(name, MODULES))
    }
    assert len(inside) > 5 and not [target for target in targets if target and target.split(".")[0] == other]


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


# ---- the tests -----------------------------------------------------------------------------------------------------
def imported_tests(source: str) -> list[str]:
    """What a file of the tests imports of test modules."""
    targets = imports("", source, package=False)
    return [target for target in targets if any(part.startswith("test_") for part in target.split("."))]


def test_no_test_module_is_imported() -> None:
    """What two of them share is in tests/support."""
    files = list(TESTS.rglob("*.py"))
    assert len(files) > 100
    assert {file.name for file in files if imported_tests(file.read_text(encoding="utf-8"))} == set()


@pytest.mark.parametrize(
    "source",
    [
        "from tests.compiler.test_nnet import TEXT",
        "from tests.compiler import test_nnet",
        "import tests.compiler.test_nnet as nnet",
        "def f():\n    from .test_nnet import TEXT",
    ],
)
def test_an_import_of_a_test_module_is_found(source: str) -> None:
    assert imported_tests(source)


def test_tests_lie_where_what_they_test_lies() -> None:
    folders = {file.parent for file in TESTS.rglob("test_*.py")} - {TESTS, TESTS / "project", TESTS / "proofs"}
    assert len(folders) > 15
    assert [folder for folder in folders if not (PACKAGE / folder.relative_to(TESTS) / "__init__.py").exists()] == []
    beside = {file.stem.removeprefix("test_") for file in TESTS.glob("test_*.py")}
    assert beside <= AT_THE_TOP


def test_what_tests_share_is_listed_where_it_lies() -> None:
    support = TESTS / "support"
    listed = re.findall(r"^(\w+): ", ast.get_docstring(ast.parse((support / "__init__.py").read_text())) or "", re.M)
    assert listed == sorted({file.stem for file in support.glob("*.py")} - {"__init__"})


def test_importing_cpwl_is_light() -> None:
    heavy = {"torch", "flint", "cdd", "matplotlib", "sympy", "onnx", "onnxruntime", "pyarrow", "pandas", "sklearn"}
    script = f"import sys, cpwl; print(*sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []

"""The list of the layers, and what the modules of the package import; benchmarks/import_graph.py draws both."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import networkx

PACKAGE = Path(__file__).parents[2] / "cpwl"

GROUPS: dict[str, tuple[str, ...]] = {
    "The ground": ("errors", "checker", "runtime", "numbers", "arrays", "storage"),
    "Networks": ("network", "nn", "compiler"),
    "Geometry, and what is computed at vertices": ("geometry", "fields"),
    "Computing": ("bounds", "backends", "local", "tiling"),
    "What is read from a tiling": ("regions", "statistics", "claims", "boundary"),
    "What people call": (
        *(
            "partitions",
            "properties",
            "certification",
            "comparisons",
            "datasets",
            "analysis",
            "plots",
            "cli",
            "__main__",
        ),
    ),
}
"""The folders of the package (and the five files beside them), from the ground up: imports go down only."""

LAYERS = [name for group in GROUPS.values() for name in group]


def modules(package: Path = PACKAGE) -> dict[str, str]:
    """The source of each module by its name inside the package, "" for the package itself; of compiled ones nothing."""
    result = {}
    for path in sorted(package.rglob("*.py*")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if path.suffix in (".py", ".pyx"):
            result[name] = path.read_text(encoding="utf-8") if path.suffix == ".py" else ""
    return result


def is_package(name: str, sources: Mapping[str, str]) -> bool:
    """Whether a module is a folder."""
    return any(other.startswith(f"{name}." if name else "") for other in sources if other != name)


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


def within(target: str, sources: Mapping[str, str]) -> str | None:
    """The module of the package that an imported name is or is from; None for other packages, "" for the package."""
    parts = target.split(".")
    if parts[0] != "cpwl":
        return None
    return next(name for k in range(len(parts), 0, -1) if (name := ".".join(parts[1:k])) in sources)


def arrows(sources: Mapping[str, str]) -> set[tuple[str, str]]:
    """All pairs (module, another one that it imports), also inside functions and for types."""
    return {
        (name, module)
        for name, source in sources.items()
        for target in imports(name, source, package=is_package(name, sources))
        if (module := within(target, sources)) is not None and module != name
    }


def rises(name: str, module: str, floors: Mapping[str, int]) -> bool:
    """Whether a module that imports another one imports what is above it: in a higher folder, or the whole package."""
    return not module or floors[module.split(".")[0]] > floors[name.split(".")[0]]


def circles(sources: Mapping[str, str]) -> list[list[str]]:
    """Modules that import each other, directly or by way of others."""
    graph = networkx.DiGraph(arrows(sources))
    return [sorted(part) for part in networkx.strongly_connected_components(graph) if len(part) > 1]


def floors_of(layers: Sequence[str]) -> dict[str, int]:
    """How high each folder of a list stands."""
    return {name: floor for floor, name in enumerate(layers)}

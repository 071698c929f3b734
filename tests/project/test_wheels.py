"""What is shipped: the package holds all its files, and the workflows build and test it."""

from __future__ import annotations

import re
from pathlib import Path

import cpwl

CHECKOUT = Path(__file__).parents[2]
BUILD = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
BUILT = {".so", ".pyd", ".pyc", ".c"}
"""Endings of what a build makes beside the sources."""


def test_every_file_beside_the_modules_is_shipped() -> None:
    (listed,) = re.findall(r"^cpwl = \[(.*)\]$", BUILD, re.MULTILINE)
    shipped = set(re.findall(r'"([^"]+)"', listed))
    package = CHECKOUT / "cpwl"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {name for name in files if Path(name).suffix not in BUILT | {".py"}} == shipped


def test_the_workflows_run_what_ci_runs_and_build_for_all_systems() -> None:
    workflows = CHECKOUT / ".github" / "workflows"
    tests, wheels = ((workflows / f"{name}.yml").read_text(encoding="utf-8") for name in ("tests", "wheels"))
    assert "run: .ci/run" in tests and "push" in tests and (CHECKOUT / ".ci" / "run").stat().st_mode & 0o111
    for system in ("ubuntu-latest", "ubuntu-24.04-arm", "macos-latest", "windows-latest"):
        assert system in wheels
    assert "cibuildwheel" in wheels and "build --sdist" in wheels
    assert "import kernels" in BUILD and "cpwl demo" in BUILD, "a wheel without the compiled loops fails its test"


def test_the_version_is_one_number() -> None:
    assert 'attr = "cpwl.runtime.version.RELEASE"' in BUILD and re.fullmatch(r"\d+\.\d+\.\d+", cpwl.__version__)

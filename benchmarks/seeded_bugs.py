"""Seeded bugs: each is planted alone into a copy of the library, and the tests must catch it.

    python benchmarks/seeded_bugs.py [NAME ...] [--seconds 60]

NAME is a bug of ``bugs/``; all by default. For each one the tests named with it run until the first failure. Prints a
table of bugs, the test that caught each, and the seconds that it took. The exit code is 1 if a bug was missed (a run
that does not end in time counts as a miss), or if a test that caught one fails without it as well. A bug whose text
does not stand in the library exactly once stops the script before anything runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
from bugs import BUGS, Bug
from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).parent.parent
COPIED = ("cpwl", "tests", "proofs", "benchmarks", "examples", "docs")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "constraints.txt")
NO_SHRINKING = """
from hypothesis import Phase
settings.register_profile("seeded", deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("seeded")
"""
"""For the copied conftest: that a test fails is all that is asked, not the least example."""


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice([bug.name for bug in BUGS]))
@click.option("--seconds", default=60.0, help="The time that the tests of one bug may take.")
def main(names: tuple[str, ...], seconds: float) -> None:
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    for bug in chosen:
        bug.planted((ROOT / "cpwl" / bug.file).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(Path(folder))
        caught = _hunt(copy, chosen, seconds)
        wrong = _failing(copy, sorted({test for test in caught if test}))
    missed = [bug.name for bug, test in zip(chosen, caught, strict=True) if not test]
    click.echo(f"{len(chosen) - len(missed)} of {len(chosen)} bugs caught")
    if missed or wrong:
        raise click.ClickException(f"missed: {missed}; tests that fail without a bug as well: {wrong}")


def _copied(folder: Path) -> Path:
    """A copy of the tree in the folder, from which ``python -m pytest`` imports the copied library."""
    copy = folder / "copy"
    copy.mkdir()
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    with (copy / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(NO_SHRINKING)
    where = _python(copy, ["-c", "import cpwl; print(cpwl.__file__)"], 60).stdout.strip()
    if not Path(where).is_relative_to(copy):
        raise click.ClickException("the copy imports another cpwl than its own.")
    return copy


def _hunt(copy: Path, bugs: Sequence[Bug], seconds: float) -> list[str]:
    """For each bug the test that caught it, "" for none; prints the table."""
    table, console = Table("bug", "caught by", "s"), Console(width=200)
    found = []
    for bug in bugs:
        begin = time.perf_counter()
        test = _caught(copy, bug, seconds)
        spent = f"{time.perf_counter() - begin:.1f}"
        console.print(f"{bug.name}: {test or 'MISSED'} ({spent} s)", markup=False, highlight=False, soft_wrap=True)
        table.add_row(bug.name, escape(test) or "MISSED", spent)
        found.append(test)
    console.print(table)
    return found


def _caught(copy: Path, bug: Bug, seconds: float) -> str:
    """The first test that fails with the bug in the copy; "" if none does in time."""
    file = copy / "cpwl" / bug.file
    tests = [file.relative_to(copy).as_posix() for file in bug.test_files(copy)]
    source = file.read_text(encoding="utf-8")
    _write(copy, file, bug.planted(source))
    try:
        return next(iter(_failing(copy, tests, seconds)), "")
    finally:
        _write(copy, file, source)


def _write(copy: Path, file: Path, source: str) -> None:
    """Writes a file of the copy, and compiles it when that is what it is for."""
    file.write_text(source, encoding="utf-8")
    if file.suffix == ".pyx":
        build = ["-c", "import setuptools; setuptools.setup()", "--quiet", "build_ext", "--inplace", "--force"]
        answer = _python(copy, build, 300.0)
        if answer.returncode:
            raise click.ClickException(f"{file.name} does not compile: {answer.stderr}")


def _failing(copy: Path, tests: Sequence[str], seconds: float = 300.0) -> list[str]:
    """The first of some tests that fails, in a list; the list is empty when none does in time."""
    if not tests:
        return []
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    try:
        answer = _python(copy, ["-m", "pytest", *options, *tests], seconds)
    except subprocess.TimeoutExpired:
        return []
    if answer.returncode < 0:
        return [f"tests ended by signal {-answer.returncode}"]
    lines = answer.stdout.splitlines()
    failed = (line.partition(" ")[2] for line in lines if line.startswith(("FAILED ", "ERROR ")))
    return [line.partition(" - ")[0] for line in failed]


def _python(copy: Path, arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """A run of Python in the copy, on one core, without files of bytecode: those could be older than a bug."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


if __name__ == "__main__":
    main()

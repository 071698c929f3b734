"""What is written appears whole or not at all: a disk that is full, or a wrong name, costs nothing that was there."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

import cpwl
from cpwl.analysis import Recording
from cpwl.analysis.recording import Frame
from cpwl.cli import main
from cpwl.cli.parameters import NewFile
from cpwl.plots.movie import write_movie
from cpwl.storage.files import check_writable, replaced
from tests.support.full_disk import full_disk
from tests.support.networks import mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
PACKAGE = Path(cpwl.__file__).parent


@cache
def part() -> cpwl.Partition:
    return cpwl.partition(mlp(3, [2, 8, 8, 3]), SQUARE)


@cache
def certificate() -> cpwl.Certificate:
    return cpwl.certify(part())


def pictures() -> Iterator[Any]:
    return iter(np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8))


def record(folder: Path) -> None:
    """One more frame beside that of step 0."""
    from cpwl.analysis.recording import StoredFrames

    StoredFrames.open(folder).append(Frame.of(part(), None, 0, {}))


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a partition": ("part.npz", lambda path: part().save(path)),
    "a certificate": ("cert.json", lambda path: certificate().save(path)),
    "a compressed certificate": ("cert.json.gz", lambda path: certificate().save(path)),
    "a certificate beside its networks": ("c.json", lambda path: certificate().save(path, networks=path.parent)),
    "a table of regions": ("table.csv", lambda path: part().statistics().to_csv(path)),
    "a page": ("view.html", lambda path: part().view(path)),
    "a .gif": ("movie.gif", lambda path: write_movie(path, pictures(), fps=2, hold=1)),
    "an .mp4": ("movie.mp4", lambda path: write_movie(path, pictures(), fps=2, hold=1)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_file_that_was_there_and_nothing_beside_it(name: str, tmp_path: Path) -> None:
    file, write = WRITERS[name]
    path = tmp_path / file
    write(path)
    before = {item: item.read_bytes() for item in tmp_path.iterdir()}
    assert len(before[path]) > 99
    with pytest.raises(OSError), full_disk():  # noqa: PT011
        write(path)
    assert {item: item.read_bytes() for item in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_the_frames_of_a_recording(tmp_path: Path) -> None:
    Recording(SQUARE, [Frame.of(part(), None, 0, {})]).save(tmp_path / "set")
    with pytest.raises(OSError), full_disk():  # noqa: PT011
        record(tmp_path / "set")
    assert len(list(Recording.load(tmp_path / "set"))) == 1 == len(list((tmp_path / "set").glob("step*")))


COMMANDS = {
    "boundary": ("boundary {0} --samples 20 --out {1}", ".npz"),
    "boundary to a table": ("boundary {0} --samples 20 --out {1}", ".csv"),
    "certify": ("certify {0} --out {1}", ".json.gz"),
    "compare to numbers": ("compare {0} {2} --json {1}", ".json"),
    "compare": ("compare {0} {2} --out {1}", ".png"),
    "plot": ("plot {0} --out {1}", ".svg"),
    "stats": ("stats {0} --csv {1}", ".csv"),
    "stats to a picture": ("stats {0} --plot {1}", ".pdf"),
    "units": ("units {0} --csv {1}", ".csv"),
    "nearest": ("nearest {0} --points {3} --csv {1}", ".csv"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_costs_a_command_nothing_that_was_there(name: str, tmp_path: Path) -> None:
    command, suffix = COMMANDS[name]
    inputs = [tmp_path / "in" / file for file in ("part.npz", "exact.npz", "points.npy")]
    inputs[0].parent.mkdir()
    part().save(inputs[0])
    certificate().partition.save(inputs[1])
    np.save(inputs[2], np.zeros((9, 2)))
    path = tmp_path / "out" / f"file{suffix}"
    path.parent.mkdir()
    words = command.format(inputs[0], path, *inputs[1:]).split()
    assert CliRunner().invoke(main, words).exit_code in (0, 1) and path.stat().st_size > 99
    path.write_bytes(b"what was there")
    with full_disk():
        result = CliRunner().invoke(main, words)
    assert result.exit_code == 1 and "Error: [Errno 27]" in result.stderr and "Traceback" not in result.output
    assert [item.read_bytes() for item in path.parent.iterdir()] == [b"what was there"]


# ---- every writer --------------------------------------------------------------------------------------------------
_WRITES = {"write_text", "write_bytes", "savefig", "savez", "savez_compressed", "to_csv", "ParquetWriter"}
_ELSEWHERE = {
    ("datasets.journal", "add"): "appends a line, and a torn line has not happened",
    ("storage.files", "_creatable"): "writes nothing",
    ("storage.files", "check_writable"): "writes nothing",
    ("datasets.parquet", "__init__"): "is given a name by folder._Writer, inside replaced",
    ("cli.measuring", "stats"): "calls to_csv of statistics, which is safe",
    ("cli.demo", "_summed_up"): "calls to_csv of statistics, which is safe",
    ("cli.files", "save_figure"): "draws into memory",
    ("plots.notebook", "_drawn"): "draws into memory",
}


def unprotected(source: str) -> set[str]:
    """The functions that write a file outside ``with replaced(...)``."""
    found: set[str] = set()

    def visit(node: ast.AST, function: str, safe: bool) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function, safe = node.name, False
        if isinstance(node, ast.With):
            safe = safe or any("replaced(" in ast.unparse(item.context_expr) for item in node.items)
        if isinstance(node, ast.Call) and not safe:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            modes = [a.value for a in node.args[1:] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if name in _WRITES or (name == "open" and any(set(mode) & set("wxa+") for mode in modes)):
                found.add(function)
        for child in ast.iter_child_nodes(node):
            visit(child, function, safe)

    visit(ast.parse(source), "", False)
    return found


def test_every_writer_writes_under_another_name_first() -> None:
    assert unprotected("def f(p):\n    with open(p, 'wb') as x: x.write(b'')") == {"f"}
    assert not unprotected("def f(p):\n    with replaced(p) as n, open(n, 'wb') as x: x.write(b'')")
    found = {
        (".".join(path.relative_to(PACKAGE).with_suffix("").parts), function)
        for path in PACKAGE.rglob("*.py")
        for function in unprotected(path.read_text(encoding="utf-8"))
    }
    assert found == set(_ELSEWHERE)


# ---- names that cannot be written ----------------------------------------------------------------------------------
def new_files() -> Iterator[tuple[str, str, str]]:
    """Every command with an option for a file or folder that it writes, the option, and a suffix that it takes."""
    suffixes = {"boundary": ".npz", "view": ".html", "animate": ".gif"}
    for name, command in main.commands.items():
        for option in command.params:
            if isinstance(option.type, NewFile):
                yield name, option.opts[0], suffixes.get(name, ".png") if option.opts[0] == "--out" else ".png"


def test_the_commands_that_write_are_known() -> None:
    paths = {(name, o.opts[0]) for name, c in main.commands.items() for o in c.params if isinstance(o.type, click.Path)}
    assert {(name, option) for name, option, _ in new_files()} >= {pair for pair in paths if pair[1] == "--out"} - {
        ("demo", "--out")
    }
    assert len(list(new_files())) > 15


@pytest.mark.parametrize("where", ["nowhere/file", "file.txt/file", "x" * 300])
@pytest.mark.parametrize(("command", "option", "suffix"), list(new_files()))
def test_a_name_that_cannot_be_written_is_refused_before_anything_is_read(
    command: str, option: str, suffix: str, where: str, tmp_path: Path
) -> None:
    """The inputs are no models and no partitions: whoever had begun would say so."""
    (tmp_path / "file.txt").write_text("nothing")
    arguments = [p for p in main.commands[command].params if p.param_type_name == "argument"]
    given = [str(tmp_path / "file.txt")] * len(arguments)
    result = CliRunner().invoke(main, [command, *given, option, str(tmp_path / (where + suffix))])
    assert result.exit_code == 2 and f"Invalid value for '{option}'" in result.stderr, result.output
    assert [item.name for item in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_of_the_name_of_a_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("nothing")
    (tmp_path / "part.npz").mkdir()
    words = ["partition", str(tmp_path / "model.onnx"), "--box", "0", "1", "--out", str(tmp_path / "part.npz")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and "is a folder" in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--out", "/dev/full", "must be a folder"),
        ("--out", "{f}/file.txt", "must end in .npz, for one file, or be that of a folder"),
        ("--out", "{f}/new.txt", "must end in .npz, for one file, or be that of a folder"),
        ("--out", "{f}/full", "empty or not there yet"),
        ("--box", "1 -1", "LO must be a finite number below HI, got 1 -1"),
        ("--box", "nan 1", "LO must be a finite number below HI, got nan 1"),
        ("--box", "0 inf", "LO must be a finite number below HI"),
        ("--polygon", "{f}/line.txt", "lie on one line"),
        ("--polygon", "{f}/file.txt", "holds no array of numbers"),
        ("--through", "{f}/line.txt", "one line"),
    ],
)
def test_what_needs_no_model_is_refused_before_the_model_is_read(
    option: str, value: str, said: str, tmp_path: Path
) -> None:
    """The model is none: whoever had begun would say so."""
    (tmp_path / "file.txt").write_text("nothing")
    (tmp_path / "line.txt").write_text("0 0\n1 1\n2 2\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("a")
    (tmp_path / "model.onnx").write_text("nothing")
    there = sorted(tmp_path.rglob("*"))
    options = {"--box": "0 1", "--out": "{f}/new", option: value}
    if option in ("--polygon", "--through"):
        del options["--box"]
    words = [word for name, text in options.items() for word in (name, *text.format(f=tmp_path).split())]
    result = CliRunner().invoke(main, ["partition", str(tmp_path / "model.onnx"), *words])
    text = " ".join(result.stderr.split())
    assert result.exit_code == 2 and f"Invalid value for {option}" in text and said in text, text
    assert sorted(tmp_path.rglob("*")) == there


# ---- replaced ------------------------------------------------------------------------------------------------------
def test_what_replaces_a_file_keeps_its_mode_and_the_link_to_it(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to("file")
    with replaced(link) as new:
        new.write_text("new")
    assert link.is_symlink() and file.read_text() == "new" and stat.S_IMODE(file.stat().st_mode) == 0o640
    with replaced(tmp_path / "fresh") as new:
        new.write_text("new")
    umask = os.umask(0o22)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o666 & ~umask
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "fresh", "link"]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        check_writable(pipe)
        part().statistics().to_csv(pipe)
        assert os.read(reader, 11) == b"# regions: "
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and [item.name for item in tmp_path.iterdir()] == ["pipe"]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"

    def half() -> None:
        with replaced(file) as new:
            new.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_two_may_write_one_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with replaced(file) as one, replaced(file) as other:
        one.write_text("one")
        other.write_text("other")
    assert file.read_text() == "one" and list(tmp_path.iterdir()) == [file]

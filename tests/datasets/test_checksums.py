"""A folder of regions notices what is not as it was written, whoever reads it, and names the file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest
from click.testing import CliRunner

import cpwl
from cpwl.cli import main
from cpwl.datasets import written as dataset
from cpwl.datasets.journal import Entry, Journal
from cpwl.errors import FileFormatError
from cpwl.tiling.blocks import Blocks
from tests.support.full_disk import full_disk
from tests.support.networks import mlp
from tests.support.parquet import table

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
NETWORK = mlp(5, [2, 16, 16, 3])


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    """Blocks of 20 vertices."""
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
        yield


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some parts of a partition."""
    folder = tmp_path_factory.mktemp("begun") / "set"
    assert cpwl.write_partition(NETWORK, SQUARE, folder, max_regions=120).parts >= 3
    return folder


READERS: dict[str, Callable[[Path], object]] = {
    "resume": lambda folder: cpwl.write_partition(NETWORK, SQUARE, folder, resume=True, max_regions=1),
    "statistics": lambda folder: cpwl.statistics_of_folder(folder),
    "table": lambda folder: cpwl.statistics_of_folder(folder).to_csv(folder.parent / "table.csv"),
    "check": lambda folder: dataset.check_written(folder),
}
PART, BORDERS = "part-*.parquet", "_cpwl/*-borders.npz"
JOURNAL, MANIFEST, PROBLEM = "_cpwl/journal.jsonl", "_cpwl/manifest.json", "_cpwl/problem.npz"
READ = {PART: READERS, JOURNAL: READERS, MANIFEST: READERS, BORDERS: ("resume", "check"), PROBLEM: ("resume", "check")}
"""Who reads a file: statistics need no borders, and do not ask what was computed."""


@pytest.mark.parametrize(
    ("pattern", "reader"), [(file, reader) for file, readers in READ.items() for reader in readers]
)
def test_a_changed_bit_is_noticed_and_the_file_named(pattern: str, reader: str, begun: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for k in range(8):
        folder = tmp_path / f"set{k}"
        shutil.copytree(begun, folder)
        file = sorted(folder.glob(pattern))[0]
        content = bytearray(file.read_bytes())
        last = len(content) - int(pattern == JOURNAL)  # its last newline says that the last line has happened
        content[draw.integers(last)] ^= 1 << draw.integers(8)
        file.write_bytes(content)
        with pytest.raises(FileFormatError, match=rf"{file.name} is (not a whole file|damaged)"):
            READERS[reader](folder)


@pytest.mark.parametrize("pattern", [PART, BORDERS])
def test_a_lost_or_shortened_file_is_noticed_and_named(pattern: str, begun: Path, tmp_path: Path) -> None:
    for change in (Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:-1])):
        folder = tmp_path / "set"
        shutil.copytree(begun, folder)
        file = sorted(folder.glob(pattern))[-1]
        change(file)
        for reader in ("resume", "check"):
            with pytest.raises(FileFormatError, match=file.name):
                READERS[reader](folder)
        shutil.rmtree(folder)


def test_a_folder_as_it_was_written_is_checked_and_says_how_much_it_holds(begun: Path) -> None:
    found = dataset.check_written(begun)
    result = CliRunner().invoke(main, ["check", str(begun)])
    assert result.exit_code == 0 and not found.complete and len(found.digests) == found.parts
    assert result.stdout.startswith(f"as written: {found.parts} files with {found.regions} regions; INCOMPLETE")


@pytest.mark.parametrize("name", ["part-000000000009999.parquet", "x.parquet", "below/y.parquet"])
def test_what_readers_of_the_folder_would_take_as_well_is_not_as_written(
    name: str, begun: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    shutil.copytree(begun, folder)
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.copy(sorted(folder.glob(PART))[0], folder / name)
    rows = len(pandas.read_parquet(folder))
    assert rows > dataset.read_written(folder).regions
    with pytest.raises(FileFormatError, match=f"{name} is no file of this partition"):
        dataset.check_written(folder)
    (folder / name).unlink()
    assert dataset.check_written(folder).regions == len(pandas.read_parquet(folder))


@pytest.mark.parametrize("pattern", [JOURNAL, PROBLEM])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_about_all_the_others_is_missed(pattern: str, reader: str, begun: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(begun, folder)
    parts = sorted(folder.glob(PART))
    (folder / pattern).unlink()
    if reader in READ[pattern]:
        with pytest.raises(FileFormatError, match=f"{Path(pattern).name} is (missing|not a whole file)"):
            READERS[reader](folder)
    assert sorted(folder.glob(PART)) == parts


def test_cpwl_check_names_the_file_that_was_changed(begun: Path, tmp_path: Path) -> None:
    shutil.copytree(begun, tmp_path / "set")
    (first, *_) = sorted((tmp_path / "set").glob("part-*.parquet"))
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    result = CliRunner().invoke(main, ["check", str(tmp_path / "set")])
    assert result.exit_code == 2 and first.name in result.stderr and "wrong checksum" in result.stderr
    assert CliRunner().invoke(main, ["check", str(tmp_path)]).exit_code == 2


def test_a_journal_leads_to_no_other_folder(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    Journal(file).add(Entry((), part="../part-000000000000000.parquet"))
    with pytest.raises(FileFormatError, match="damaged"):
        Journal(file)


def test_a_full_disk_leaves_what_resume_goes_on_with(begun: Path, tmp_path: Path) -> None:
    shutil.copytree(begun, tmp_path / "set")
    with pytest.raises(OSError, match=r"set holds .* the same call with resume=True goes on"), full_disk():
        READERS["resume"](tmp_path / "set")
    assert not [*tmp_path.rglob("*.tmp")] and dataset.check_written(tmp_path / "set").regions >= 120
    assert cpwl.write_partition(NETWORK, SQUARE, tmp_path / "set", resume=True).complete
    cpwl.write_partition(NETWORK, SQUARE, tmp_path / "whole")
    assert table(tmp_path / "set") == table(tmp_path / "whole")

"""The documentation does what it shows: its code runs, its pictures come from it, it leaves nothing public out."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cpwl
from tests.support.example_files import FILES
from tests.support.pages import CHECKOUT, PAGES, Block, PageError, blocks, commands, pictures, redraw, run

DOCS = CHECKOUT / "docs"
CODE = [page for page in PAGES if page.is_relative_to(DOCS) and blocks(page)]
PUBLIC = ("cpwl", "cpwl.nn", "cpwl.analysis")
QUOTING = ("theory/partition.md", "theory/certificates.md")


def named(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


# ---- the pages -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", CODE, ids=named)
def test_the_code_of_a_page_runs_and_prints_what_is_shown(page: Path) -> None:
    """In a process of its own, as a reader's Python would be."""
    command = [sys.executable, "-m", "tests.support.pages", str(page)]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_relative_to(DOCS)], ids=named)
def test_every_picture_of_a_page_is_there_small_and_drawn_by_its_code(page: Path) -> None:
    """By a block that names the file, or by an example that the page names (support/example_files.py has its files)."""
    code, text = "\n".join(block.code for block in blocks(page)), page.read_text(encoding="utf-8")
    drawn = {name for example, names in FILES.items() if f"examples/{example}" in text for name in names}
    for picture in pictures(page):
        assert picture.is_file() and picture.stat().st_size < 500_000, picture
        assert picture.name in code or picture.name in drawn, f"no code that {named(page)} shows draws {picture.name}"


@pytest.mark.parametrize("page", CODE, ids=named)
def test_an_example_that_a_page_names_is_there_with_the_options_that_are_given(page: Path) -> None:
    for line in (line for block in blocks(page) for line in block.code.splitlines()):
        for script, rest in re.findall(r"python (examples/\S+\.py)(.*)", line.split("#")[0]):
            source = (CHECKOUT / script).read_text(encoding="utf-8")
            assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in source] == []


def test_what_is_not_run_says_why_and_is_little() -> None:
    found = [block for page in CODE for block in blocks(page)]
    excused = [block for block in found if block.excuse is not None]
    assert all(len(block.excuse or "") > 10 for block in excused)
    assert len(excused) < len(found) / 5


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert [name for name in files_named(text) if not (CHECKOUT / name).exists()] == []


def files_named(text: str) -> list[str]:
    """The files and folders of the checkout that a page names in its text as code; NAME stands for any."""
    found = re.findall(r"`((?:cpwl|tests|benchmarks|scripts|proofs|examples|docs)/[\w./-]*)(?:`| )", text)
    return [name for name in found if "NAME" not in name]


def test_a_file_that_is_not_there_is_found() -> None:
    assert files_named(
        "`cpwl/sweep.py`, `docs/`, `docs/NAME.md` and `tests/pages.py --pictures PAGE.md`; `cpwl.sweep`, cpwl/x.py"
    ) == [
        "cpwl/sweep.py",
        "docs/",
        "tests/pages.py",
    ]


def test_every_record_of_a_decision_is_listed_and_says_what_was_asked_and_chosen() -> None:
    records = {page.name: page.read_text(encoding="utf-8") for page in (DOCS / "decisions").glob("*.md")}
    listed = re.findall(r"\]\(([\w-]+\.md)\)", records.pop("index.md"))
    assert sorted(listed) == sorted(records) and len(records) > 30
    wanted = "**Question.** ", "**Choice.** "
    assert [name for name, text in records.items() if not all(f"\n{part}" in text for part in wanted)] == []


# ---- the reference -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("module", PUBLIC)
def test_the_reference_lists_everything_public(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        assert module == "cpwl.analysis"
        return
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    listed = set(re.findall(r"auto(?:class|function|exception|data):: ([\w.]+)", text))
    for name, members in re.findall(r"automodule:: ([\w.]+)\n(?: +:members: (.*)\n)?", text):
        listed |= {name, *(f"{name}.{member}" for member in (members.split(", ") if members else public_names(name)))}
    # Errors are in a list of their own; a package is listed where its names are.
    elsewhere = {"cpwl.CpwlError", "cpwl.analysis"}
    assert {f"{module}.{name}" for name in public_names(module)} - elsewhere <= listed


def public_names(module: str) -> set[str]:
    """What the module exports: its ``__all__``, or its public classes that are defined there."""
    loaded = importlib.import_module(module)
    own = {name for name, value in vars(loaded).items() if getattr(value, "__module__", None) == module}
    return set(getattr(loaded, "__all__", {name for name in own if not name.startswith("_")}))


# ---- the theory ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", QUOTING)
def test_the_theory_states_what_is_proved_word_for_word(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    quotations = re.findall(r"(?:^>.*\n)+", text, flags=re.MULTILINE)
    assert len(quotations) >= 5
    for quotation in quotations:
        sources = re.findall(r"\.\./\.\./(proofs/\S+?\.md)", text[: text.index(quotation)])
        proof = (CHECKOUT / sources[-1]).read_text(encoding="utf-8")
        words = [line.removeprefix(">").strip() for line in quotation.splitlines()]
        assert squeezed(" ".join(words)) in squeezed(proof), f"{sources[-1]} does not say: {quotation}"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_theorem_and_lemma_is_on_the_pages_of_the_theory() -> None:
    text = "\n".join((DOCS / page).read_text(encoding="utf-8") for page in QUOTING)
    proofs = [path.name for path in (CHECKOUT / "proofs").glob("*-*.md") if path.name != "certificate-format.md"]
    assert len(proofs) >= 15 and [name for name in proofs if f"proofs/{name}" not in text] == []


# ---- running pages can fail ----------------------------------------------------------------------------------------
def page_with(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "the page shows\n2"),
        ("```python\nx = 1\n```\n\n```text\n2\n```\n", "the page shows"),
        ("```console\n$ echo one\ntwo\n```\n", "the page shows\ntwo"),
        ("```console\n$ false\n```\n", "status 1"),
        ("```sh\ncpwl stats nothing.npz\n```\n", "status 2"),
    ],
)
def test_a_page_that_is_wrong_is_found(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PageError, match=re.escape(message)):
        run(page_with(tmp_path, text), tmp_path)


def test_an_error_in_a_page_is_raised_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(page_with(tmp_path, "Text\n\n```python\nx = 1\n1 / 0\n```\n"), tmp_path)
    assert caught.traceback[-1].lineno == 4


def test_blocks_share_names_and_files_and_dots_stand_for_anything(tmp_path: Path) -> None:
    text = "```python\nopen('a', 'w').write('x')\ny = 2\n```\n\n```console\n$ cat a\nx\n```\n"
    text += "\n```python\nprint(y, id(y))\n```\n\n```text\n2 ...\n```\n"
    assert run(page_with(tmp_path, text), tmp_path)["y"] == 2


def test_a_block_is_left_out_where_the_page_says_why(tmp_path: Path) -> None:
    page = page_with(tmp_path, "*Not run by the tests: it needs a GPU.*\n\n```python\n1 / 0\n```\n")
    assert blocks(page) == [Block("python", "1 / 0\n", 4, None, "it needs a GPU.")]
    run(page, tmp_path)


def test_only_cpwl_commands_of_a_shell_block_are_run(tmp_path: Path) -> None:
    page = page_with(tmp_path, "```sh\nscripts/setup\ncpwl --version\n```\n")
    assert [command for _, command, _ in commands(blocks(page)[0])] == ["cpwl --version"]


def test_pictures_are_replaced_by_those_that_the_page_draws(tmp_path: Path) -> None:
    page = page_with(tmp_path, "```python\nopen('p.png', 'w').write('new')\n```\n\n![p](p.png) ![q](q.png)\n")
    folder = tmp_path / "run"
    folder.mkdir()
    run(page, folder)
    assert redraw(page, folder) == [tmp_path / "p.png"] and (tmp_path / "p.png").read_text() == "new"


# ---- what a reader sees at the prompt ------------------------------------------------------------------------------
def test_every_answer_of_the_library_prints_as_one_line() -> None:
    net = cpwl.Network.mlp([np.eye(2), [[1, 1], [2, -1]]], [np.zeros(2), np.zeros(2)])
    other = cpwl.Network.mlp([np.eye(2), [[1, 1], [2, 1]]], [np.zeros(2), np.zeros(2)])
    domain, beside = cpwl.Domain.box([-1, -1], [1, 1]), cpwl.Domain.box([1, 1], [2, 2])
    part = cpwl.partition(net, domain)
    boundary, certificate, local = part.decision_boundary(), cpwl.certify(part), cpwl.local_map(net, [0.5, 0.5])
    answers = [net, domain, part, boundary, certificate, local, part.region(0), part.merged(), part.statistics()]
    answers += [boundary.certify(2), cpwl.certify_extremum(certificate), cpwl.certify_constant(certificate)]
    answers += [cpwl.certify_constant(cpwl.partition(other, beside)), local.halfspaces(domain)]
    answers += [cpwl.certify_equal(net, net, domain), cpwl.certify_equal(net, other, domain)]
    answers += [cpwl.compare(part, certificate.partition), cpwl.compare_execution(part, dtype="float32", grid=3)]
    answers += [cpwl.statistics_of_blocks([part])]
    assert len({type(answer) for answer in answers}) == len(answers)
    for text in map(repr, answers):
        assert "\n" not in text and len(text) < 160, text

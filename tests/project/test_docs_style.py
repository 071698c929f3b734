"""The sources of the documentation can be read, and the API says of each name what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cpwl
from cpwl import analysis

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted([CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *(CHECKOUT / "docs").rglob("*.md")])
WIDTH = 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_text_is_wrapped(page: Path) -> None:
    """All but tables, pictures and code, which have their own lines."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    kept = [line for line in text.split("\n") if not line.lstrip().startswith(("|", "![", "<!--"))]
    assert [line for line in kept if len(line) > WIDTH] == []


def test_no_code_of_the_start_page_scrolls_sideways() -> None:
    text = (CHECKOUT / "docs" / "index.md").read_text(encoding="utf-8")
    code = re.findall(r"^```(?:console|python|text|sh)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert code and max(len(line) for block in code for line in block.split("\n")) <= 84


def test_the_api_has_a_line_for_every_name() -> None:
    text = (CHECKOUT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   (cpwl\.[\w.]+)$", text, re.MULTILINE))
    public = {f"cpwl.{name}" for name in cpwl.__all__} | {f"cpwl.analysis.{name}" for name in analysis.__all__}
    assert public - listed == {"cpwl.analysis", "cpwl.CpwlError"}
    for name in sorted(listed):
        owner: object = cpwl
        for part in name.split(".")[1:]:
            owner = getattr(owner, part)
        assert (owner.__doc__ or "").strip(), name

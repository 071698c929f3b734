"""No test can hang: with the settings of pyproject.toml one that does is ended, its stack is shown, and others run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

AFTER = "def test_after(): pass"
EXAMPLES = f"""
from hypothesis import given, strategies
@given(strategies.booleans())
def test_hanging(chosen):
    while True: pass
{AFTER}
"""
LOCK_HELD = f"""
import re
def test_hanging():
    re.match("(a+)+$", "a" * 99 + "b")
{AFTER}
"""


@pytest.mark.parametrize("source", [EXAMPLES, LOCK_HELD], ids=["Hypothesis", "lock held"])
@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["one process", "workers"])
def test_a_hanging_test_is_ended_and_its_stack_shown(source: str, workers: list[str], tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(source)
    limit = ["-o", "faulthandler_timeout=4"]
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider", *workers]
    command = [sys.executable, "-m", "pytest", *options, *limit, str(test)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path, env=environment
    )
    shown = done.stdout + done.stderr
    assert done.returncode != 0 and "test_it.py" in shown and "in test_hanging" in shown
    if workers:
        assert "crashed while running 'test_it.py::test_hanging'" in shown and "1 failed, 1 passed" in shown

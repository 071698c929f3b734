"""The machine and the versions of a measurement, and what ``import cpwl`` takes on it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_PROGRAM = """
import sys, time
cpu, wall = time.process_time(), time.perf_counter()
import cpwl
print(time.process_time() - cpu, time.perf_counter() - wall, "torch" in sys.modules)
"""


def machine(device: str | None = None) -> dict[str, str]:
    """Processor, memory and versions, as text."""
    found = {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("cpwl", "torch", "numpy")},
        "commit": _commit(),
    }
    return found if device is None else {**found, "device": _device(device)}


def import_time(root: Path, runs: int = 7) -> dict[str, Any]:
    """The median CPU and wall seconds of ``import cpwl`` from a checkout, in new processes; and whether it loads torch.

    On one thread; its modules have been compiled to bytecode before, as those of an installed package.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONPYCACHEPREFIX": folder, "OMP_NUM_THREADS": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", _PROGRAM]
        texts = [subprocess.check_output(command, text=True, env=environment).split() for _ in range(runs + 1)][1:]
    cpu, wall = (statistics.median(float(text[k]) for text in texts) for k in (0, 1))
    return {"cpu": cpu, "wall": wall, "torch": texts[0][2] == "True"}


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    command = ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _device(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device.startswith("cuda") else device

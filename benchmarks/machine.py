"""The machine and the versions of a measurement, and what ``import cpwl`` takes on it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

_PROGRAM = """
import sys, time
start = time.process_time()
import cpwl
print(time.process_time() - start, "torch" in sys.modules)
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


def import_time(root: Path, runs: int = 5) -> dict[str, Any]:
    """The median CPU seconds of ``import cpwl`` from a checkout, each in a new process; and whether it loads torch."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    texts = [
        subprocess.check_output([sys.executable, "-c", _PROGRAM], text=True, env=environment).split()
        for _ in range(runs)
    ]
    return {"cpu": statistics.median(float(seconds) for seconds, _ in texts), "torch": texts[0][1] == "True"}


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

"""A device proved and measured by one command: the laws, agreement with exact arithmetic, the reference networks.

    python benchmarks/device.py [--device cuda] [--minutes 8] [--out device.json]

The conformance laws of the tests run on the device (pytest and hypothesis have to be there); then partitions of
degenerate networks and of planes through images are compared with the exact backend; then the reference networks are
timed, medians of warm runs. Each part takes a third of the time at most, and says what it did not come to. Writes one
file of results; the exit code is 1 if a law is broken or anything differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from machine import machine

from cpwl.errors import CpwlError
from tests.support.agreement import disagreements
from tests.support.families import Case, case
from tests.support.image_planes import plane, sets

HERE = Path(__file__).resolve().parent

NETWORKS = ("mlp-32x3", "shallow-100", "mlp-64x4", "shallow-1000", "small-cnn", "sdf-256x6")
"""From the smallest on."""


@click.command(help=__doc__)
@click.option("--device", default="cuda", show_default=True)
@click.option("--minutes", default=8.0, show_default=True, help="For all of it.")
@click.option("--laws", default="", help="Only the laws whose names have this in them.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the results go, as JSON.")
def main(device: str, minutes: float, laws: str, out: Path | None) -> None:
    share = 60 * minutes / 3
    results: dict[str, Any] = {
        "when": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "machine": machine(device),
        "laws": conformance(device, laws, share),
        "agreement": agreement(device, share),
        "networks": timed(device, share),
    }
    text = json.dumps(results, indent=1) + "\n"
    click.echo(text)
    if out is not None:
        out.write_text(text)
    sys.exit(int(results["laws"]["status"] != 0 or bool(results["agreement"]["differences"])))


def conformance(device: str, laws: str, seconds: float) -> dict[str, Any]:
    """How the laws of the tests went on the device: pytest's exit status, None where the time was over, and its end."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=0", "-k", laws]
    environment = {**os.environ, "CPWL_DEVICE": device}
    try:
        done = subprocess.run(
            [*command, HERE.parent / "tests" / "backends" / "test_conformance.py"],
            capture_output=True, text=True, timeout=seconds, env=environment, cwd=HERE.parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired as over:
        return {"status": None, "said": _end(over.stdout)}
    return {"status": done.returncode, "said": _end(done.stdout or done.stderr)}


def _end(output: str | bytes | None) -> str:
    text = output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    return "\n".join(text.strip().splitlines()[-15:])


def agreement(device: str, seconds: float) -> dict[str, Any]:
    """How many partitions on the device were compared with the exact backend, and what differed."""
    differences: list[str] = []
    compared, end = 0, time.perf_counter() + seconds
    for chosen in _cases():
        if time.perf_counter() > end:
            break
        try:
            found = disagreements(chosen.network, chosen.domain, device=device)
        except CpwlError as error:
            found = [f"{type(error).__name__}: {error}"]
        differences += [f"{chosen.name}: {text}" for text in found]
        compared += 1
    return {"compared": compared, "differences": differences}


def _cases() -> Iterator[Case]:
    """Four degenerate networks, then a plane through images, and so on."""
    for number in range(10**6):
        yield plane(number, tuple(sets())) if number % 5 == 4 else case(number)


def timed(device: str, seconds: float) -> dict[str, Any]:
    """What ``measure.py`` finds for each reference network, or why it found nothing."""
    end = time.perf_counter() + seconds
    return {name: _measured(name, device, end - time.perf_counter()) for name in NETWORKS}


def _measured(name: str, device: str, seconds: float) -> Any:
    command = [sys.executable, HERE / "measure.py", name, "torch", "--device", device, "--seconds", "1"]
    if seconds <= 0:
        return "not run: the time was over"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "not finished in time"
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else _end(done.stderr)


if __name__ == "__main__":
    main()

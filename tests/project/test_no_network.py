"""The library opens no connection: not its own, and none by the packages that it imports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests.support.onnx_models import model, random

WATCH = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void note(const char *what) {
  FILE *file = fopen(getenv("NETWORK_CALLS"), "a");
  if (file) { fprintf(file, "%s\\n", what); fclose(file); }
}

int socket(int domain, int type, int protocol) {
  if (domain != AF_UNIX) note("socket");
  return ((int (*)(int, int, int))dlsym(RTLD_NEXT, "socket"))(domain, type, protocol);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  note(node ? node : "getaddrinfo");
  return EAI_FAIL;
}
"""
"""Notes every socket and every name that is looked up in a file, and finds no name."""

SCRIPT = """
import sys, time, cpwl
part = cpwl.partition(cpwl.compile(sys.argv[1]), cpwl.Domain.box([-1, -1], [1, 1]))
cpwl.certify(part)
time.sleep(SECONDS)
"""

SECONDS = 12
"""onnxruntime's telemetry, where it is not switched off, looks a name up after eight to nine seconds."""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="the watch is C, for Linux")
def test_reading_an_onnx_file_opens_no_connection(tmp_path: Path) -> None:
    (tmp_path / "watch.c").write_text(WATCH)
    library, calls, home = tmp_path / "watch.so", tmp_path / "calls", tmp_path / "home"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "watch.c", "-ldl"], check=True)
    onnx.save(
        model(
            [onnx.helper.make_node("MatMul", ["x", "w"], ["h"]), onnx.helper.make_node("Relu", ["h"], ["y"])],
            (1, 2),
            {"w": random(2, 3)},
        ),
        tmp_path / "model.onnx",
    )
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "ORT_DISABLE_TELEMETRY")}
    watched = {**kept, "LD_PRELOAD": str(library), "NETWORK_CALLS": str(calls), "HOME": str(home)}
    script = [sys.executable, "-c", SCRIPT.replace("SECONDS", str(SECONDS)), str(tmp_path / "model.onnx")]
    subprocess.run(script, env=watched, check=True, timeout=120)
    assert not calls.exists(), calls.read_text()
    assert not any(home.rglob("*Microsoft*"))
    looking = "import socket; socket.getaddrinfo"  # the watch sees what it is for
    subprocess.run([sys.executable, "-c", f"{looking}('a.example', 1)"], env=watched, capture_output=True, check=False)
    assert "a.example" in calls.read_text()

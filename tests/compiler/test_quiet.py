"""Capturing is silent in its own thread alone, and leaves the process as it was, however captures overlap."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any

import pytest
import torch

import cpwl
from cpwl.compiler.torch_models.environment import environment
from cpwl.compiler.torch_models.quiet import quiet

NAMES = ("torch", "torch.some", "mine")


class Noted(logging.Handler):
    """The messages of all records."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture
def noted() -> Iterator[Noted]:
    handler = Noted()
    loggers = logging.getLogger("torch"), logging.getLogger("mine")  # torch's need not hand records on
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


def speak(who: str) -> None:
    print(who, file=sys.stderr)
    sys.stderr.writelines([f"{who}, by lines\n"])
    for name in NAMES:
        logging.getLogger(name).error(who)
    warnings.warn(who, stacklevel=1)


def elsewhere(call: Callable[[], object]) -> None:
    thread = Thread(target=call)
    thread.start()
    thread.join()


def state() -> tuple[Any, ...]:
    return sys.stderr, list(warnings.filters), logging.root.manager.disable, [list(h.filters) for h in handlers()]


def handlers() -> list[logging.Handler]:
    return [*logging.root.handlers, *logging.getLogger("torch").handlers]


def test_other_threads_are_heard_and_this_one_is_not(noted: Noted, capsys: pytest.CaptureFixture[str]) -> None:
    before = state()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with quiet(), quiet():
            speak("this")
            elsewhere(lambda: speak("other"))
            elsewhere(lambda: compile_one())
            speak("this")
        speak("after")
    said = [f"{who}\n{who}, by lines\n" for who in ("other", "after")]
    assert capsys.readouterr().err.replace("\n\n", "\n") == "".join(said)
    assert [str(warning.message) for warning in heard] == ["other", "after"]
    of_torch = [f"{name}: {who}" for who in ("other", "after") for name in NAMES]
    assert [text for text in noted.messages if text != "mine: this"] == of_torch
    assert noted.messages.count("mine: this") == 2, "what the model itself logs is no message of torch's"
    assert state() == before


def compile_one() -> cpwl.Network:
    return cpwl.compile(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()).eval(), torch.zeros(1, 2))


def test_what_is_said_elsewhere_while_a_model_is_captured_is_heard(
    noted: Noted, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    export = torch.export.export

    def exported(*arguments: Any, **options: Any) -> Any:
        speak("torch")
        elsewhere(lambda: speak("other"))
        return export(*arguments, **options)

    monkeypatch.setattr(torch.export, "export", exported)
    with pytest.warns(UserWarning, match="other") as heard:
        compile_one()
    assert [str(warning.message) for warning in heard] == ["other"]
    assert capsys.readouterr().err == "other\nother, by lines\n"
    assert [text for text in noted.messages if text.startswith("torch")] == [f"{name}: other" for name in NAMES[:2]]


def test_captures_that_overlap_leave_everything_as_it_was() -> None:
    """The one that began first ends first: what it finds is not what the other one may put back."""
    before = state(), dict(os.environ)
    began, one_ended = Barrier(2), Barrier(2)

    def first() -> None:
        with quiet(), environment("CPWL_TEST", "1"):
            began.wait(20)
        one_ended.wait(20)

    def second() -> tuple[str | None, bool]:
        began.wait(20)
        with quiet(), environment("CPWL_TEST", "1"):
            one_ended.wait(20)
            return os.environ.get("CPWL_TEST"), sys.stderr is before[0][0]

    with ThreadPoolExecutor(2) as pool:
        both = pool.submit(first), pool.submit(second)
        both[0].result()
        assert both[1].result() == ("1", False)
    assert (state(), dict(os.environ)) == before

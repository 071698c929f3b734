"""Estimates say how little they know: of what no box covers, and of boxes that there was no time for."""

from __future__ import annotations

import numpy as np
import pytest

import cpwl
from tests.support.clocks import estimates_by_looks

SQUARE = cpwl.Domain.box([-1, -1], [1, 1])


def test_a_share_of_the_domain_that_no_box_covers_is_told_by_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly spaced lines: all boxes are alike. What none of them covers counts as if nothing were known of it."""
    monkeypatch.setattr("cpwl.partitions.estimate._ENOUGH", 1)
    monkeypatch.setattr("cpwl.partitions.estimate._MOST", 8)
    places = -1 + (np.arange(32) + 0.5) / 16
    lines = np.repeat(np.eye(2), 32, axis=0)
    net = cpwl.Network.mlp([lines, np.ones((1, 64))], [-np.tile(places, 2), np.zeros(1)])
    triangle = cpwl.estimate(net, cpwl.Domain.polygon([[-1, -1], [1, -1], [-1, 1]]), squares=28)
    square = cpwl.estimate(net, SQUARE, squares=28)
    assert len(set(triangle.counts.tolist())) == 1 and len(triangle.counts) == len(square.counts) == 28
    uncovered = 1 - 28 / 32  # of 64 boxes of the square 28 lie in the triangle, which is half of it
    assert 0.9 * uncovered < triangle.deviation / triangle.regions < 1.2 * uncovered
    assert square.deviation < 0.01 * square.regions, "boxes may cover all of a square"


def test_a_box_with_more_regions_than_there_is_time_for_is_left_and_the_error_is_infinite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All lines of both layers cross one of sixteen boxes: most of the time of a whole partition goes into it."""
    monkeypatch.setattr("cpwl.partitions.estimate._ENOUGH", 1)
    monkeypatch.setattr("cpwl.partitions.estimate._MOST", 4)
    monkeypatch.setattr("cpwl.partitions.estimate._LEAST", 0.3)
    random = np.random.default_rng(0)
    first, second = random.standard_normal((800, 2)), random.standard_normal((200, 800))
    offset = -first @ [0.3, 0.3] + 0.02 * random.standard_normal(800)
    net = cpwl.Network.mlp([first, second, np.ones((1, 200))], [offset, 0.02 * random.standard_normal(200), [0.0]])
    clock = estimates_by_looks(monkeypatch, 0.002)
    found = cpwl.estimate(net, SQUARE, squares=16, max_seconds=0.6)
    assert clock.now < 3
    assert not found.complete and found.deviation == np.inf and found.regions > 0 and np.isfinite(found.seconds)

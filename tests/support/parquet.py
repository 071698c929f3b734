"""A folder of regions as a reader of Parquet files sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.dataset


def table(folder: Path) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = pyarrow.dataset.dataset(folder, format="parquet").to_table().to_pydict()
    return rows

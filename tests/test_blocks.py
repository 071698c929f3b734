"""A partition in blocks is the partition: the same regions in the same order, edges and patterns, whatever the size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conv_networks import *

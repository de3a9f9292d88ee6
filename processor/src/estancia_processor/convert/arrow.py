"""Arrow where its type stubs, made for another release, do not describe it: untyped on purpose."""

from __future__ import annotations

from typing import Any, Final

import pyarrow
import pyarrow.compute
import pyarrow.csv

pc: Final[Any] = pyarrow.compute
nulls: Final[Any] = pyarrow.nulls
read_csv: Final[Any] = pyarrow.csv.read_csv

"""Column names as snake_case identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

LENGTH: Final = 100
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def identifiers(originals: Sequence[str]) -> list[str]:
    """Turn a table's column names into identifiers, unique within the table.

    Args:
        originals: the names in the file, in order.

    Returns:
        For each a name of at most 100 characters of `[a-z0-9_]` that does not begin with a digit. Accents are dropped,
        words of camelCase parted; an empty name becomes `column_<position>`, a repeated one gets `_2`, `_3`, ...
    """
    bases = [_base(text) or f"column_{position}" for position, text in enumerate(originals, 1)]
    taken: set[str] = set()
    names = []
    for base in bases:
        name, count = base, 1
        while name in taken or (count > 1 and name in bases):
            count += 1
            suffix = f"_{count}"
            name = base[: LENGTH - len(suffix)] + suffix
        taken.add(name)
        names.append(name)
    return names


def _base(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    name = _OTHER.sub("_", _CAMEL.sub("_", plain).lower()).strip("_")[:LENGTH].rstrip("_")
    return f"_{name}"[:LENGTH] if name[:1].isdigit() else name

"""Which types a column of text can take, learned from all of its values, batch by batch.

A type is taken only if every value's text can be written back from the typed value:

- integers are canonical (`7`, `-7`; not `007`, `+7`, `-0`) and fit 64 bits;
- numbers become double if they are all written in one way (`1`/`1.5`, or `1.0`/`1.5`, never with further trailing
  zeros) and the double, rounded to as many digits, gives the number back; else decimal if all have as many decimals;
- booleans are spelled in one way; dates and timestamps are ISO 8601, written in one way throughout.

A column that mixes `3.1` and `3.10` holds names, not numbers, and stays text.

Null markers (`NA`, `null`, ...) are nulls where the column's other values have a type. In text they are nulls only if
they are sure signs (`NA`, `N/A`, `#N/A`, `<NA>`, `\\N`) or another column of the file has them among typed values, and
if no other value of the column looks like them: `NA` among `US` and `DE` is Namibia. An empty field is always null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from estancia_processor.convert.arrow import pc
from estancia_processor.convert.moments import MomentStyle
from estancia_processor.convert.numerals import Numerals

MARKERS: Final = (
    "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "Null", "None", "none", "#N/A", "<NA>", "-", "?", "\\N", "",
)  # fmt: skip
SURE: Final = frozenset({"NA", "N/A", "n/a", "#N/A", "<NA>", "\\N"})
"""Markers that no text means."""
_ALIKE: Final = {True: "^[A-Z]{1,4}$", False: "^[a-z]{1,4}$"}
"""Values that look like a marker of capitals, or of small letters."""
_MARKER_SET: Final = pa.array(MARKERS)
_SPELLINGS: Final = (("true", "false"), ("TRUE", "FALSE"), ("True", "False"))


@dataclass(slots=True)
class Narrowing:
    """The types that are still possible for a column.

    Attributes:
        markers: how often each null marker was seen.
        alike: whether values in capitals, or in small letters, look like markers.
        null_texts: markers that are nulls where the column is cast to text.
        values: how many values are neither null nor marker, counted while a type is possible.
        moments_only: for text of JSON, whose numbers and booleans are no text.
    """

    moments_only: bool = False
    markers: Counter[str] = field(default_factory=Counter)
    values: int = 0
    nulls: int = 0
    numerals: Numerals | None = field(default_factory=Numerals)
    spelling: tuple[str, str] | None = None
    boolean: bool = True
    moment: MomentStyle | None = None
    temporal: bool = True
    alike: set[bool] = field(default_factory=set)
    null_texts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.moments_only:
            self.numerals, self.boolean = None, False

    @property
    def text_only(self) -> bool:
        """Whether no type but text is left."""
        return self.numerals is None and not self.boolean and not self.temporal

    def add(self, texts: pa.Array[Any]) -> None:
        """Take a batch into account.

        Args:
            texts: strings, null where the field was empty.
        """
        self.nulls += texts.null_count
        present = texts.drop_null() if texts.null_count else texts
        if not self.moments_only:
            present = self._without_markers(present)
        if not len(present):
            return
        if not self.text_only:
            self._narrow(present)
        if self.text_only and not self.moments_only:
            self._compare(present)

    def _narrow(self, present: pa.Array[Any]) -> None:
        self.values += len(present)
        if self.numerals is not None and not self.numerals.add(present):
            self.numerals = None
        if self.boolean:
            self.boolean = self._spelled(present)
        if self.temporal:
            self.temporal = self._moments(present)

    @property
    def type(self) -> pa.DataType:
        """The type that the values ask for."""
        if not self.values:
            return pa.string()
        if self.numerals is not None:
            return self.numerals.type or pa.string()
        if self.boolean:
            return pa.bool_()
        return self.moment.type if self.temporal and self.moment else pa.string()

    def fits(self, target: pa.DataType) -> bool:
        """Whether every value can become `target` without loss; text is kept as it is, markers included."""
        if target == pa.string():
            return True
        if not self.values and not self.text_only:
            return not pa.types.is_nested(target)
        if self.numerals is not None:
            return self.numerals.fits(target)
        return target == self.type

    @property
    def format(self) -> str | None:
        """How the text was written, where the type alone does not tell it."""
        if self.numerals is None and self.boolean and self.spelling:
            return "/".join(self.spelling)
        return self.moment.format if self.moment and self.type == self.moment.type else None

    def cast(self, texts: pa.Array[Any], target: pa.DataType) -> pa.Array[Any]:
        """Turn a batch into a type that fits."""
        nulls = self.null_texts if target == pa.string() else self.markers.keys()
        if nulls:
            marked = pc.is_in(texts, value_set=pa.array(sorted(nulls), pa.string()))
            texts = pc.if_else(marked, pa.scalar(None, pa.string()), texts)
        if target == pa.string():
            return texts
        if pa.types.is_temporal(target) and self.moment:
            return self.moment.cast(texts)
        cast: pa.Array[Any] = pc.cast(texts, target)
        return cast

    def proven(self) -> set[str]:
        """Return the markers that are nulls because the column's values have a type."""
        return set(self.markers) if self.values and self.type != pa.string() else set()

    def decide(self, proven: Set[str]) -> None:
        """Settle which markers are nulls where the column is cast to text, once all columns of the file are known.

        Args:
            proven: markers that are nulls in a typed column of the same file.
        """
        candidates = {marker for marker in self.markers if marker and (marker in SURE or marker in proven)}
        self.null_texts = frozenset(m for m in candidates if (m.upper() == m) not in self.alike)

    def _compare(self, present: pa.Array[Any]) -> None:
        for capital, pattern in _ALIKE.items():
            if capital not in self.alike and pc.any(pc.match_substring_regex(present, pattern)).as_py():
                self.alike.add(capital)

    def _without_markers(self, present: pa.Array[Any]) -> pa.Array[Any]:
        marked = pc.is_in(present, value_set=_MARKER_SET)
        if not pc.any(marked).as_py():
            return present
        for entry in pc.value_counts(pc.filter(present, marked)).to_pylist():
            self.markers[entry["values"]] += entry["counts"]
        rest: pa.Array[Any] = pc.filter(present, pc.invert(marked))
        return rest

    def _spelled(self, present: pa.Array[Any]) -> bool:
        if self.spelling is None:
            self.spelling = next((pair for pair in _SPELLINGS if present[0].as_py() in pair), None)
        return self.spelling is not None and pc.all(pc.is_in(present, value_set=pa.array(self.spelling))).as_py()

    def _moments(self, present: pa.Array[Any]) -> bool:
        if self.moment is None:
            self.moment = MomentStyle.of(present[0].as_py())
        return self.moment is not None and self.moment.matches(present)

"""Types of JSON values: unified over all of a column's values, else the column becomes text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from estancia_processor.convert.arrow import pc
from estancia_processor.convert.narrowing import Narrowing
from estancia_processor.convert.numerals import DOUBLE_INTEGER


@dataclass(slots=True)
class JsonTyping:
    """The type of a column of JSON values.

    Attributes:
        merged: of the values so far; None where they do not unify, so that they become text.
        strings: narrows a column of strings to dates or timestamps.
        mixed: whether values of several types became text.
        largest: the greatest absolute value of whole numbers.
    """

    merged: pa.DataType | None = field(default_factory=pa.null)
    strings: Narrowing = field(default_factory=lambda: Narrowing(moments_only=True))
    mixed: bool = False
    largest: int = 0

    def add(self, values: Sequence[Any]) -> None:
        """Take a batch of values into account."""
        if self.merged is None:
            return
        array = _array(values)
        if array is None:
            self._mix()
            return
        if pa.types.is_int64(array.type) and len(array) > array.null_count:
            bounds = pc.min_max(array).as_py()
            self.largest = max(self.largest, -bounds["min"], bounds["max"])
        merged = merge(self.merged, array.type)
        inexact = merged == pa.float64() and self.largest > DOUBLE_INTEGER
        if merged is None or inexact:
            self._mix()
            return
        self.merged = merged
        if pa.types.is_string(merged):
            self.strings.add(array.cast(pa.string()))

    @property
    def type(self) -> pa.DataType:
        """The type that the values ask for."""
        if self.merged is None or pa.types.is_null(self.merged):
            return pa.string()
        if pa.types.is_string(self.merged):
            return self.strings.type
        stored: pa.DataType = plain(self.merged)
        return stored

    def fits(self, target: pa.DataType) -> bool:
        """Whether every value can become `target` without loss; anything can become text."""
        if target == pa.string():
            return True
        if self.merged is None:
            return False
        if pa.types.is_string(self.merged):
            return self.strings.fits(target)
        return widens(self.merged, target, self.largest)

    def cast(self, values: Sequence[Any], target: pa.DataType) -> pa.Array[Any]:
        """Turn a batch into a type that fits."""
        if target == pa.string():
            return pa.array([text_of(value) for value in values], pa.string())
        if pa.types.is_temporal(target):
            return self.strings.cast(pa.array(values, pa.string()), target)
        return pa.array(values, target)

    def force_text(self) -> None:
        """Keep the column as text whatever its values are."""
        self.merged = None

    def _mix(self) -> None:
        self.merged, self.mixed = None, True


def text_of(value: Any) -> str | None:
    """Return a value as text: strings as they are, all else as JSON; half surrogate pairs as escapes."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    try:
        return orjson.dumps(value, default=_number).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, default=str)


def merge(left: Any, right: Any) -> Any:
    """Return a type that holds values of both, None where only text does."""
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if {left, right} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_struct(left) and pa.types.is_struct(right):
        return _merge_structs(left, right)
    both_lists = pa.types.is_list(left) and pa.types.is_list(right)
    item = merge(left.value_type, right.value_type) if both_lists else None
    return None if item is None else pa.list_(item)


def _merge_structs(left: Any, right: Any) -> pa.DataType | None:
    fields = {f.name: f.type for f in left}
    for f in right:
        merged = merge(fields.get(f.name, pa.null()), f.type)
        if merged is None:
            return None
        fields[f.name] = merged
    return pa.struct(list(fields.items()))


def plain(data_type: Any) -> Any:
    """Return a nested type whose parts without any value are text, since Parquet's readers know no null type."""
    if pa.types.is_null(data_type):
        return pa.string()
    if pa.types.is_list(data_type):
        return pa.list_(plain(data_type.value_type))
    if pa.types.is_struct(data_type):
        return pa.struct([(f.name, plain(f.type)) for f in data_type])
    return data_type


def widens(own: Any, target: Any, largest: int = 0) -> bool:
    """Whether every value of `own` is one of `target`; whole numbers up to `largest`."""
    if own == target or pa.types.is_null(own):
        return True
    if pa.types.is_int64(own) and pa.types.is_float64(target):
        return largest <= DOUBLE_INTEGER
    if pa.types.is_list(own) and pa.types.is_list(target):
        return widens(own.value_type, target.value_type, DOUBLE_INTEGER + 1)
    if pa.types.is_struct(own) and pa.types.is_struct(target):
        known = {f.name: f.type for f in target}
        return all(f.name in known and widens(f.type, known[f.name], DOUBLE_INTEGER + 1) for f in own)
    return False


def _array(values: Sequence[Any]) -> pa.Array[Any] | None:
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError):
        return None
    return array if _storable(array.type) else None


def _storable(data_type: Any) -> bool:
    if pa.types.is_list(data_type):
        return _storable(data_type.value_type)
    if pa.types.is_struct(data_type):
        return data_type.num_fields > 0 and all(_storable(f.type) for f in data_type)
    simple = (pa.types.is_null, pa.types.is_boolean, pa.types.is_int64, pa.types.is_float64, pa.types.is_string)
    return any(test(data_type) for test in simple)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value)} is no JSON")

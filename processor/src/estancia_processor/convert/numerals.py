"""Numbers as text: what their writing allows without losing a digit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from estancia_processor.convert.arrow import pc

DOUBLE_INTEGER: Final = 2**53
"""Up to here every whole number is a double."""
SURE_LENGTH: Final = 15
"""Texts of at most so many digits are the shortest text of their double (IEEE 754: 15 digits survive)."""
DOUBLE_DIGITS: Final = 17
"""With so many digits every double can be told from its neighbours."""
SHORT_DECIMAL: Final = 18
LONG_DECIMAL: Final = 38
_PLAIN: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_SCIENTIFIC: Final = r"^-?[1-9](\.[0-9]*[1-9])?[eE][-+]?[0-9]{1,3}$"
_NEGATIVE_ZERO: Final = r"^-0(\.0+)?$"


@dataclass(slots=True)
class Numerals:
    """How the numbers of a column are written.

    Attributes:
        integer: all are canonical 64-bit integers.
        lowest: the least integer seen.
        highest: the greatest.
        whole: some are written without a point.
        dot_zero: some end in `.0` with one decimal.
        trailing: some end in a zero that a double would not write back.
        exponent: some are scientific.
        negative_zero: some are `-0`, which only a double keeps.
        exact: the double gives all numbers back, digit by digit.
        scales: least and greatest number of decimals.
        digits: the most digits before the point.
    """

    integer: bool = True
    lowest: int = 0
    highest: int = 0
    whole: bool = False
    dot_zero: bool = False
    trailing: bool = False
    exponent: bool = False
    negative_zero: bool = False
    exact: bool = True
    scales: tuple[int, int] | None = None
    digits: int = 0

    def add(self, texts: pa.Array[Any]) -> bool:
        """Take a batch of texts into account; return false when some are no numbers."""
        integers = _integers(texts)
        if integers is not None:
            bounds = pc.min_max(integers).as_py()
            self.lowest, self.highest = min(self.lowest, bounds["min"]), max(self.highest, bounds["max"])
            self.whole = True
            self._scale(0, 0, len(str(max(-bounds["min"], bounds["max"]))))
            self.exact = self.exact and max(-self.lowest, self.highest) <= DOUBLE_INTEGER
            return True
        self.integer = False
        plain = pc.match_substring_regex(texts, _PLAIN)
        if not pc.all(plain).as_py():
            others = pc.filter(texts, pc.invert(plain))
            if not pc.all(pc.match_substring_regex(others, _SCIENTIFIC)).as_py():
                return False
            self.exponent = True
            self.exact = self.exact and _all_exact(others)
            texts = pc.filter(texts, plain)
        if len(texts):
            self._add_plain(texts)
        return True

    @property
    def type(self) -> pa.DataType | None:
        """The type that keeps every text, None when only text does."""
        if self.integer:
            return pa.int64()
        if self._one_double():
            return pa.float64()
        if self.scales and self.scales[0] == self.scales[1] and not self.exponent and not self.negative_zero:
            return self._decimal(self.scales[1])
        return None

    def fits(self, target: pa.DataType) -> bool:
        """Whether every number is exactly one of `target`."""
        own = self.type
        if own is None:
            return False
        if pa.types.is_integer(target):
            return self.integer and _bounds(target)[0] <= self.lowest and self.highest <= _bounds(target)[1]
        if pa.types.is_float64(target):
            return self.exact and (self.integer or self._one_double())
        if pa.types.is_decimal(target):
            kept = not self.exponent and not self.negative_zero and self.scales is not None
            return kept and self._room(target)
        return target == own

    def _room(self, target: Any) -> bool:
        return (
            self.scales is not None
            and self.scales[1] <= target.scale
            and self.digits <= target.precision - target.scale
        )

    def _one_double(self) -> bool:
        return self.exact and not self.trailing and not (self.dot_zero and self.whole)

    def _decimal(self, scale: int) -> pa.DataType | None:
        for precision in (SHORT_DECIMAL, LONG_DECIMAL):
            if self.digits + scale <= precision:
                return pa.decimal128(precision, scale)
        return None

    def _scale(self, least: int, most: int, digits: int) -> None:
        low, high = self.scales or (least, most)
        self.scales = (min(low, least), max(high, most))
        self.digits = max(self.digits, digits)

    def _add_plain(self, texts: pa.Array[Any]) -> None:
        length = pc.utf8_length(texts)
        point = pc.find_substring(texts, ".")
        pointed = pc.greater_equal(point, 0)
        scale = pc.if_else(pointed, pc.subtract(pc.subtract(length, point), 1), 0)
        before = pc.if_else(pointed, point, length)
        ends_zero = pc.and_(pc.ends_with(texts, "0"), pointed)
        bounds = pc.min_max(scale).as_py()
        self._scale(bounds["min"], bounds["max"], pc.max(before).as_py())
        self.whole = self.whole or bounds["min"] == 0
        self.dot_zero = self.dot_zero or _any(pc.and_(ends_zero, pc.ends_with(texts, ".0")))
        self.trailing = self.trailing or _any(pc.and_(ends_zero, pc.greater(scale, 1)))
        self.negative_zero = self.negative_zero or _any(pc.match_substring_regex(texts, _NEGATIVE_ZERO))
        if self.exact:
            long = pc.filter(texts, pc.greater(length, SURE_LENGTH))
            self.exact = not len(long) or _all_exact(long)


def _integers(texts: pa.Array[Any]) -> pa.Array[Any] | None:
    try:
        integers = pc.cast(texts, pa.int64())
    except pa.ArrowInvalid:
        return None
    return integers if pc.all(pc.equal(pc.cast(integers, pa.string()), texts)).as_py() else None


def _all_exact(texts: pa.Array[Any]) -> bool:
    doubles = pc.cast(texts, pa.float64())
    other = pc.filter(texts, pc.not_equal(pc.cast(doubles, pa.string()), texts))
    return all(_exact(text) for text in pc.unique(other).to_pylist())


def _exact(text: str) -> bool:
    """Whether the double, rounded to as many digits as the text has, at most 17, is the same number."""
    number, written = float(text), Decimal(text)
    digits = len(written.as_tuple().digits)
    return math.isfinite(number) and digits <= DOUBLE_DIGITS and Decimal(f"{number:.{digits - 1}e}") == written


def _any(flags: pa.Array[Any]) -> bool:
    return bool(pc.any(flags).as_py())


def _bounds(target: pa.DataType) -> tuple[int, int]:
    bits = target.bit_width
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(target) else (0, 2**bits - 1)

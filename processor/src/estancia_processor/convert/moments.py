"""Dates and timestamps as text: one style for a whole column, from which every text can be written back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from estancia_processor.convert.arrow import pc

_MOMENT: Final = re.compile(
    r"\d{4}(?P<mark>[-/])\d\d(?P=mark)\d\d"
    r"(?:(?P<sep>[T ])\d\d:\d\d(?P<seconds>:\d\d(?:\.(?P<fraction>\d{1,6}))?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
)


@dataclass(frozen=True, slots=True)
class MomentStyle:
    """How a column writes its dates or timestamps: year first, as ISO 8601 does, with `-` or `/`.

    Attributes:
        mark: between year, month and day.
        separator: between date and time; empty for dates.
        seconds: whether seconds are written.
        fraction: digits after the second.
        zone: the offset, the same throughout; empty for local times.
    """

    mark: str
    separator: str = ""
    seconds: bool = False
    fraction: int = 0
    zone: str = ""

    @classmethod
    def of(cls, text: str) -> MomentStyle | None:
        """Return the style of one text, None when it is no date or timestamp."""
        match = _MOMENT.fullmatch(text)
        if match is None:
            return None
        sep, zone, fraction = match["sep"] or "", match["zone"] or "", match["fraction"] or ""
        return cls(match["mark"], sep, bool(match["seconds"]), len(fraction), zone)

    @property
    def type(self) -> pa.DataType:
        """The Arrow type: a date, or microseconds, in UTC where an offset is written."""
        if not self.separator:
            return pa.date32()
        return pa.timestamp("us", tz="UTC" if self.zone else None)

    @property
    def format(self) -> str:
        """The style as strftime writes it (`%f` with `fraction` digits)."""
        date = f"%Y{self.mark}%m{self.mark}%d"
        if not self.separator:
            return date
        seconds = ":%S" if self.seconds else ""
        return f"{date}{self.separator}%H:%M{seconds}{f'.%{self.fraction}f' if self.fraction else ''}{self.zone}"

    def matches(self, texts: pa.Array[Any]) -> bool:
        """Whether all texts are written in this style and exist in the calendar."""
        if not pc.all(pc.match_substring_regex(texts, self._pattern())).as_py():
            return False
        try:
            self.cast(texts)
        except pa.ArrowInvalid:
            return False
        return True

    def cast(self, texts: pa.Array[Any]) -> pa.Array[Any]:
        """Turn texts of this style into `type`."""
        cast: pa.Array[Any] = pc.cast(pc.replace_substring(texts, "/", "-") if self.mark == "/" else texts, self.type)
        return cast

    def _pattern(self) -> str:
        date = rf"\d{{4}}{self.mark}\d\d{self.mark}\d\d"
        if not self.separator:
            return f"^{date}$"
        fraction = rf"\.\d{{{self.fraction}}}" if self.fraction else ""
        seconds = rf":\d\d{fraction}" if self.seconds else ""
        return rf"^{date}{self.separator}\d\d:\d\d{seconds}{re.escape(self.zone)}$"

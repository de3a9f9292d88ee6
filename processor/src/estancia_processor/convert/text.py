"""Text: which encoding a file has, judged by all of its bytes, and the same text as UTF-8 on scratch."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 20
HEAD: Final = 64 << 10
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_NOT_CP1252: Final = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
_SURROGATE: Final = re.compile("[\udc80-\udcff]")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text as UTF-8.

    Attributes:
        path: where it is; the original where that is UTF-8 already.
        start: how many bytes at the beginning are a byte order mark.
        encoding: the original's.
        damaged: whether some bytes are no UTF-8 although the text is; records with such bytes cannot be read.
    """

    path: Path
    start: int
    encoding: str
    damaged: bool = False

    def head(self, size: int = 4 * HEAD) -> str:
        """Return the beginning, cut at the last line end where there is more."""
        with self.path.open("rb") as content:
            content.seek(self.start)
            data = content.read(size)
            more = bool(content.read(1))
        if more and b"\n" in data:
            data = data[: data.rfind(b"\n") + 1]
        return data.decode("utf-8", "ignore" if more else "replace")


def open_text(path: Path, scratch: Path) -> Text | None:
    """Find a file's encoding and make it UTF-8 with line feeds.

    Args:
        path: the file.
        scratch: a folder for the UTF-8 copy, where one is needed.

    Returns:
        The text, None when the bytes are no text.
    """
    with path.open("rb") as content:
        head = content.read(HEAD)
    encoding = _marked(head) or _judge(path, head)
    if encoding is None:
        return None
    old_mac = b"\r" in head and b"\n" not in head
    if encoding.startswith("utf-8") and not old_mac:
        damaged = encoding == "utf-8-damaged"
        return Text(path, 3 if encoding == "utf-8-sig" else 0, "utf-8", damaged)
    target = scratch / "text.utf8"
    try:
        _transcode(path, target, encoding, old_mac=old_mac)
    except UnicodeError:
        return None
    return Text(target, 0, encoding)


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def _judge(path: Path, head: bytes) -> str | None:
    if b"\0" in head:
        return _utf16(head)
    if len(_CONTROL.findall(head)) * 100 > len(head):
        return None
    good, bad = _utf8_letters(path)
    if not bad:
        return "utf-8"
    if good > bad:
        return "utf-8-damaged"
    return "latin-1" if any(byte in chunk for chunk in _chunks(path) for byte in _NOT_CP1252) else "cp1252"


def _utf16(head: bytes) -> str | None:
    """Judge by where the zero bytes of ASCII characters lie."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if len(head) % 2 == 0 and odd * 5 > half * 2 and even * 50 < half:
        return "utf-16-le"
    return "utf-16-be" if len(head) % 2 == 0 and even * 5 > half * 2 and odd * 50 < half else None


def _utf8_letters(path: Path) -> tuple[int, int]:
    """Count characters beyond ASCII and bytes that are no UTF-8; the former only if there are any of the latter."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        pass
    else:
        return 0, 0
    lenient = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for chunk in _chunks(path):
        text = lenient.decode(chunk)
        wrong = len(_SURROGATE.findall(text))
        bad += wrong
        good += len(_NOT_ASCII.findall(text)) - wrong
    return good, max(bad, 1)


def _transcode(path: Path, target: Path, encoding: str, *, old_mac: bool) -> None:
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-damaged" else encoding)("strict")
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for chunk in _chunks(path):
            text = decoder.decode(chunk)
            out.write(text.replace("\r", "\n") if old_mac else text)
        out.write(decoder.decode(b"", final=True))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as content:
        while chunk := content.read(CHUNK):
            yield chunk

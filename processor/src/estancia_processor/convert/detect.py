"""What a file is, told by its content and never by its name."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import puremagic

from estancia_processor.convert import containers, delimited, dialect, jsontable, parquet
from estancia_processor.convert.model import Conversion, Source
from estancia_processor.convert.text import Text, open_text
from estancia_processor.errors import FileFaultError
from estancia_protocol.errors import ErrorCode

HEAD: Final = 4096
_MARKUP: Final = (
    (re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg\b", re.S), "svg", "image/svg+xml"),
    (re.compile(r"\s*<(!doctype html|html)\b", re.I), "html", "text/html"),
    (re.compile(r"\s*<\?xml\b|\s*<[A-Za-z_][\w.:-]*[\s/>]"), "xml", "application/xml"),
    (re.compile(r"%PDF-"), "pdf", "application/pdf"),
    (re.compile(r"%!PS"), "ps", "application/postscript"),
    (re.compile(r"\{\\rtf"), "rtf", "application/rtf"),
)
_STORED: Final = "no table: the content is stored as it is"


def convert(source: Source) -> Conversion:
    """Convert a file.

    Args:
        source: its content.

    Returns:
        What it is, with a table for each that it holds; images and all else that is no table have none.

    Raises:
        FileFaultError: EMPTY_FILE, NOT_READABLE or ARCHIVE_BOMB.
    """
    head = _head(source.path)
    unpacked = source.scratch / "unpacked"
    container = containers.unpack(source.path, head, unpacked, source.beat)
    if container is None:
        return _convert(source, head)
    inner = replace(source, path=unpacked)
    return replace(_convert(inner, _head(unpacked)), container=container)


def _head(path: Path) -> bytes:
    with path.open("rb") as content:
        head = content.read(HEAD)
    if not head:
        raise FileFaultError(ErrorCode.EMPTY_FILE)
    return head


def _convert(source: Source, head: bytes) -> Conversion:
    if head.startswith(parquet.MAGIC):
        return parquet.convert(source)
    text = open_text(source.path, source.scratch)
    return _binary(source.path) if text is None else _text(source, text)


def _text(source: Source, text: Text) -> Conversion:
    beginning = text.head()
    for pattern, name, media_type in _MARKUP:
        if pattern.match(beginning):
            return Conversion(name, media_type, encoding=text.encoding, notes=(_STORED,))
    first = beginning.lstrip()[:1]
    if first == "{" and jsontable.is_lines(text):
        return jsontable.convert_lines(source, text)
    if first in {"{", "["} and first:
        return jsontable.convert(source, text)
    found = dialect.sniff(beginning)
    if found is None:
        return Conversion("text", "text/plain", encoding=text.encoding, notes=(_STORED,))
    return delimited.convert(source, text, found)


def _binary(path: Path) -> Conversion:
    if _is_plain_zip(path):
        return Conversion("zip", "application/zip", notes=(_STORED,))
    try:
        best = next(iter(puremagic.magic_file(path)), None)
    except (puremagic.PureError, ValueError):
        best = None
    name = best.extension.lstrip(".").lower() if best else ""
    media_type = best.mime_type if best else ""
    return Conversion(name or "binary", media_type or "application/octet-stream", notes=(_STORED,))


def _is_plain_zip(path: Path) -> bool:
    """Whether a file is a zip archive, and not a document that is packed as one."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return not {"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"} & set(archive.namelist())

"""The file of a roster, row by row, however large: CSV is read as it is decrypted and never whole in memory."""

import codecs
import csv
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from services.chassis.attachments.kinds import MediaType
from services.chassis.attachments.rows import AttachmentRecord
from services.chassis.attachments.store import in_thread
from services.chassis.long_work.course import ActFailedError
from services.chassis.runtime import Runtime

ROWS_IN_WORKBOOK_MAX = 200_000
"""A workbook is unpacked whole; larger rosters come as CSV."""

_DELIMITERS = ",;\t"
_RECORD_CHARS_MAX = 1 << 20
_BLANK = re.compile(r"[\s,;\"]*")
_DIGITS_KEPT = 1e15  # a number this long has lost its last digits in the spreadsheet

Numbered = tuple[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Roster:
    """A file that was looked through once: how it is written, its header, how many rows follow."""

    runtime: Runtime
    attachment: AttachmentRecord
    headers: tuple[str, ...]
    rows: int
    encoding: str = ""
    delimiter: str = ","

    async def chunks(self, size: int, *, skip: int) -> AsyncGenerator[list[Numbered], None]:
        """The rows behind the header, `size` at a time, each with its number as a spreadsheet shows it; the first `skip`
        chunks are passed over.
        """
        waiting: list[Numbered] = []
        number, passed = 1, 0
        async for records in self._records():
            for record in records:
                if number > 1:
                    waiting.append((number, record))
                number += 1
                if len(waiting) == size:
                    if passed >= skip:
                        yield waiting
                    waiting, passed = [], passed + 1
        if waiting and passed >= skip:
            yield waiting

    async def _records(self) -> AsyncIterator[list[list[str]]]:
        if self.attachment.media_type is MediaType.XLSX:
            yield await in_thread(_workbook, await _whole(self.runtime, self.attachment))
            return
        decoder, splitter = codecs.getincrementaldecoder(self.encoding)("strict"), _Splitter()
        async with aclosing(_pieces(self.runtime, self.attachment)) as pieces:
            async for piece in pieces:
                yield _parsed(splitter.feed(decoder.decode(piece)), self.delimiter)
        yield _parsed(splitter.rest(decoder.decode(b"", final=True)), self.delimiter)


async def survey(runtime: Runtime, attachment: AttachmentRecord) -> Roster:
    """Look through the file. Raises `ActFailedError('import-file')` when it is no table."""
    if attachment.media_type is MediaType.XLSX:
        records = await in_thread(_workbook, await _whole(runtime, attachment))
        if not records:
            raise ActFailedError("import-file")
        return Roster(runtime, attachment, tuple(records[0]), len(records) - 1)
    is_utf_8, head, rows = True, "", 0
    decoder, splitter = codecs.getincrementaldecoder("utf-8")("strict"), _Splitter()
    async with aclosing(_pieces(runtime, attachment)) as pieces:
        async for piece in pieces:
            is_utf_8 = is_utf_8 and _decodes(decoder, piece)
            # No byte of a character of either encoding is a line break, a quotation mark or a delimiter.
            lines = list(_complete(splitter.feed(piece.decode("latin-1"))))
            head, rows = head or next(iter(lines), ""), rows + len(lines)
    last = list(_complete(splitter.rest("")))
    head, rows = head or next(iter(last), ""), rows + len(last)
    encoding = "utf-8-sig" if is_utf_8 and _decodes(decoder, b"", final=True) else "gb18030"
    first = head.encode("latin-1").decode(encoding, "strict").removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=first.count)
    headers = _parsed([first], delimiter)
    if not headers:
        raise ActFailedError("import-file")
    found = Roster(runtime, attachment, tuple(headers[0]), rows - 1)
    return replace(found, encoding=encoding, delimiter=delimiter)


class _Splitter:
    """Cuts text into lines that end a record: one with an open quotation mark goes on."""

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, text: str) -> list[str]:
        """The lines that are complete now, those of one record joined."""
        *lines, behind = (self._waiting + text).split("\n")
        found, opened = [], ""
        for line in lines:
            opened += f"{line}\n"
            if opened.count('"') % 2 == 0:
                found.append(opened)
                opened = ""
        self._waiting = opened + behind
        if len(self._waiting) > _RECORD_CHARS_MAX:
            raise ActFailedError("import-file")
        return found

    def rest(self, text: str) -> list[str]:
        """What stands behind the last line break."""
        last, self._waiting = self._waiting + text, ""
        return [last] if last else []


def _complete(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if not _BLANK.fullmatch(line))


def _parsed(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(_complete(lines), delimiter=delimiter, strict=True))
    except csv.Error:
        raise ActFailedError("import-file") from None


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _pieces(runtime: Runtime, attachment: AttachmentRecord) -> Any:
    assert runtime.attachments is not None
    return runtime.attachments.plaintext(attachment.opener, attachment.attachment_id, attachment.address, attachment.size_bytes)


async def _whole(runtime: Runtime, attachment: AttachmentRecord) -> bytes:
    async with aclosing(_pieces(runtime, attachment)) as pieces:
        return b"".join([piece async for piece in pieces])


def _workbook(content: bytes) -> list[list[str]]:
    """The rows of the first sheet as text; those without a word are left out."""
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - only this process, only for workbooks

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    except CalamineError:
        raise ActFailedError("import-file") from None
    if sheet.total_height > ROWS_IN_WORKBOOK_MAX:
        raise ActFailedError("import-too-long")
    rows = ([_text(cell) for cell in row] for row in sheet.iter_rows())
    return [row for row in rows if any(row)]


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _DIGITS_KEPT else f"{cell:g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()

"""What a file is, by its content: neither its name nor what the sender calls it decides.

Each kind is examined while it streams by, in constant memory. A file is taken only when it is one thing from its first byte to
its last: bytes before or after it, where a second file could hide, are refused, and so are macros, scripts and everything not
listed. Nothing is ever unpacked or rendered here.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.chassis.attachments.images import JpegExamination, PngExamination
from services.chassis.attachments.refusals import broken, refused, unknown_type
from services.chassis.attachments.table_text import CsvExamination
from services.chassis.attachments.workbooks import XlsxExamination
from services.chassis.errors import DomainError

HEAD_BYTES = 4096
"""As much of a file's beginning is gathered before its kind is told."""


class MediaType(StrEnum):
    """The kinds of files that are taken."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    CSV = "text/csv"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Examination(Protocol):
    """Looks at a file of one kind from its first byte to its last."""

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises `DomainError`."""
        ...

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of file: its suffix when it is handed out, its limit, and who examines it."""

    suffix: str
    limit_bytes: int
    examination: type[Examination]


# A zip archive is found from its end, whatever stands before: an archive behind a picture is both.
_ARCHIVE_END = b"PK\x05\x06"
_ARCHIVE_TAIL_BYTES = (64 << 10) + 22

_PDF_END = re.compile(rb"%%EOF[\r\n\t \0]*\Z")
# A name may spell any letter as #xx. Compressed object streams are not looked into: viewers have to be safe by themselves.
_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFile|RichMedia)")
_PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_LONGEST_NAME = 64


class PdfExamination:
    """PDF: begins with its mark, ends with its own end, runs nothing and carries no other file."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises `DomainError`."""
        seen = self._tail[-_PDF_LONGEST_NAME:] + data
        if _PDF_ACTIVE.search(seen) or _PDF_ACTIVE.search(_PDF_ESCAPE.sub(_unescaped, seen)):
            raise refused(
                "active_content", "PDF 含脚本、可执行动作或嵌入文件", "the PDF holds scripts, launch actions or embedded files"
            )
        self._tail = (self._tail + data)[-1024:]

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        if not _PDF_END.search(self._tail):
            raise broken("PDF 不完整，或结尾之后另有内容", "the PDF is cut off, or something follows its end")


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes((int(match.group(1), 16),))


KINDS: dict[MediaType, _Kind] = {
    MediaType.PDF: _Kind("pdf", 20 << 20, PdfExamination),
    MediaType.JPEG: _Kind("jpg", 10 << 20, JpegExamination),
    MediaType.PNG: _Kind("png", 10 << 20, PngExamination),
    MediaType.CSV: _Kind("csv", 500 << 20, CsvExamination),
    MediaType.XLSX: _Kind("xlsx", 50 << 20, XlsxExamination),
}
LARGEST_BYTES = max(kind.limit_bytes for kind in KINDS.values())
_MARKS = (
    (b"%PDF-1.", MediaType.PDF),
    (b"%PDF-2.", MediaType.PDF),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"PK\x03\x04", MediaType.XLSX),
)
_UNSAID = "application/octet-stream"


def media_type_of(head: bytes) -> MediaType | None:
    """The kind a file with this beginning can only be; `None` when it is none of ours."""
    for mark, media_type in _MARKS:
        if head.startswith(mark):
            return media_type
    return MediaType.CSV if CsvExamination.can_begin(head) else None


class Inspection:
    """One file on its way in: its kind, its limit, its examination."""

    def __init__(self, declared: str, head: bytes) -> None:
        """`declared` is the Content-Type, `head` the first `HEAD_BYTES` or the whole of a shorter file.

        Raises `DomainError('attachment-type')` for a kind that is not taken, and when the sender calls it something else.
        """
        found = media_type_of(head)
        if found is None:
            raise unknown_type(tuple(MediaType))
        said = declared.partition(";")[0].strip().lower()
        if said not in {found, _UNSAID}:
            raise DomainError(
                "attachment-type",
                detail_zh="文件内容与 Content-Type 不符。",
                detail_en="The content is not what Content-Type says.",
                extra={"found": found},
            )
        self.media_type = found
        self._limit = KINDS[found].limit_bytes
        self._examination = KINDS[found].examination()
        self._size = 0
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """The next bytes, the head included. Raises `DomainError`."""
        self._size += len(data)
        if self._size > self._limit:
            raise DomainError("body-too-large", extra={"limit_bytes": self._limit, "media_type": self.media_type})
        self._examination.feed(data)
        if self.media_type is not MediaType.XLSX:
            self._tail = (self._tail + data[-_ARCHIVE_TAIL_BYTES:])[-_ARCHIVE_TAIL_BYTES:]

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        self._examination.finish()
        if _ends_as_archive(self._tail):
            raise refused("two_files_in_one", "文件同时是压缩包", "the file is an archive as well")


def _ends_as_archive(tail: bytes) -> bool:
    place = tail.rfind(_ARCHIVE_END)
    if place < 0 or place + 22 > len(tail):
        return False
    comment_bytes = int.from_bytes(tail[place + 20 : place + 22], "little")
    return place + 22 + comment_bytes == len(tail)

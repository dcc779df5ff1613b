"""XLSX: a zip archive that is a workbook and nothing else, told from its directory. Nothing is unpacked.

The directory stands at the end, and every entry it names lies before it, one behind the other from the first byte on: no room
for a second file. What the entries claim to unpack to is bounded, because whoever imports the workbook will unpack it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from services.chassis.attachments.refusals import broken, refused
from services.chassis.errors import DomainError

_TAIL_BYTES = 1 << 20
_ENTRIES_MAX = 2_000
_UNPACKED_BYTES_MAX = 512 << 20
_RATIO_MAX = 200
_RATIO_FREE_BYTES = 1 << 20  # small parts of one repeated character compress beyond any ratio and harm nobody
_NEEDED = frozenset({"[Content_Types].xml", "xl/workbook.xml"})
_FORBIDDEN = ("xl/vbaproject", "xl/macrosheets/", "xl/activex/", "xl/embeddings/", "xl/externallinks/", "customui/")
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL_BYTES = 30
_GAP_BYTES_MAX = 4096  # extra fields of an entry's own head, and the sums behind it
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    flags: int
    method: int
    packed: int
    unpacked: int
    offset: int


class XlsxExamination:
    """See the module's docstring."""

    def __init__(self) -> None:
        self._tail = b""
        self._size = 0

    def feed(self, data: bytes) -> None:
        """The next bytes; only the end is kept."""
        self._size += len(data)
        self._tail = (self._tail + data)[-_TAIL_BYTES:]

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        entries, directory_at = self._directory()
        names = [entry.name for entry in entries]
        if not set(names) >= _NEEDED:
            raise refused("not_a_workbook", "压缩包不是 XLSX 工作簿", "the archive is no XLSX workbook")
        if len(set(names)) != len(names):
            raise _improper()
        for entry in entries:
            _check_name(entry.name)
            if entry.flags & _ENCRYPTED or entry.method not in {_STORED, _DEFLATED}:
                raise refused(
                    "encrypted", "工作簿已加密或使用未知压缩方法", "the workbook is encrypted or packed in an unknown way"
                )
        _check_sizes(entries)
        _check_places(entries, directory_at)

    def _directory(self) -> tuple[list[_Entry], int]:
        """The entries in the order of their places, and where the directory begins."""
        tail = self._tail
        if len(tail) < _END.size:
            raise _improper()
        mark, disk, first_disk, here, count, length, offset, comment = _END.unpack(tail[-_END.size :])
        start = self._size - _END.size - length
        if (
            mark != b"PK\x05\x06"
            or disk
            or first_disk
            or comment
            or here != count
            or not 0 < count <= _ENTRIES_MAX
            or offset != start
        ):
            raise _improper()
        if length + _END.size > len(tail):
            raise _improper()
        entries = list(_entries(tail[-_END.size - length : -_END.size]))
        if len(entries) != count:
            raise _improper()
        return sorted(entries, key=lambda entry: entry.offset), start


def _entries(directory: bytes) -> Iterator[_Entry]:
    place = 0
    while place < len(directory):
        if place + _ENTRY.size > len(directory):
            raise _improper()
        mark, _, _, flags, method, _, _, _, packed, unpacked, name, extra, comment, *_, offset = _ENTRY.unpack_from(
            directory, place
        )
        end = place + _ENTRY.size + name
        if mark != b"PK\x01\x02" or 0xFFFFFFFF in {packed, unpacked, offset} or end > len(directory):
            raise _improper()
        try:
            spelled = directory[place + _ENTRY.size : end].decode("utf-8")
        except UnicodeDecodeError:
            raise _improper() from None
        yield _Entry(spelled, flags, method, packed, unpacked, offset)
        place = end + extra + comment


def _check_name(name: str) -> None:
    if name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in name.split("/"):
        raise _improper()
    if name.lower().startswith(_FORBIDDEN):
        raise refused(
            "active_content",
            "工作簿含宏、控件、嵌入文件或外部链接",
            "the workbook holds macros, controls, embedded files or links",
        )


def _check_sizes(entries: list[_Entry]) -> None:
    unpacked = sum(entry.unpacked for entry in entries)
    swollen = any(
        entry.unpacked > _RATIO_FREE_BYTES and entry.unpacked > _RATIO_MAX * max(entry.packed, 1) for entry in entries
    )
    if unpacked > _UNPACKED_BYTES_MAX or swollen:
        raise refused("archive_bomb", "工作簿解压后过大", "the workbook would unpack to too much")


def _check_places(entries: list[_Entry], directory_at: int) -> None:
    """Entries do not overlap, and leave no more room between them than their own heads need."""
    place = 0
    for offset, length in (
        *((entry.offset, _LOCAL_BYTES + len(entry.name.encode()) + entry.packed) for entry in entries),
        (directory_at, 0),
    ):
        if not 0 <= offset - place <= (_GAP_BYTES_MAX if place else 0):
            raise _improper()
        place = offset + length


def _improper() -> DomainError:
    return broken("不是规范的 XLSX 工作簿", "not a proper XLSX workbook")

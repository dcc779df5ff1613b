"""JPEG and PNG, walked from marker to marker: nothing stands before, between or behind what the formats know."""

import struct

from services.chassis.attachments.refusals import broken, refused

_PNG_MARK_BYTES = 8
_PNG_LONGEST_CHUNK = (1 << 31) - 1


class PngExamination:
    """PNG: chunks from IHDR to IEND, and not a byte more (PNG §5.2 ff.; sums are the viewer's business)."""

    def __init__(self) -> None:
        self._skip = _PNG_MARK_BYTES
        self._header = b""
        self._chunks = 0
        self._is_last = False

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises `DomainError`."""
        place = 0
        while place < len(data):
            if self._skip:
                step = min(self._skip, len(data) - place)
                self._skip -= step
                place += step
            elif self._is_last:
                raise refused("trailing_bytes", "图片结尾之后另有内容", "something follows the end of the image")
            else:
                step = min(8 - len(self._header), len(data) - place)
                self._header += data[place : place + step]
                place += step
                if len(self._header) == 8:
                    self._begin_chunk()

    def _begin_chunk(self) -> None:
        length, name = struct.unpack(">I4s", self._header)
        self._header = b""
        is_first = self._chunks == 0
        self._chunks += 1
        if not name.isalpha() or length > _PNG_LONGEST_CHUNK or is_first != (name == b"IHDR") or (is_first and length != 13):
            raise broken("不是完整的 PNG 图片", "not a proper PNG image")
        self._is_last = name == b"IEND"
        self._skip = length + 4

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        if not self._is_last or self._skip:
            raise broken("PNG 图片不完整", "the PNG image is cut off")


# Markers that stand alone, without a length (ITU-T T.81 table B.1): TEM and the restart markers.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA


class JpegExamination:
    """JPEG: segments and scans from SOI to EOI. Behind it only zeros, or a further JPEG as phones add one (CIPA DC-007)."""

    def __init__(self) -> None:
        self._waiting = b""
        self._skip = 0
        self._in_scan = False
        self._in_image = False
        self._images = 0

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises `DomainError`."""
        data, place = self._waiting + data, 0
        while True:
            step = min(self._skip, len(data) - place)
            place, self._skip = place + step, self._skip - step
            if self._in_scan and not self._skip:
                place = _next_marker(data, place)
            elif not self._in_image:
                place = _next_nonzero(data, place)
            needed = self._segment(data, place)
            if not needed:
                break
            place += needed
        self._waiting = data[place:]

    def _segment(self, data: bytes, place: int) -> int:
        """Take one marker with its length; how many bytes it was, 0 when there are not enough yet."""
        if self._skip or place + 2 > len(data):
            return 0
        if data[place] != 0xFF:
            if not self._in_image and self._images:
                raise refused("trailing_bytes", "图片结尾之后另有内容", "something follows the end of the image")
            raise broken("不是完整的 JPEG 图片", "not a proper JPEG image")
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            return 1
        if not self._in_image and marker != _START:
            raise refused("trailing_bytes", "图片结尾之后另有内容", "something follows the end of the image")
        if marker in {_START, _END} or marker in _ALONE:
            self._in_image = marker != _END
            self._in_scan = self._in_scan and marker in _ALONE
            self._images += marker == _START
            return 2
        if place + 4 > len(data):
            return 0
        length = int.from_bytes(data[place + 2 : place + 4])
        if length < 2:
            raise broken("不是完整的 JPEG 图片", "not a proper JPEG image")
        self._skip = length - 2
        self._in_scan = marker == _SCAN
        return 4

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        if self._in_image or self._skip or not self._images or self._waiting.strip(b"\0"):
            raise broken("JPEG 图片不完整", "the JPEG image is cut off")


def _next_marker(data: bytes, place: int) -> int:
    """Where the next marker in entropy-coded data begins; a lone 0xFF at the end waits for what follows it."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0:
            return len(data)
        if place + 1 == len(data) or data[place + 1] != 0x00:
            return place
        place += 2


def _next_nonzero(data: bytes, place: int) -> int:
    rest = data[place:].lstrip(b"\0")
    return len(data) - len(rest)

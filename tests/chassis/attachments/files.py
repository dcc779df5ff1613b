"""Files of every kind, made here: proper ones, and improper ones that look like them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

CONTENT_TYPES = "[Content_Types].xml"


def pdf(content: bytes = b"hello") -> bytes:
    """A small PDF whose one stream holds `content`."""
    return (
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Length "
        + str(len(content)).encode()
        + b" >>\nstream\n"
        + content
        + b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
    )


def png_chunk(name: bytes, content: bytes = b"") -> bytes:
    """One chunk with its sum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(content: bytes = b"pixels") -> bytes:
    """A PNG of one pixel, with `content` as a comment."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"tEXt", b"Comment\0" + content) + body + png_chunk(b"IEND")


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """One segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg(scan: bytes = b"\x12\x34\xff\x00\x56\xff\xd0\x78", comment: bytes = b"camera") -> bytes:
    """A JPEG by its markers: two scans, stuffed bytes and a restart marker in the first."""
    head = b"\xff\xd8" + jpeg_segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0") + jpeg_segment(0xFE, comment)
    frame = jpeg_segment(0xC2, b"\x08\0\x01\0\x01\x01\x01\x11\0") + jpeg_segment(0xC4, bytes(17))
    scans = (
        jpeg_segment(0xDA, b"\x01\x01\0\0\x3f\0")
        + scan
        + jpeg_segment(0xC4, bytes(17))
        + jpeg_segment(0xDA, b"\x01\x01\0\0\x3f\0")
    )
    return head + frame + scans + b"\x99\x98\xff\xff\xd9"


def csv(rows: int = 3, encoding: str = "utf-8") -> bytes:
    """A table of persons."""
    lines = ["姓名,证件号码,备注", *(f"张三{number},33028219900101{number:04d},无" for number in range(rows))]
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def archive(entries: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """A zip archive; `comment` are its last bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        made.comment = comment
        for name, content in entries.items():
            made.writestr(name, content)
    return target.getvalue()


def xlsx(more: Mapping[str, bytes] | None = None) -> bytes:
    """The parts of a workbook that matter, and `more`."""
    return archive(
        {
            CONTENT_TYPES: b"<Types/>",
            "_rels/.rels": b"<Relationships/>",
            "xl/workbook.xml": b"<workbook/>",
            "xl/worksheets/sheet1.xml": b"<worksheet/>" * 50,
            **(more or {}),
        }
    )

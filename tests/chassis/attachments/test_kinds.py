"""Files are told by their content; what is two things, carries programs or is not whole is refused."""

import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.attachments.kinds import HEAD_BYTES, KINDS, Inspection, MediaType
from services.chassis.errors import DomainError
from tests.chassis.attachments import files

ANY = "application/octet-stream"


def inspected(content: bytes, declared: str = ANY, piece: int = 1 << 16) -> MediaType:
    """The kind of a file that arrives in pieces; raises what the service raises."""
    inspection = Inspection(declared, content[:HEAD_BYTES])
    for start in range(0, len(content), piece):
        inspection.feed(content[start : start + piece])
    inspection.finish()
    return inspection.media_type


PROPER = {
    "pdf": (files.pdf(), MediaType.PDF),
    "pdf 2.0, spaces behind": (b"%PDF-2.0" + files.pdf()[8:] + b"\r\n  ", MediaType.PDF),
    "png": (files.png(), MediaType.PNG),
    "jpeg": (files.jpeg(), MediaType.JPEG),
    "jpeg with a preview in a comment": (files.jpeg(comment=files.jpeg()), MediaType.JPEG),
    "jpeg, second image and padding behind": (files.jpeg() + bytes(512) + files.jpeg() + bytes(16), MediaType.JPEG),
    "csv": (files.csv(), MediaType.CSV),
    "csv of Excel in UTF-8": (b"\xef\xbb\xbf" + files.csv(), MediaType.CSV),
    "csv in GB 18030": (files.csv(encoding="gb18030"), MediaType.CSV),
    "csv, longer than the head": (files.csv(rows=2000, encoding="gb18030"), MediaType.CSV),
    "csv with tabs and line breaks inside quotes": (b'a\tb\n"1\n2"\t3\n', MediaType.CSV),
    "xlsx": (files.xlsx(), MediaType.XLSX),
    "xlsx, nothing compressed": (
        files.archive({files.CONTENT_TYPES: b"<Types/>", "xl/workbook.xml": b"<w/>"}, method=zipfile.ZIP_STORED),
        MediaType.XLSX,
    ),
    "xlsx with a picture": (files.xlsx({"xl/media/image1.png": files.png()}), MediaType.XLSX),
}


@pytest.mark.parametrize("name", PROPER)
@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
def test_proper_files_are_told_by_their_content(name: str, piece: int) -> None:
    content, expected = PROPER[name]
    assert inspected(content, piece=piece) is expected
    assert inspected(content, f"{expected.upper()}; charset=utf-8", piece=piece) is expected


NONE_OF_OURS = {
    "a program": b"\x7fELF" + bytes(200),
    "a Windows program": b"MZ" + bytes(200),
    "a web page": b"<!doctype html><script>alert(1)</script>",
    "an SVG picture": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a shell script": b"#!/bin/sh\nrm -rf a,b\n",
    "program text": b"import os\nos.system('x', 1)\nprint(1, 2, 3)\n",
    "PostScript": b"%!PS-Adobe-3.0\n",
    "rich text": b"{\\rtf1 a,b}",
    "a GIF": b"GIF89a" + bytes(100),
    "an old Office file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "rar": b"Rar!\x1a\x07\x01\0",
    "a PDF behind something": b"junk\n" + files.pdf(),
    "prose": "今天天气很好\n没有表格\n".encode(),
    "one column": b"number\n1\n2\n",
    "spaces": b"   \r\n ",
    "bytes that are no text": b"a,b\n\xff\xfe,\xff\n",
}


@pytest.mark.parametrize("name", NONE_OF_OURS)
def test_other_files_are_not_taken(name: str) -> None:
    for declared in (ANY, "application/pdf", "text/csv", "image/png"):
        with pytest.raises(DomainError) as error:
            inspected(NONE_OF_OURS[name], declared)
        assert error.value.code == "attachment-type"


def test_a_file_that_is_something_else_than_it_is_called_is_refused() -> None:
    for content, media_type in PROPER.values():
        for declared in (*(set(MediaType) - {media_type}), "text/html", "", "application/pdfx"):
            with pytest.raises(DomainError) as error:
                inspected(content, declared)
            assert error.value.code == "attachment-type"


def _directory_changed(old: bytes, new: bytes) -> bytes:
    content = files.xlsx()
    directory = content.index(b"PK\x01\x02")
    return content[:directory] + content[directory:].replace(old, new, 1)


def _overlapping() -> bytes:
    """All entries are one and the same: small to send, large to unpack."""
    content = files.xlsx()
    directory = content.index(b"PK\x01\x02")
    entries = content[directory:].split(b"PK\x01\x02")
    return content[:directory] + b"PK\x01\x02".join(entry[:38] + bytes(4) + entry[42:] if entry else entry for entry in entries)


REFUSED = {
    "active_content": [
        files.pdf(b"/S /JavaScript /JS (app.alert(1))"),
        files.pdf(b"/S /J#61vaScript"),
        files.pdf(b"/S /Launch /F (cmd.exe)"),
        files.pdf(b"/EmbeddedFiles << >>"),
        files.xlsx({"xl/vbaProject.bin": b"macro"}),
        files.xlsx({"xl/embeddings/oleObject1.bin": b"ole"}),
        files.xlsx({"xl/externalLinks/externalLink1.xml": b"<x/>"}),
    ],
    "two_files_in_one": [
        files.pdf() + files.archive({"a.exe": b"MZ"}, comment=b"\n%%EOF\n"),
        files.pdf()[:-6] + files.archive({"a.class": random.Random(1).randbytes(70_000)}, comment=b"%%EOF"),
    ],
    "trailing_bytes": [
        files.png() + b"<script>",
        files.png() + files.archive({"a": b"b"}),
        files.jpeg() + b"<?php system($_GET['x']); ?>",
        files.jpeg() + files.archive({"a": b"b"}),
        files.jpeg() + files.pdf(),
    ],
    "not_a_workbook": [
        files.archive({"a.txt": b"x"}),
        files.archive({"META-INF/MANIFEST.MF": b"x", "A.class": b"\xca\xfe\xba\xbe"}),
        files.archive({files.CONTENT_TYPES: b"<Types/>", "word/document.xml": b"<w/>"}),
    ],
    "archive_bomb": [files.xlsx({"xl/worksheets/sheet2.xml": bytes(50 << 20)})],
    "encrypted": [_directory_changed(b"\x14\0\0\0\x08\0", b"\x14\0\x01\0\x08\0")],
    "broken": [
        files.pdf()[:-8],
        files.pdf() + b"more",
        files.png()[:-4],
        files.png()[:60],
        files.png().replace(b"IHDR", b"IHDX"),
        files.jpeg()[:-2],
        files.jpeg()[:40],
        files.jpeg().replace(b"\xff\xfe", b"\x00\xfe"),
        files.csv(500) + b"\0",
        files.csv(500) + b"\xff\xff,",
        files.xlsx()[:-1],
        files.xlsx() + b"\0",
        b"PK\x03\x04" + files.xlsx(),
        files.archive({files.CONTENT_TYPES: b"<Types/>", "xl/workbook.xml": b"<w/>"}, comment=b"hidden"),
        files.xlsx({"../evil": b"x"}),
        files.xlsx({"/etc/passwd": b"x"}),
        _directory_changed(b"_rels/.rels", b"_rels\\.rels"),
        _overlapping(),
    ],
}


@pytest.mark.parametrize(("reason", "number"), [(reason, n) for reason, some in REFUSED.items() for n in range(len(some))])
def test_files_that_are_not_what_they_should_be_are_refused(reason: str, number: int) -> None:
    for piece in (4099, 1 << 16):
        with pytest.raises(DomainError) as error:
            inspected(REFUSED[reason][number], piece=piece)
        assert (error.value.code, error.value.errors[0].code) == ("attachment-refused", reason)


@pytest.mark.parametrize("media_type", [MediaType.PDF, MediaType.PNG, MediaType.CSV])
def test_the_limit_of_a_kind_is_counted_while_it_arrives(media_type: MediaType) -> None:
    fillers = {
        MediaType.PDF: (files.pdf()[:40], b"x" * 100_000),
        MediaType.PNG: (files.png()[:33], files.png_chunk(b"tEXt", bytes(99_988))),
        MediaType.CSV: (files.csv(), b"a,b,c\r\n" * 12_500),
    }
    head, filler = fillers[media_type]
    inspection = Inspection(ANY, head)
    inspection.feed(head)
    for _ in range((KINDS[media_type].limit_bytes - len(head)) // len(filler)):
        inspection.feed(filler)
    with pytest.raises(DomainError) as error:
        inspection.feed(filler)
    assert error.value.code == "body-too-large"


@given(st.sampled_from(sorted(PROPER)), st.data())
@settings(deadline=None, max_examples=300)
def test_no_change_to_a_file_makes_the_examination_fail_otherwise(name: str, data: st.DataObject) -> None:
    """Whatever arrives is taken or refused with a problem; nothing else is raised, however it is cut."""
    content = bytearray(PROPER[name][0])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(content)), st.integers(1, len(content))))
    piece = data.draw(st.integers(1, 5000))
    code = ""
    try:
        inspected(bytes(content[:end]), piece=piece)
    except DomainError as error:
        code = error.code
    assert code in {"", "attachment-type", "attachment-refused"}

"""CSV: a rectangular table in UTF-8 or GB 18030 (what spreadsheets in Chinese offices write), and no program text."""

import codecs
import csv
import re

from services.chassis.attachments.refusals import broken

_DELIMITERS = ",;\t"
# Controls other than tab, line feed and carriage return. Multi-byte characters of both encodings hold none of these bytes.
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in {0x09, 0x0A, 0x0D})
_NO_TABLE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<|#!|%!|\{\\rtf|MZ)")
_ENCODINGS = ("utf-8", "gb18030")


class CsvExamination:
    """The head must be a table with two columns at least, all lines alike; the rest must be text of one encoding."""

    def __init__(self) -> None:
        self._decoders = [codecs.getincrementaldecoder(name)("strict") for name in _ENCODINGS]

    @staticmethod
    def can_begin(head: bytes) -> bool:
        """Whether a table can begin like this. Lines that the head cuts off are left out, unless it has only one."""
        if not head.strip() or _NO_TABLE.match(head) or head.translate(None, _CONTROLS) != head:
            return False
        for encoding in _ENCODINGS:
            try:
                text = codecs.getincrementaldecoder(encoding)("strict").decode(head)
            except UnicodeDecodeError:
                continue
            return any(_is_table(text.removeprefix("\ufeff"), delimiter) for delimiter in _DELIMITERS)
        return False

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises `DomainError`."""
        if data.translate(None, _CONTROLS) != data:
            raise broken("表格文本含控制字符", "the table holds control characters")
        self._decode(data, final=False)

    def finish(self) -> None:
        """There are no more. Raises `DomainError`."""
        self._decode(b"", final=True)

    def _decode(self, data: bytes, *, final: bool) -> None:
        possible = []
        for decoder in self._decoders:
            try:
                decoder.decode(data, final)
            except UnicodeDecodeError:
                continue
            possible.append(decoder)
        self._decoders = possible
        if not possible:
            raise broken("表格文本既不是 UTF-8 也不是 GB 18030", "the table is neither UTF-8 nor GB 18030")


def _is_table(text: str, delimiter: str) -> bool:
    lines = text.splitlines(keepends=True)
    try:
        records = [len(record) for record in csv.reader(lines, delimiter=delimiter) if record]
    except csv.Error:
        return False
    whole = records[:-1] if len(records) > 1 else records
    return bool(whole) and whole[0] >= 2 and len(set(whole)) == 1

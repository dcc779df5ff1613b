"""People nobody else resembles, and a search for anything of theirs in whatever a suite leaves behind.

Every value of theirs contains one of a few marks no ordinary data hold: two rare characters side by side in names, addresses,
notes and paper numbers, one birthplace and date in citizen numbers, one block of phone numbers. None of the marks is in what a
mask lets through, so looking for the marks, in every writing a computer has for them, looks for all values at once.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.journeys.suite import citizen_number

RARE = "䶮龘"
_BORN, _BIRTHPLACE, _PHONES = "19880229", "540124", "19905741"
MARKS = (RARE, _BIRTHPLACE + _BORN, _BIRTHPLACE + _BORN[2:], _PHONES)
"""The third is the number as it was before 1999, of 15 digits."""
_PHONE = re.compile(rb"(?<!\d)" + _PHONES.encode() + rb"\d{3}(?!\d)")


@dataclass(frozen=True, slots=True)
class Canary:
    """One of up to 1,000."""

    number: int

    @property
    def name(self) -> str:
        """A name like no other; masked it is 欧**."""
        return f"欧{RARE}{chr(0x4E00 + self.number)}"

    @property
    def citizen_number(self) -> str:
        """A citizen number nobody has."""
        return citizen_number(_BIRTHPLACE, _BORN, self.number)

    @property
    def phone(self) -> str:
        """A mobile number; masked it keeps three digits before and four behind."""
        return f"{_PHONES}{self.number:03d}"

    def registration(self) -> dict[str, Any]:
        """A registration body."""
        return {
            "name": self.name,
            "hukou_division_code": "330282",
            "phone": self.phone,
            "identity_documents": [{"type": "citizen_id", "number": self.citizen_number, "issuer": self.text("发证")}],
        }

    def residence(self, person_id: str) -> dict[str, Any]:
        """A residence registration body."""
        return {
            "person_id": person_id,
            "division_code": "330282107",
            "address": self.text("弄"),
            "residence_kind": "rented",
            "started_on": "2023-03-10",
            "reported_by": "self",
        }

    def paper(self) -> dict[str, str]:
        """Evidence with a number and a source of the person's own."""
        return {"type": "labour_contract", "document_number": self.text("合同"), "source": self.text("厂")}

    def text(self, what: str) -> str:
        """Any other text about the person."""
        return f"{RARE}{what}{self.number}"


def spellings(mark: str) -> dict[str, bytes]:
    """Every writing of `mark` that is looked for, by name; bytes that may begin anywhere in a file."""
    plain = mark.encode()
    found = {
        "utf-8": plain,
        "utf-16-le": mark.encode("utf-16-le"),
        "utf-16-be": mark.encode("utf-16-be"),
        "utf-32-le": mark.encode("utf-32-le"),
        "gb18030": mark.encode("gb18030"),
        "json": json.dumps(mark)[1:-1].encode(),
        "json, upper": re.sub(r"[a-f]", lambda found: found.group().upper(), json.dumps(mark)[1:-1]).encode(),
        "python": repr(plain)[2:-1].encode(),
        "hex": plain.hex().encode(),
        "hex, upper": plain.hex().upper().encode(),
        "percent": quote(mark, safe="").encode(),
        "percent, lower": quote(mark, safe="").lower().encode(),
        "html": "".join(f"&#{ord(character)};" for character in mark).encode(),
        "backwards": mark[::-1].encode(),
    }
    for shift in range(3):
        found[f"base64, {shift}"] = _in_base64(plain, shift)
        found[f"base64url, {shift}"] = _in_base64(plain, shift).replace(b"+", b"-").replace(b"/", b"_")
    return found


def _in_base64(plain: bytes, shift: int) -> bytes:
    """The characters that stand for `plain` alone when `shift` other bytes come before it and any behind."""
    coded = base64.b64encode(bytes(shift) + plain).rstrip(b"=")
    start = (shift * 8 + 5) // 6
    return coded[start : (shift + len(plain)) * 8 // 6]


_WANTED = {(mark, name): coded for mark in MARKS for name, coded in spellings(mark).items()}
_UNIQUE = {coded: key for key, coded in _WANTED.items()}


def search(content: bytes, where: str) -> Iterator[str]:
    """What of the canaries is in `content`, a line for each spelling found; compressed content is looked into."""
    for coded, (mark, name) in _UNIQUE.items():
        at = content.find(coded)
        if at >= 0 and not (mark == _PHONES and coded == mark.encode() and not _PHONE.search(content)):
            yield f"{where}: {mark} as {name} at byte {at}: …{content[max(0, at - 60) : at + 60]!r}…"
    for unpacked in _unpacked(content):
        yield from search(unpacked, f"{where} (unpacked)")


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Content that is gzip or zlib as a whole."""
    for magic, unpack in ((b"\x1f\x8b", gzip.decompress), (b"\x78", zlib.decompress)):
        if content.startswith(magic):
            try:
                yield unpack(content)
            except (OSError, EOFError, zlib.error):
                continue


def search_files(folders: Iterable[Path]) -> Iterator[str]:
    """What of the canaries is in the files below, and in their names."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            yield from search(str(path.relative_to(folder)).encode("utf-8", "surrogateescape"), f"the name {path.name}")
            if path.is_file() and not path.is_symlink():
                yield from search(path.read_bytes(), str(path))

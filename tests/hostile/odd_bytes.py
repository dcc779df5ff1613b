"""Seeded odd inputs: good ones bent in the ways that break parsers."""

import random
from collections.abc import Callable, Sequence

_PIECES = (
    *(bytes([number]) for number in range(256)),
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        b"\r\n",
        b"%00",
        b"%",
        b"%2",
        b"%ff",
        b"\\u0000",
    ),
    *(
        b"\\ud800",
        b"\\",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-0",
        b"0x10",
        b"1_0",
    ),
    *(
        b"9" * 400,
        b"-" + b"9" * 30,
        b"0.1",
        b"=",
        b"==",
        b"&",
        b"&&",
        b"+",
        b";",
        b"W/",
        b"*",
        b"..",
        b"./",
        b"//",
        b"\xe2\x80\xae",
        b"\xc2\xad",
    ),
    *(
        "１９".encode(),
        "१२".encode(),
        "李".encode(),
        "𠮷".encode(),
        "·".encode(),
        "é".encode(),
        "ﬁ".encode(),
        "İ".encode(),
        "ß".encode(),
    ),
    *(b"00000000-0000-0000-0000-000000000000", b"2026-02-30", b"0000-00-00", b"9999-12-31", b"2026-01-01T00:00:00Z", b"+08:00"),
)
Bend = Callable[[bytes, random.Random], bytes]


def _insert(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(_PIECES) + content[at:]


def _cut(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + content[at + rng.randint(1, 12) :]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    at, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:at] + content[at:end] * rng.choice([2, 3, 17, 200]) + content[end:]


def _flip(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _replace(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(_PIECES) + content[at + rng.randint(1, 4) :]


def _nest(content: bytes, rng: random.Random) -> bytes:
    depth = rng.choice([3, 31, 32, 33, 600, 4000])
    return rng.choice([b"[" * depth + content + b"]" * depth, b'{"a":' * depth + content + b"}" * depth, b"[" * depth])


def _scramble(content: bytes, rng: random.Random) -> bytes:
    return b"".join(rng.choice(_PIECES) for _ in range(rng.randint(1, 60))) or content


_BENDS: tuple[Bend, ...] = (_insert, _insert, _cut, _repeat, _flip, _flip, _replace, _replace, _nest, _scramble)


def odd(good: Sequence[bytes], rng: random.Random, *, longest: int = 64 << 10) -> bytes:
    """One of the good inputs after one to five bends."""
    content = rng.choice(good)
    for _ in range(rng.randint(1, 5)):
        content = rng.choice(_BENDS)(content, rng)[:longest]
    return content

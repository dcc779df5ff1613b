"""Seeded mutations of a good token: what a bit, an alphabet, a header or a claim can be changed into. Each is one function."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey

from services.chassis.ids import new_id
from tests.gateway.signing import encoded

Resign = Callable[[dict[str, Any], dict[str, Any]], str]
ODD_TEXTS = ("", " ", "\x00", "ａ", "१२३", "\u202e", "x" * 5000, "none", "../../etc/passwd", "' OR 1=1 --", "null")
ODD_NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    1 << 31,
    1 << 62,
    10**300,
    -(10**18),
    1e308,
    0.5,
    True,
    "1",
    "१७००००००००",
    [1],
    {},
    None,
)
ODD_ALGORITHMS = ("none", "nOnE", "HS256", "HS512", "RS256", "ES384", "EdDSA", "es256", "ES256 ", "", None, 7, ["ES256"])
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_INSERTED = (" ", "\n", "\r\n", "\t", "=", "==", ".", "%3D", "\x00", "A", "\u200b")


@dataclass(frozen=True, slots=True)
class Good:
    """A good token and the public half of the key that signed it."""

    token: str
    key: ECKey

    @property
    def parts(self) -> list[str]:
        """Header, payload, signature."""
        return self.token.split(".")

    @property
    def header(self) -> dict[str, Any]:
        """The header, decoded."""
        return content_of(self.parts[0])

    @property
    def claims(self) -> dict[str, Any]:
        """The claims, decoded."""
        return content_of(self.parts[1])


def content_of(part: str) -> dict[str, Any]:
    """One decoded JSON part of a token."""
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return content


def mutated(good: Good, seed: int) -> Iterator[tuple[str, str]]:
    """Endless mutations of `good`: the name of the kind and the token. None is signed by the real key."""
    rng = random.Random(seed)
    kinds = tuple(MUTATIONS.items())
    while True:
        name, mutate = rng.choice(kinds)
        token = mutate(good, rng)
        if token != good.token:
            yield name, token


def _flip_a_bit(good: Good, rng: random.Random) -> str:
    parts = good.parts
    number = rng.randrange(3)
    content = bytearray(base64.urlsafe_b64decode(parts[number] + "=="))
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    parts[number] = encoded(bytes(content))
    return ".".join(parts)


def _change_a_character(good: Good, rng: random.Random) -> str:
    at = rng.randrange(len(good.token))
    return good.token[:at] + rng.choice("ABCXYZabcxyz0189-_+/=. \t\n\r%é\x00ａ") + good.token[at + 1 :]


def _insert(good: Good, rng: random.Random) -> str:
    at = rng.randrange(len(good.token) + 1)
    return good.token[:at] + rng.choice(_INSERTED) + good.token[at:]


def _cut(good: Good, rng: random.Random) -> str:
    start = rng.randrange(len(good.token))
    return good.token[:start] + good.token[start + rng.randint(1, 40) :]


def _rearrange(good: Good, rng: random.Random) -> str:
    parts = good.parts
    rng.shuffle(parts)
    return ".".join(rng.choice([parts, parts[:2], parts[:1], [*parts, ""], [*parts, parts[0]], ["", *parts], parts * 2]))


def _another_alphabet(good: Good, rng: random.Random) -> str:
    """Padding, the other alphabet, or unused bits of the last character: one value in a second spelling."""
    parts = good.parts
    number = rng.randrange(3)
    raw = base64.urlsafe_b64decode(parts[number] + "==")
    padded = base64.urlsafe_b64encode(raw).decode()
    spellings = [padded, padded + "=", base64.b64encode(raw).decode(), raw.hex(), padded.replace("-", "%2D")]
    parts[number] = rng.choice([*spellings, parts[number][:-1] + rng.choice(_ALPHABET)])
    return ".".join(parts)


def _header(good: Good, rng: random.Random) -> str:
    """Another header over the same signature."""
    header = good.header
    edits: list[dict[str, Any]] = [
        {"alg": rng.choice(ODD_ALGORITHMS)},
        {"typ": rng.choice(["JWT", "at+JWT", "", None, "application/at+jwt", 1, ["at+jwt"]])},
        {"kid": rng.choice([*ODD_TEXTS, None, 1, [], {}])},
        {"jku": "http://127.0.0.1/keys"},
        {"jwk": good.key.as_dict(private=False)},
        {"x5u": "http://127.0.0.1/c"},
        {"crit": rng.choice([[], ["b64"], ["exp"], "b64"]), "b64": rng.choice([True, False])},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {rng.choice(ODD_TEXTS): rng.choice(ODD_NUMBERS)},
    ]
    return ".".join([encoded(header | rng.choice(edits)), *good.parts[1:]])


def _claims(good: Good, rng: random.Random) -> str:
    """Other claims over the same signature."""
    claims = good.claims
    name = rng.choice([*claims, "scope", "scp", "sub", "aud", "exp", "nbf", "admin"])
    claims[name] = rng.choice([*ODD_TEXTS, *ODD_NUMBERS, str(new_id())])
    return ".".join([good.parts[0], encoded(claims), good.parts[2]])


def _repeated_members(good: Good, rng: random.Random) -> str:
    """A member twice, so that two parsers may read two tokens."""
    number = rng.randrange(2)
    content = (good.header, good.claims)[number]
    name = rng.choice(list(content))
    twice = json.dumps(content)[:-1] + f", {json.dumps(name)}: {json.dumps(rng.choice(ODD_NUMBERS))}}}"
    parts = good.parts
    parts[number] = encoded(twice.encode())
    return ".".join(parts)


def _other_json(good: Good, rng: random.Random) -> str:
    """What is no object, hardly JSON, or nested until a parser gives up."""
    depth = rng.choice([10, 900, 1100, 2900])
    nested = [b"[" * depth, b'{"a":' * (depth // 3)]
    broken = [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"NaN", b"1e999", "{}".encode("utf-16")]
    large = [b"\xef\xbb\xbf" + json.dumps(good.header).encode(), b'{"alg": "ES256", "exp": ' + b"9" * 4000 + b"}"]
    odd = nested + broken + large
    parts = good.parts
    parts[rng.randrange(2)] = encoded(rng.choice(odd))
    return ".".join(parts)


def _signed_by_nobody(good: Good, rng: random.Random) -> str:
    """Signatures that are none, or famous: zeros, ones, another length, DER."""
    signatures = [b"", bytes(64), b"\xff" * 64, bytes(63) + b"\x01", bytes(65), bytes(96)]
    signatures += [rng.randbytes(64), b"0" + rng.randbytes(70)]
    header = rng.choice([good.header, good.header | {"alg": rng.choice(ODD_ALGORITHMS)}])
    return ".".join([encoded(header), good.parts[1], encoded(rng.choice(signatures))])


def _signed_with_the_public_key(good: Good, rng: random.Random) -> str:
    """The public key as the secret of an HMAC, in each of the forms a library might take for one."""
    secret = rng.choice(
        [
            good.key.as_pem(private=False),
            good.key.as_der(private=False),
            json.dumps(good.key.as_dict(private=False)).encode(),
            str(good.header["kid"]).encode(),
            b"",
        ]
    )
    name = rng.choice(["HS256", "HS384", "HS512", "ES256"])
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(name, hashlib.sha256)
    head = f"{encoded(good.header | {'alg': name})}.{good.parts[1]}"
    return f"{head}.{encoded(hmac.new(secret, head.encode(), digest).digest())}"


MUTATIONS: dict[str, Callable[[Good, random.Random], str]] = {
    "bit": _flip_a_bit,
    "character": _change_a_character,
    "inserted": _insert,
    "cut": _cut,
    "rearranged": _rearrange,
    "alphabet": _another_alphabet,
    "header": _header,
    "claims": _claims,
    "repeated": _repeated_members,
    "other JSON": _other_json,
    "no signature": _signed_by_nobody,
    "algorithm confused": _signed_with_the_public_key,
}

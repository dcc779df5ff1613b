"""A sealed file opens whole and unchanged, in its own place, or not at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.attachments.cipher import CHUNK_BYTES, DamagedFileError, FileOpener, FileSealer, sealed_length
from services.chassis.sealing import Suite, new_key

AES = Suite.AES_256_GCM
KEY = new_key(AES)
BINDING = bytes(range(16))
WHOLE = CHUNK_BYTES + 16
LENGTHS = [1, 2, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 17]


def content_of(length: int) -> bytes:
    return (b"0123456789abcdef" * (length // 16 + 1))[:length]


def sealed(content: bytes, piece: int = 100_003, key: bytes = KEY, binding: bytes = BINDING, suite: Suite = AES) -> bytes:
    sealer = FileSealer(suite, key, binding)
    parts = [sealer.update(content[start : start + piece]) for start in range(0, len(content), piece)]
    return b"".join([*parts, sealer.finish()])


def opened(ciphertext: bytes, piece: int = 100_003, key: bytes = KEY, binding: bytes = BINDING, suite: Suite = AES) -> bytes:
    opener = FileOpener(suite, key, binding)
    parts = [opener.update(ciphertext[start : start + piece]) for start in range(0, len(ciphertext), piece)]
    return b"".join([*parts, opener.finish()])


def chunks(ciphertext: bytes) -> list[bytes]:
    """The chunks without the version byte."""
    return [ciphertext[start : start + WHOLE] for start in range(1, len(ciphertext), WHOLE)]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("piece", [4093, CHUNK_BYTES, WHOLE, 1 << 20])
def test_what_was_sealed_opens(length: int, piece: int) -> None:
    content = content_of(length)
    ciphertext = sealed(content, piece)
    assert len(ciphertext) == sealed_length(length)
    assert length < 16 or content[:16] not in ciphertext  # a byte or two may be in any ciphertext by chance
    assert opened(ciphertext, piece) == content


def test_sm4_is_taken_as_well_and_neither_for_the_other() -> None:
    key = new_key(Suite.SM4_GCM)
    content = content_of(2 * CHUNK_BYTES + 5)
    ciphertext = sealed(content, key=key, suite=Suite.SM4_GCM)
    assert opened(ciphertext, key=key, suite=Suite.SM4_GCM) == content
    with pytest.raises(DamagedFileError):
        opened(ciphertext)
    with pytest.raises(DamagedFileError):
        opened(bytes((AES,)) + ciphertext[1:], key=key, suite=Suite.SM4_GCM)


def refuse(ciphertext: bytes, **place: bytes) -> None:
    with pytest.raises(DamagedFileError):
        opened(ciphertext, **place)  # type: ignore[arg-type]


@given(st.sampled_from(LENGTHS), st.data())
@settings(deadline=None, max_examples=150)
def test_every_flipped_bit_is_noticed(length: int, data: st.DataObject) -> None:
    ciphertext = bytearray(sealed(content_of(length)))
    place = data.draw(st.integers(0, len(ciphertext) - 1))
    ciphertext[place] ^= 1 << data.draw(st.integers(0, 7))
    refuse(bytes(ciphertext))


@given(st.sampled_from(LENGTHS), st.data())
@settings(deadline=None, max_examples=150)
def test_every_cut_is_noticed(length: int, data: st.DataObject) -> None:
    ciphertext = sealed(content_of(length))
    borders = [1 + WHOLE * number for number in range(len(chunks(ciphertext)))]
    refuse(ciphertext[: data.draw(st.one_of(st.sampled_from(borders), st.integers(0, len(ciphertext) - 1)))])


@given(st.permutations(range(4)), st.sampled_from([3 * CHUNK_BYTES + 17, 4 * CHUNK_BYTES]))
@settings(deadline=None)
def test_every_other_order_is_noticed(order: list[int], length: int) -> None:
    ciphertext = sealed(content_of(length))
    parts = chunks(ciphertext)
    moved = ciphertext[:1] + b"".join(parts[number] for number in order)
    if order == sorted(order):
        assert opened(moved) == content_of(length)
    else:
        refuse(moved)


def test_chunks_dropped_repeated_appended_or_of_another_file_are_noticed() -> None:
    ciphertext = sealed(content_of(3 * CHUNK_BYTES))
    first, second, third = chunks(ciphertext)
    head = ciphertext[:1]
    other = chunks(sealed(content_of(3 * CHUNK_BYTES), binding=bytes(16)))
    strange = chunks(sealed(content_of(3 * CHUNK_BYTES), key=new_key(AES)))
    for parts in (
        [second, third],
        [first, third],
        [first, first, third],
        [first, second, third, third],
        [first, second],
        [first, other[1], third],
        [first, strange[1], third],
        [],
    ):
        refuse(head + b"".join(parts))
    refuse(ciphertext + b"\0")
    refuse(ciphertext, binding=bytes(16))
    refuse(ciphertext, key=new_key(AES))
    refuse(b"")
    refuse(b"\x02" + ciphertext[1:])


def test_a_cipher_without_the_last_flag_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: nonces that do not say which chunk is the last. The test of cuts must turn red."""
    monkeypatch.setattr(
        "services.chassis.attachments.cipher._Chunks._nonce", lambda self, *, last: bytes(4) + id(type(self)).to_bytes(8)
    )
    whole = sealed(content_of(2 * CHUNK_BYTES))
    assert opened(whole[: 1 + WHOLE]) == content_of(CHUNK_BYTES)

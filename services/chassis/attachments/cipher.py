"""A file's encryption: chunks of 64 KiB, each bound to the file, to its place and to being the last one or not.

So a file that was cut off, lengthened, or whose chunks were changed, moved or exchanged with another file's does not open.
The key serves one file and is never used again, therefore a counter is a safe nonce.

    one byte, the suite | chunk 0 | chunk 1 | … | last chunk        each: ciphertext (1 to 65,536 bytes) + tag (16 bytes)
    nonce = number of the chunk (11 bytes, big endian) + 1 for the last chunk, 0 for the others
    associated data = suite + binding (the attachment's id)
"""

from cryptography.exceptions import InvalidTag

from services.chassis.sealing import Suite, aead

CHUNK_BYTES = 64 << 10
_TAG_BYTES = 16


class DamagedFileError(Exception):
    """The ciphertext is not what was written, or not all of it."""


def sealed_length(length: int) -> int:
    """Bytes that `length` bytes of plaintext take when sealed."""
    return 1 + length + _TAG_BYTES * max(1, -(-length // CHUNK_BYTES))


class FileSealer:
    """Encrypts one file as it comes in."""

    def __init__(self, suite: Suite, key: bytes, binding: bytes) -> None:
        self._cipher = _Chunks(suite, key, binding)
        self._waiting = bytearray()
        self._head = bytes((suite,))

    def update(self, plaintext: bytes) -> bytes:
        """Ciphertext that is ready; one chunk at least is held back, because it may be the last."""
        self._waiting += plaintext
        parts = [self._head]
        self._head = b""
        while len(self._waiting) > CHUNK_BYTES:
            parts.append(self._cipher.seal(bytes(self._waiting[:CHUNK_BYTES]), last=False))
            del self._waiting[:CHUNK_BYTES]
        return b"".join(parts)

    def finish(self) -> bytes:
        """The rest."""
        return self._head + self._cipher.seal(bytes(self._waiting), last=True)


class FileOpener:
    """Decrypts one file as it comes from the store; what it returns has been authenticated."""

    def __init__(self, suite: Suite, key: bytes, binding: bytes) -> None:
        self._cipher = _Chunks(suite, key, binding)
        self._waiting = bytearray()
        self._head = bytes((suite,))

    def update(self, sealed: bytes) -> bytes:
        """Plaintext of whole chunks that are followed by others. Raises `DamagedFileError`."""
        self._waiting += sealed
        if self._head and self._waiting:
            if self._waiting[:1] != self._head:
                raise DamagedFileError("another suite")
            del self._waiting[:1]
            self._head = b""
        parts = []
        whole = CHUNK_BYTES + _TAG_BYTES
        while len(self._waiting) > whole:
            parts.append(self._cipher.open(bytes(self._waiting[:whole]), last=False))
            del self._waiting[:whole]
        return b"".join(parts)

    def finish(self) -> bytes:
        """The last chunk. Raises `DamagedFileError` when what came last was not written as the last."""
        return self._cipher.open(bytes(self._waiting), last=True)


class _Chunks:
    """Seals or opens the chunks of one file in order."""

    def __init__(self, suite: Suite, key: bytes, binding: bytes) -> None:
        self._cipher = aead(suite, key)
        self._associated = bytes((suite,)) + binding
        self._number = 0

    def seal(self, plaintext: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), plaintext, self._associated)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(last=last), sealed, self._associated)
        except (InvalidTag, ValueError):
            raise DamagedFileError(f"chunk {self._number - 1} does not open in its place") from None

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._number.to_bytes(11) + bytes((last,))
        self._number += 1
        return nonce

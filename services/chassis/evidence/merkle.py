"""Merkle tree hashing of RFC 9162 §2.1 (the same as RFC 6962): SHA-256, leaves and nodes told apart by a first byte.

A tree that only grows needs no more than the roots of its complete subtrees, one per set bit of its size. Two trees that grew
one from the other are consistent; here that is shown by growing the first and comparing.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

DIGEST_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """Hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree, kept as the roots of its complete subtrees, largest first."""

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        if len(subtrees) != size.bit_count() or any(len(one) != DIGEST_BYTES for one in subtrees):
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")
        self.size = size
        self._subtrees = list(subtrees)

    def append(self, leaf: bytes) -> None:
        """Add one leaf, given by its hash."""
        subtrees, size = self._subtrees, self.size
        while size & 1:
            leaf = node_hash(subtrees.pop(), leaf)
            size >>= 1
        subtrees.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._subtrees:
            return EMPTY_ROOT
        root = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> "Tree":
        """A tree that grows on its own from here."""
        return Tree(self.size, self._subtrees)

    def packed(self) -> bytes:
        """The subtrees as bytes, from which `unpacked` makes the tree again."""
        return b"".join(self._subtrees)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> "Tree":
        """The tree of `size` leaves whose subtrees are `packed`; raises `ValueError` when they do not fit."""
        if size < 0 or len(packed) % DIGEST_BYTES:
            raise ValueError("subtrees are hashes of 32 bytes")
        return cls(size, [packed[start : start + DIGEST_BYTES] for start in range(0, len(packed), DIGEST_BYTES)])


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What proves that a leaf is in the tree of these leaf hashes (RFC 9162 §2.1.3.1): the hashes beside its way to the root,
    lowest first. Raises IndexError.
    """
    if not 0 <= index < len(leaves):
        raise IndexError("no such leaf")
    path: list[bytes] = []
    start, end = 0, len(leaves)
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            path.append(root_of(leaves[middle:end]))
            end = middle
        else:
            path.append(root_of(leaves[start:middle]))
            start = middle
    return path[::-1]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of the tree of `size` leaves in which this leaf hash stands at `index` with that path (RFC 9162 §2.1.3.2);
    `None` when no such tree has such a path.
    """
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = node_hash(beside, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, beside)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree of these leaf hashes."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()

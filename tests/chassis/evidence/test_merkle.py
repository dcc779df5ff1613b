"""The tree against the reference values of Certificate Transparency and against a definition written out."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.evidence.merkle import EMPTY_ROOT, Tree, inclusion_path, leaf_hash, node_hash, root_by_path, root_of

# Inputs and roots of the reference implementation (RFC 6962, whose hashing RFC 9162 keeps).
LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "60616263646566676869")
]
LEAVES[7] = bytes(range(0x60, 0x70))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(defined_root(leaves[:split]), defined_root(leaves[split:]))


def test_roots_of_the_reference() -> None:
    assert Tree().root() == EMPTY_ROOT == sha256(b"").digest()
    tree = Tree()
    for content, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf_hash(content))
        assert tree.root().hex() == root


def test_a_leaf_is_never_a_node() -> None:
    assert leaf_hash(b"ab") == sha256(b"\x00ab").digest()
    assert node_hash(b"a", b"b") == sha256(b"\x01ab").digest()


@given(st.lists(st.binary(max_size=8), max_size=70), st.integers(0, 70))
def test_a_tree_grows_as_defined_also_after_a_rest(leaves: list[bytes], rest_at: int) -> None:
    tree = Tree()
    for number, content in enumerate(leaves):
        if number == rest_at:
            tree = Tree.unpacked(tree.size, tree.packed())
        tree.append(leaf_hash(content))
        assert tree.root() == defined_root(leaves[: number + 1])
    assert tree.size == len(leaves)


def test_a_copy_grows_alone() -> None:
    tree = Tree()
    tree.append(leaf_hash(b"1"))
    other = tree.copy()
    other.append(leaf_hash(b"2"))
    assert (tree.size, other.size) == (1, 2)
    assert tree.root() == leaf_hash(b"1")


@pytest.mark.parametrize(("size", "packed"), [(1, b""), (3, bytes(32)), (0, bytes(32)), (1, bytes(31)), (-1, b"")])
def test_subtrees_that_do_not_fit_the_size_are_refused(size: int, packed: bytes) -> None:
    with pytest.raises(ValueError, match="subtrees"):
        Tree.unpacked(size, packed)


@given(size=st.integers(1, 70), data=st.data())
def test_a_path_leads_a_leaf_to_the_root_and_no_other(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    root = root_of(leaves)
    assert root_by_path(leaves[index], index, size, path) == root
    assert len(path) <= (size - 1).bit_length()
    other = data.draw(st.integers(0, size - 1).filter(lambda each: size == 1 or each != index))
    if size > 1:
        assert root_by_path(leaves[index], other, size, path) != root
        assert root_by_path(leaves[index], index, size, path[:-1]) != root
    assert root_by_path(leaves[index], index, size, [*path, root]) is None
    assert root_by_path(leaves[index], size, size, path) is None
    assert root_by_path(leaf_hash(b"another"), index, size, path) != root


def test_there_is_no_path_of_a_leaf_that_is_not_there() -> None:
    with pytest.raises(IndexError):
        inclusion_path([leaf_hash(b"")], 1)

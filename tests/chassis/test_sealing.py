"""Both suites against published vectors, and a sealed value that opens nowhere but in its place."""

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash

from services.chassis.key_file import Digest, KeyFileError, KeySet, make_key, make_key_file, parse, read_secret
from services.chassis.keyring import Keyring, derive
from services.chassis.sealing import Key, KeyKind, Suite, UnknownKeyError, aead, head_of, new_key

# NIST gcmEncryptExtIV256 (Keylen 256, IVlen 96), case 16 of the GCM specification, RFC 8998 A.1. The tag is at the end.
VECTORS = [
    (
        Suite.AES_256_GCM,
        "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
        "516c33929df5a3284ff463d7",
        "",
        "",
        "bdc1ac884d332457a1d2664f168c76f0",
    ),
    (
        Suite.AES_256_GCM,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        (
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ),
        (
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ),
    (
        Suite.SM4_GCM,
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        (
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
            "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
        ),
        (
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
            "83de3541e4c2b58177e065a9bf7b62ec"
        ),
    ),
]


@pytest.mark.parametrize(("suite", "key", "nonce", "associated", "plain", "sealed"), VECTORS)
def test_the_published_vectors(suite: Suite, key: str, nonce: str, associated: str, plain: str, sealed: str) -> None:
    cipher = aead(suite, bytes.fromhex(key))
    given = bytes.fromhex(nonce), bytes.fromhex(plain), bytes.fromhex(associated)
    assert cipher.encrypt(*given).hex() == sealed
    assert cipher.decrypt(given[0], bytes.fromhex(sealed), given[2]) == given[1]


def test_the_standards_own_examples() -> None:
    """privacy.md §8: GB/T 32905 and GB/T 32907."""
    sm3 = Hash(SM3())
    sm3.update(b"abc")
    assert sm3.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(algorithms.SM4(block), modes.ECB()).encryptor()
    assert (encryptor.update(block) + encryptor.finalize()).hex() == "681edf34d206965e86b3e94f536e4246"


@pytest.mark.parametrize("suite", Suite)
def test_a_value_opens_in_its_place_and_nowhere_else(suite: Suite) -> None:
    key = Key(KeyKind.SERVICE, suite, b"k1", new_key(suite))
    sealed = key.seal("王小明".encode(), "person|sealed|1")
    assert key.open(sealed, "person|sealed|1").decode() == "王小明"
    assert key.seal(b"same", "x") != key.seal(b"same", "x")
    with pytest.raises(ValueError, match="does not open"):
        key.open(sealed, "person|sealed|2")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r"does not open|another key"):
            key.open(bytes(changed), "person|sealed|1")
    for length in range(len(sealed)):
        with pytest.raises(ValueError, match=r"does not open|another key"):
            key.open(sealed[:length], "person|sealed|1")


def test_a_key_of_one_kind_or_suite_does_not_pass_for_another() -> None:
    material = os.urandom(32)
    service = Key(KeyKind.SERVICE, Suite.AES_256_GCM, b"k1", material)
    person = Key(KeyKind.PERSON, Suite.AES_256_GCM, b"k1", material)
    with pytest.raises(UnknownKeyError):
        person.open(service.seal(b"x", "c"), "c")
    disguised = person.head + service.seal(b"x", "c")[len(service.head) :]
    with pytest.raises(ValueError, match="does not open"):
        person.open(disguised, "c")
    with pytest.raises(ValueError, match="has 16 bytes"):
        aead(Suite.SM4_GCM, material)
    for nonsense in (b"", b"\x01", b"\x07\x02k1", b"\x01\x09k1"):
        with pytest.raises(ValueError, match="unknown suite"):
            head_of(nonsense)


@pytest.mark.parametrize("suite", Suite)
def test_a_keyring_opens_whatever_the_suite_of_the_key(suite: Suite) -> None:
    content = make_key_file()
    keyring, other = Keyring(content, suite), Keyring(content, Suite.AES_256_GCM)
    with pytest.raises(RuntimeError, match="no data key"):
        keyring.seal(b"x", "c")
    material = new_key(suite)
    wrapped = keyring.wrap(material, "data_key|a")
    assert other.unwrap(wrapped, "data_key|a") == material
    keyring.use_data_keys([("a", suite, material)], "a")
    sealed = keyring.seal(b"x", "c")
    assert sealed[0] == suite
    with pytest.raises(UnknownKeyError):
        other.open(sealed, "c")
    other.use_data_keys([("a", suite, material), ("b", Suite.AES_256_GCM, new_key(Suite.AES_256_GCM))], "b")
    assert other.open(sealed, "c") == b"x"
    assert other.seal(b"x", "c")[2:3] == b"b"


def test_digests_are_of_the_suite_the_index_was_begun_with() -> None:
    content = json.loads(make_key_file())
    secret = content["index"]["key"]
    sm3 = Keyring(json.dumps(content | {"index": {"digest": "hmac-sm3", "key": secret}}))
    sha256 = Keyring(json.dumps(content))
    first_form = Keyring(json.dumps(content | {"index": secret}))
    assert sha256.blind_index("c", "v") == first_form.blind_index("c", "v") != sm3.blind_index("c", "v")
    assert sha256.fingerprint(b"a", b"bc") != sha256.fingerprint(b"ab", b"c")
    assert {len(keyring.blind_index("c", "v")) for keyring in (sha256, sm3)} == {32}
    assert len({keyring.fingerprint(b"a") for keyring in (sha256, sm3)}) == 2
    assert sm3.blind_index("c", "v") != sm3.blind_index("d", "v")
    assert Digest.HMAC_SM3 in make_key_file(digest=Digest.HMAC_SM3)


def test_hmac_sm3_is_hmac_over_sm3() -> None:
    """RFC 2104 by hand, with the hash of the standard library where it has it."""
    keyring = Keyring(make_key_file(digest=Digest.HMAC_SM3))
    if "sm3" not in hashlib.algorithms_available:
        pytest.fail("the OpenSSL of this Python has no SM3: nothing to compare with")
    key = derive(keyring._index, "index|c", Suite.SM4_GCM, 32).ljust(64, b"\0")
    inner = hashlib.new("sm3", bytes(byte ^ 0x36 for byte in key) + b"v").digest()
    assert keyring.blind_index("c", "v") == hashlib.new("sm3", bytes(byte ^ 0x5C for byte in key) + inner).digest()


def test_digests_under_one_key_do_not_know_of_each_other() -> None:
    """The key's half of a digest is computed once; what was asked before must not show in what is asked next."""
    keyring = Keyring(make_key_file(KeySet(current="t1", keys={"t1": make_key(), "t0": make_key()})))
    key = derive(keyring._index, "index|c", Suite.AES_256_GCM)
    for value in ("v", "", "w" * 200, "v"):
        assert keyring.blind_index("c", value) == hmac.digest(key, value.encode(), "sha256")
    assert keyring.document_tokens("passport", "E1") == keyring.document_tokens("passport", "E1")
    assert list(keyring.document_tokens("passport", "E1")) == ["t1", "t0"]


def test_a_file_of_the_first_form_wraps_keys_and_opens_what_it_sealed() -> None:
    secret = make_key()
    content = {"data": {"current": "k1", "keys": {"k1": secret}}, "index": make_key(), "cursor": make_key()}
    keyring = Keyring(json.dumps(content))
    once = Key(KeyKind.SERVICE, Suite.AES_256_GCM, b"k1", base64.b64decode(secret))
    assert keyring.open(once.seal(b"x", "c"), "c") == b"x"
    renewed = parse(json.dumps(content)).with_new_kek("e2")
    again = Keyring(renewed.model_dump_json())
    assert (again.kek_id, keyring.kek_id) == ("e2", "k1")
    assert again.unwrap(keyring.wrap(b"key", "p"), "p") == b"key"
    assert again.open(once.seal(b"x", "c"), "c") == b"x"


def test_a_key_file_within_reach_of_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    path = folder / "service.json"
    path.touch(mode=0o600)
    path.write_text(make_key_file())
    read_secret(path)
    for mode in (0o640, 0o604, 0o620, 0o602):
        path.chmod(mode)
        with pytest.raises(KeyFileError, match=r"open to others .*chmod 600"):
            Keyring.load(path)
    path.chmod(0o400)
    Keyring.load(path)
    for mode in (0o770, 0o707):
        folder.chmod(mode)
        with pytest.raises(KeyFileError, match="others may replace"):
            Keyring.load(path)
    folder.chmod(0o1777)  # where only owners replace their files
    Keyring.load(path)
    folder.chmod(0o755)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    Keyring.load(link)
    with pytest.raises(KeyFileError, match="No such file"):
        Keyring.load(folder / "absent.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to another account")
def test_a_key_file_of_another_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "service.json"
    path.touch(mode=0o600)
    path.write_text(make_key_file())
    os.chown(path, 65534, 65534)
    with pytest.raises(KeyFileError, match="belongs to account 65534"):
        Keyring.load(path)


@pytest.mark.parametrize(
    "broken",
    [
        {"kek": {"current": "e9", "keys": {"e1": make_key()}}},
        {"kek": {"current": "e1", "keys": {"e1": "dG9vIHNob3J0"}}},
        {"kek": None},
        {"index": {"digest": "md5", "key": make_key()}},
        {"cursor": "not base64"},
        {"more": 1},
    ],
)
def test_a_malformed_key_file_is_refused_without_being_quoted(broken: dict[str, object]) -> None:
    content = json.loads(make_key_file()) | broken
    with pytest.raises(KeyFileError, match="malformed") as caught:
        parse(json.dumps(content))
    assert caught.value.__cause__ is None
    assert "dG9v" not in str(caught.value)

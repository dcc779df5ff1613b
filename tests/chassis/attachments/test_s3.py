"""The S3 store against a real S3-compatible server (moto's, which checks every signature), and against one that misbehaves."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import boto3  # type: ignore[import-untyped]
import pytest
from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials as BotocoreCredentials  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from services.chassis.attachments import s3
from services.chassis.attachments.s3 import S3Store
from services.chassis.attachments.signature import Credentials, signed_headers
from services.chassis.attachments.store import MissingFileError, SealedFile, Store, StoreError, StoreFullError

ROOT = Credentials("root", "root-secret", "cn-east-1")


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """Address of a running S3-compatible server with the bucket `xinshimin`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = client_of(url, "s3")
    client.create_bucket(Bucket="xinshimin")
    client.close()
    try:
        yield url
    finally:
        server.stop()


def client_of(url: str, service: str) -> Any:
    """The reference client."""
    return boto3.client(
        service, endpoint_url=url, aws_access_key_id="root", aws_secret_access_key="root-secret", region_name="us-east-1"
    )


def as_others_see_it(url: str, name: str) -> bytes:
    """An object, got by the reference client."""
    client = client_of(url, "s3")
    with client.get_object(Bucket="xinshimin", Key=name)["Body"] as body:
        content: bytes = body.read()
    client.close()
    return content


def spooled(folder: Path, content: bytes) -> SealedFile:
    path = folder / f"{os.urandom(8).hex()}.incoming"
    path.write_bytes(content)
    return SealedFile(path, hashlib.sha256(content).digest(), len(content))


async def whole(store: Store, address: bytes) -> bytes:
    return b"".join([part async for part in store.get(address)])


@asynccontextmanager
async def opened(url: str, credentials: Credentials = ROOT) -> AsyncIterator[S3Store]:
    store = S3Store(url, credentials)
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.parametrize("prefix", ["", "/suite/registry"])
async def test_files_are_put_got_and_deleted(object_store: str, tmp_path: Path, prefix: str) -> None:
    async with opened(f"{object_store}/xinshimin{prefix}") as store:
        for content in (b"x", os.urandom(3 << 20)):
            file = spooled(tmp_path, content)
            await store.put(file)
            assert not file.path.exists()
            assert await whole(store, file.address) == content
            name = file.address.hex()
            assert as_others_see_it(object_store, f"{prefix}/{name[:2]}/{name[2:4]}/{name}".removeprefix("/")) == content
            await store.delete(file.address)
            await store.delete(file.address)
            with pytest.raises(MissingFileError):
                await whole(store, file.address)


async def test_a_bucket_that_is_not_there_is_an_error(object_store: str, tmp_path: Path) -> None:
    async with opened(f"{object_store}/elsewhere") as store:
        with pytest.raises(StoreError):
            await store.put(spooled(tmp_path, b"x"))


@given(
    st.sampled_from(["GET", "PUT", "DELETE"]),
    st.from_regex(r"[a-z][a-z0-9.-]{1,30}(:[1-9][0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"(/[A-Za-z0-9._-]{1,20}){1,4}", fullmatch=True),
    st.binary(max_size=50),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - UTC is added
    st.text("abcdefghijklmnopqrstuvwxyzABC0123456789+/", min_size=1, max_size=40),
)
def test_signatures_are_those_of_the_reference_client(
    method: str, host: str, path: str, body: bytes, at: datetime, secret: str
) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    digest = hashlib.sha256(body).hexdigest()
    ours = signed_headers(Credentials("key", secret, "cn-north-1"), method, host=host, path=path, content_sha256=digest, at=at)
    request = AWSRequest(method, f"http://{host}{path}", headers={"host": host, "x-amz-content-sha256": digest}, data=body)
    request.context |= {"timestamp": at.strftime("%Y%m%dT%H%M%SZ"), "payload_signing_enabled": True}
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    theirs = S3SigV4Auth(BotocoreCredentials("key", secret), "s3", "cn-north-1")
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={theirs.signature(text, request)}")


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def misbehaving(answers: list[bytes | None]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that reads each request whole, then answers with the next bytes and closes; `None` closes without an answer."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        requests.append(head + await reader.readexactly(lengths[0] if lengths else 0))
        if (given := answers.pop(0)) is not None:
            writer.write(given)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bucket", requests


def status(code: int, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (code, len(body), body)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_PAUSE_S", 0.001)


@pytest.mark.parametrize("failure", [None, status(500), status(503, b"<Error><Code>SlowDown</Code></Error>"), status(429)])
async def test_what_passes_is_asked_again_with_the_whole_file(tmp_path: Path, failure: bytes | None) -> None:
    async with misbehaving([failure, failure, status(200)]) as (url, requests), opened(url) as store:
        content = os.urandom(100_000)
        await store.put(spooled(tmp_path, content))
    assert len(requests) == 3
    assert all(request.endswith(content) for request in requests)


async def test_a_store_that_stays_away_is_an_error_after_three_tries(tmp_path: Path) -> None:
    async with misbehaving([status(503)] * 3) as (url, requests), opened(url) as store:
        file = spooled(tmp_path, b"x")
        with pytest.raises(StoreError):
            await store.put(file)
        assert file.path.exists()
    assert len(requests) == 3
    async with opened("http://127.0.0.1:9/bucket") as store:
        with pytest.raises(StoreError):
            await whole(store, bytes(32))


@pytest.mark.parametrize(("code", "expected"), [(403, StoreError), (400, StoreError), (507, StoreFullError), (301, StoreError)])
async def test_what_asking_again_does_not_change_is_an_error_at_once(
    tmp_path: Path, code: int, expected: type[StoreError]
) -> None:
    async with misbehaving([status(code)]) as (url, requests), opened(url) as store:
        with pytest.raises(expected) as error:
            await store.put(spooled(tmp_path, b"x"))
        assert type(error.value) is expected
    assert len(requests) == 1


async def test_an_object_that_breaks_off_is_never_taken_for_whole() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n" + bytes(400)
    async with misbehaving([cut]) as (url, _), opened(url) as store:
        with pytest.raises(StoreError):
            await whole(store, bytes(32))


@pytest.fixture
async def registry_user(object_store: str) -> AsyncIterator[Credentials]:
    """A user with rights on everything, while the server compares signatures as Amazon's does."""
    iam = client_of(object_store, "iam")
    iam.create_user(UserName="registry")
    rights = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    iam.put_user_policy(UserName="registry", PolicyName="all", PolicyDocument=rights)
    key = iam.create_access_key(UserName="registry")["AccessKey"]
    iam.close()
    await _check_signatures_after(object_store, b"0")
    yield Credentials(key["AccessKeyId"], key["SecretAccessKey"], "us-east-1")  # where this server keeps its users
    await _check_signatures_after(object_store, b"inf")


async def _check_signatures_after(object_store: str, requests: bytes) -> None:
    url = f"{object_store}/moto-api/reset-auth"
    # An answer nobody closes is found by the garbage collector, in the middle of some other test.
    async with aiohttp.ClientSession() as session, session.post(url, data=requests) as answer:
        assert answer.status == 200


async def test_a_server_that_checks_signatures_takes_ours_and_no_others(
    object_store: str, registry_user: Credentials, tmp_path: Path
) -> None:
    content = os.urandom(1000)
    async with opened(f"{object_store}/xinshimin/checked", registry_user) as store:
        file = spooled(tmp_path, content)
        await store.put(file)
        assert await whole(store, file.address) == content
        await store.delete(file.address)
    for stranger in (replace(registry_user, secret_key="guessed"), replace(registry_user, access_key="AKIAUNKNOWN")):
        async with opened(f"{object_store}/xinshimin/checked", stranger) as store:
            file = spooled(tmp_path, content)
            with pytest.raises(StoreError):
                await store.put(file)
            with pytest.raises(StoreError):
                await whole(store, file.address)

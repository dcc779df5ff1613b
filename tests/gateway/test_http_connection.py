"""The gateway's side of one connection, fed by hand: what arrives in one read here may arrive in five on another machine."""

import asyncio

import pytest

from gateway.http_connection import HttpConnection, UpstreamError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
LONG = b"x" * (600 << 10)


class Socket(asyncio.Transport):
    """Remembers whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """The service hears it."""

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
async def connection(socket: Socket) -> HttpConnection:
    made = HttpConnection()
    made.connection_made(socket)
    return made


async def test_a_connection_reads_again_after_a_long_answer(connection: HttpConnection, socket: Socket) -> None:
    """Otherwise the next answer over it is never seen, and neither is the service's closing."""
    connection.begin(b"GET / HTTP/1.1\r\n\r\n")
    connection.data_received(ANSWER % len(LONG) + LONG)
    assert not socket.reads
    assert b"".join([part async for part in connection.parts()]) == LONG
    assert connection.is_reusable
    assert socket.reads


async def test_a_long_answer_is_read_no_faster_than_it_is_taken(connection: HttpConnection, socket: Socket) -> None:
    connection.begin(b"GET / HTTP/1.1\r\n\r\n")
    connection.data_received(ANSWER % (2 * len(LONG)) + LONG)
    assert not socket.reads
    parts = connection.parts()
    assert await anext(parts) == LONG
    assert socket.reads
    connection.data_received(LONG)
    assert not socket.reads
    assert b"".join([part async for part in parts]) == LONG


async def test_an_answer_that_ends_early_is_an_error_after_what_arrived(connection: HttpConnection) -> None:
    connection.begin(b"GET / HTTP/1.1\r\n\r\n")
    connection.data_received(ANSWER % 5 + b"ab")
    connection.connection_lost(None)
    parts = connection.parts()
    assert await anext(parts) == b"ab"
    with pytest.raises(UpstreamError):
        await anext(parts)
    assert not connection.is_reusable

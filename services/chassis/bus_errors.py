"""What can go wrong with NATS, in four words, and the one place where the client's errors are turned into them."""

from collections.abc import Iterator
from contextlib import contextmanager

import nats.errors
from nats.js import errors as js_errors

# Error codes of the JetStream API.
_CONSUMER_NOT_FOUND = 10014
_MAXIMUM_MESSAGES = 10054
_STREAM_NOT_FOUND = 10059
_MAXIMUM_BYTES = 10077


class BusError(Exception):
    """The bus did not do what was asked; the text holds no data of a message. Try again later."""


class BusUnavailableError(BusError):
    """Not connected, or no answer in time; whether something was stored is unknown."""


class StreamMissingError(BusError):
    """There is no such stream, or no such durable on it."""


class StreamFullError(BusError):
    """The stream reached its limit and takes nothing new (`discard: new`)."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except js_errors.APIError as error:
        raise refusal(error.err_code, error.description) from error
    except (js_errors.NoStreamResponseError, nats.errors.NoRespondersError) as error:
        raise StreamMissingError("nobody answers on this subject") from error
    except nats.errors.MaxPayloadError as error:
        raise BusError("a message is larger than the server takes") from error
    except (nats.errors.Error, OSError) as error:  # OSError: TimeoutError is one
        raise BusUnavailableError(type(error).__name__) from error


def refusal(code: int | None, description: str | None) -> BusError:
    """The error for an answer of the JetStream API."""
    if code in (_MAXIMUM_BYTES, _MAXIMUM_MESSAGES):
        return StreamFullError(description)
    if code in (_STREAM_NOT_FOUND, _CONSUMER_NOT_FOUND):
        return StreamMissingError(description)
    return BusError(f"{code}: {description}")

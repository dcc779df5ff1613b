"""Signals as wake-ups: nothing runs inside a handler, so no signal can cut the supervisor's work in half."""

import os
import select
import signal
import time
from types import FrameType, TracebackType
from typing import Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(Exception):
    """Somebody asked the suite to stop while it was waiting for something."""


class Interrupts:
    """Collects SIGINT, SIGTERM, SIGHUP and SIGCHLD while entered, in the main thread."""

    def __init__(self) -> None:
        self.stop_requested = False

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._former_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._former = {number: signal.getsignal(number) for number in (*_STOPPING, signal.SIGCHLD)}
        for number in _STOPPING:
            # `nohup` asks us to outlive the terminal.
            if not (number == signal.SIGHUP and self._former[number] == signal.SIG_IGN):
                signal.signal(number, self._request_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float | None) -> None:
        """Sleep until a signal comes, at most `seconds`."""
        if select.select([self._reader], [], [], seconds)[0]:
            while select.select([self._reader], [], [], 0)[0] and os.read(self._reader, 4096):
                pass

    def pause(self, seconds: float) -> None:
        """Sleep `seconds`; raises `StopRequestedError` when a stop was or is requested."""
        deadline = time.monotonic() + seconds
        while not self.stop_requested and (left := deadline - time.monotonic()) > 0:
            self.wait(left)
        if self.stop_requested:
            raise StopRequestedError

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_requested = True

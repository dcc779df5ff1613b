"""What is kept of every exchange: a log line and two metrics, under the route's template, never the path with its ids."""

import logging
import time

from prometheus_client import Counter, Histogram

from gateway.exchange import Exchange
from services.chassis.metrics import REQUEST_SECONDS, REQUESTS
from services.chassis.tracing import trace_id

logger = logging.getLogger(__name__)

# Asked every few seconds by whoever supervises us; what they find is in the metrics.
_PROBES = frozenset({"GET /livez", "GET /readyz"})
CLIENT_GONE = 499
"""Logged, never sent: the caller went away before the answer (as nginx writes it)."""


class Journal:
    """Writes the line and counts. The children of the metrics are kept, because finding them costs more than counting."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._counters: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def write(self, exchange: Exchange, started: float) -> None:
        """Record an exchange that began at `started` on the `perf_counter` clock."""
        seconds = time.perf_counter() - started
        operation, status = exchange.operation, exchange.status or CLIENT_GONE
        counter = self._counters.get((operation, status))
        if counter is None:
            counter = self._counters[operation, status] = REQUESTS.labels(self._process, operation, status)
        counter.inc()
        histogram = self._histograms.get(operation)
        if histogram is None:
            histogram = self._histograms[operation] = REQUEST_SECONDS.labels(self._process, operation)
        histogram.observe(seconds)
        level = logging.DEBUG if operation in _PROBES else logging.INFO
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "request",
                extra={
                    "fields": {
                        "operation": operation,
                        "status": status,
                        "ms": round(seconds * 1000, 2),
                        "request_id": exchange.request_id,
                        "trace_id": trace_id(exchange.traceparent),
                        "client_id": exchange.client_id,
                    }
                },
            )

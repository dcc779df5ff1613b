"""Prometheus metrics that every process has; labels are route templates and codes, never ids."""

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REQUESTS = Counter("xinshimin_requests_total", "Answered requests", ("process", "operation", "status"))
REQUEST_SECONDS = Histogram(
    "xinshimin_request_seconds",
    "Time to answer",
    ("process", "operation"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REPEATED_TRANSACTIONS = Counter(
    "xinshimin_transactions_repeated_total", "Transactions that a conflict made run again, or give up at last", ("sqlstate",)
)
REPLAYED_ANSWERS = Counter("xinshimin_replayed_answers_total", "Answers given again under their key", ("process",))
DAMAGED_ATTACHMENTS = Counter(
    "xinshimin_damaged_attachments_total", "Stored files found damaged or missing when they were read"
)
READY = Gauge("xinshimin_ready", "1 when the part answers its probe", ("process", "part"))

METRICS_MEDIA_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """All metrics of this process in Prometheus text format."""
    return generate_latest(REGISTRY)

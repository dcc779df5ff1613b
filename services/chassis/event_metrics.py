"""Prometheus metrics of events: what waits to be published, what was applied, what is held or dead."""

from prometheus_client import Counter, Gauge

REPUBLISHED = Counter(
    "xinshimin_events_republished_total", "Events published again because the stream had lost them", ("process",)
)
RECONCILED_AT = Gauge("xinshimin_reconciled_timestamp_seconds", "When outbox and stream were last compared", ("process",))
PUBLISHED = Counter("xinshimin_events_published_total", "Events published from the outbox", ("process",))
UNPUBLISHED = Gauge("xinshimin_outbox_unpublished", "Outbox rows not published yet, counted up to 10,000", ("process",))
OUTBOX_LAG_SECONDS = Gauge("xinshimin_outbox_lag_seconds", "Age of the oldest unpublished outbox row", ("process",))
STREAM_FILL = Gauge("xinshimin_stream_fill_ratio", "Bytes of the service's stream per bytes allowed", ("process",))
APPLIED = Counter(
    "xinshimin_events_applied_total", "Events applied by handlers or passed over in order", ("process", "producer")
)
BURIED = Counter("xinshimin_events_dead_total", "Events set aside as dead", ("process", "producer"))
HELD = Gauge("xinshimin_inbox_held", "Events waiting for a gap to close", ("process", "producer"))
DEAD = Gauge("xinshimin_inbox_dead", "Dead events waiting for a replay", ("process", "producer"))

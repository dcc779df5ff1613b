"""Prometheus metrics of the evidence: what has no seal yet, and what has no copy elsewhere."""

from prometheus_client import Counter, Gauge

SEALED = Counter("xinshimin_audit_sealed_total", "Audit lines sealed", ("process",))
UNSEALED = Gauge("xinshimin_audit_unsealed", "Audit lines without a seal, counted up to 10,000", ("process",))
UNSEALED_SECONDS = Gauge("xinshimin_audit_unsealed_seconds", "Age of the oldest audit line without a seal", ("process",))
UNCOPIED_SECONDS = Gauge("xinshimin_audit_uncopied_seconds", "Age of the oldest checkpoint not in both places", ("process",))
COPIED_SECONDS = Gauge("xinshimin_audit_copied_seconds", "Age of the last checkpoint copied, per place", ("process", "place"))

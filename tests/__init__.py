"""The whole test suite: real PostgreSQL, real NATS, no network beyond loopback."""

"""A service that counts the registry's events: a second effect of one event shows."""

"""Scripts that make what ships; no part of any service."""

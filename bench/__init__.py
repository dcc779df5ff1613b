"""Benchmarks: each prints a ratio to a named limit measured in the same run; absolute speeds are only shown."""

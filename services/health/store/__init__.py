"""Statements of health: what is read and written, under row-level security."""

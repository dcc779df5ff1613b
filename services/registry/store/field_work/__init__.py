"""Statements about field work."""

"""Statements on employers and employment."""

"""Employers and employment at the edge."""

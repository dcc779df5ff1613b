"""Statements: `mirrors` keeps what the registry tells; schools, plans of places and their corrections are this office's own."""

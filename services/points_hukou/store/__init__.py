"""Statements: `mirrors` keeps what the registry tells, `files` reads a person's file from it."""

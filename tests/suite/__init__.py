"""Tests of launcher, embedded servers, command line: with real processes."""

"""Launcher, embedded servers and command line of the suite; imports services, is imported by none."""

"""The columns a roster may have, a module for each kind of roster."""

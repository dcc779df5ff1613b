"""The tables of health: mirrors of the registry, and what this office owns."""

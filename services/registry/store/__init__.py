"""Named statements over the registry's tables, and the few functions around them; they take the unit of work."""

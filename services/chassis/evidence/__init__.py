"""Evidence that audit lines are complete and unaltered: sealed, signed, copied elsewhere, verified (architecture §6)."""

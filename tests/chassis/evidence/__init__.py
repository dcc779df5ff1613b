"""Evidence: seals, checkpoints, copies, verification."""

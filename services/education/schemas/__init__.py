"""What comes in (commands), what goes out (views), and the full state of a thing as the store keeps it (records)."""

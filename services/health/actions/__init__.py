"""What the office can do."""

"""What the office does. So far: hand out what ships."""

"""What is asked and answered, and what the store keeps."""

"""What is trained, and what runs it."""

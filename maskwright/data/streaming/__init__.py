"""Training on text that is still being read, a block of it at a time."""

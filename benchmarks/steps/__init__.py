"""Training steps, ours and those of peers, that can be timed beside each other."""

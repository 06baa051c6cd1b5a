"""What a layer gets besides the output of the one before it."""

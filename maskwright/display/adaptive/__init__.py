"""What adaptive masking hides, by token and by part of speech."""

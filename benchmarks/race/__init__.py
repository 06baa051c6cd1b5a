"""The two sides of `time_to_loss.py`, and what they share: the text, the exam and the clock."""

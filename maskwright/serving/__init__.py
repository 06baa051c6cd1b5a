"""One local page, and the answers that it shows."""

"""How a layer knows where a token stands: learned or rotary positions, and distances in buckets."""

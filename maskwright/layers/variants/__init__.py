"""Variants of a transformer, an idea a file, each off unless asked for."""

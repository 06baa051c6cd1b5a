"""Runs as they go on: what their folders say now."""

"""Samplers side by side, at equal numbers of forward passes."""

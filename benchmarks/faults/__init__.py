"""Inputs for `fuzz.py`: a file for each kind, with `attempt(chance, folder)`, which says whether an input was taken.

An input is a function of its kind and its number alone, and is written to `folder`.
"""

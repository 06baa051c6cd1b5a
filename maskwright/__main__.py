"""`python -m maskwright` is `maskwright`."""

from .cli import main

main()

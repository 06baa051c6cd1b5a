"""`python -m maskwright` is `maskwright`."""

from .cli.app import main

main()

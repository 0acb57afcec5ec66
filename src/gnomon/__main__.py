"""Lets `python -m gnomon` do what `gnomon` does."""

from gnomon.cli.main import main

main()

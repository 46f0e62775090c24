"""`python -m endorse` is the `endorse` command."""

from endorse.cli import main

main(prog_name="endorse")

"""`python -m oxbow` is the `oxbow` command."""

from oxbow.cli import main

main()

"""`python -m vcsoup <verb> ...`."""

from vcsoup.cli import main

main()

"""The command line: every verb that the app has, and those that start it.

Verbs parse, call one function of the package and show what came of it. A user's mistake is one
line on standard error and exit status 2. Heavy imports wait until a verb needs them.
"""

from vcsoup.cli.entry import main

__all__ = ["main"]

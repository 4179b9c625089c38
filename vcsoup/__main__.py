"""`python -m vcsoup <verb> ...`."""

import sys


def _main() -> None:
    if sys.argv[1:4] == ["jobs", "run", "--folder"] and len(sys.argv) == 5:
        # As the queue starts it: it stays beside trainings for hours, so it loads no other verb.
        from vcsoup.jobs.runner import run_detached

        run_detached(sys.argv[4])
    else:
        from vcsoup.cli import main

        main()


_main()

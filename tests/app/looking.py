"""Waiting for a look at a base model, which a page begins by itself."""

from streamlit.testing.v1 import AppTest

from tests.job_processes import wait_until
from vcsoup.jobs import Jobs
from vcsoup.workspace import Workspace


def after_looking(app: AppTest, workspace: Workspace) -> AppTest:
    """The page once no look is under way."""
    jobs = Jobs(workspace.jobs_root)
    wait_until(lambda: not any(job.active for job in jobs.list(kind="look")))
    app.run()
    assert not app.exception, app.exception
    return app

"""Long-running commands as detached processes whose whole state lies on disk.

A job *is* a command that a user could type. It lives in a folder of its own, so a refreshed page, a
closed browser, a restarted server or a second tab changes nothing. This is the only package that
starts or stops a process. Liveness is a file lock that the worker holds: the kernel drops it on any
death, so no pid is trusted and no heartbeat is needed. Torch-free.

    <jobs>/<id>/spec.json        the command and what it is for; written by whoever starts it
    <jobs>/<id>/lock             flock held from before the start until the worker ends
    <jobs>/<id>/identity.json    pid and start time of the worker
    <jobs>/<id>/progress.jsonl   one report per line; made when the worker listens to signals
    <jobs>/<id>/waiting          there while the worker waits for the compute slot
    <jobs>/<id>/stop             there once somebody asked the worker to stop
    <jobs>/<id>/log.txt          what the worker prints
    <jobs>/<id>/result.json      how it ended; written last, aside, then renamed
"""

from vcsoup.jobs.job import Job, State
from vcsoup.jobs.launch import Jobs
from vcsoup.jobs.worker import Worker, job_worker

__all__ = ["Job", "Jobs", "State", "Worker", "job_worker"]

"""Long-running commands as detached processes whose whole state lies on disk.

A job *is* a command that a user could type. It lives in a folder of its own, so a refreshed page, a
closed browser, a restarted server or a second tab changes nothing. This is the only package that
starts or stops a process. Liveness is a file lock that the worker holds: the kernel drops it on any
death, so no pid is trusted. What waits in the queue is a folder without a process; the queue's
runner (`vcsoup.jobs.runner`) starts the next one when a place is free. Torch-free.

    <jobs>/<id>/spec.json        the command and what it is for; written by whoever starts it
    <jobs>/<id>/queued.json      there while it waits without a process, until its worker lives
    <jobs>/<id>/lock             flock held from before the start until the worker ends
    <jobs>/<id>/identity.json    pid, start time and machine of the worker
    <jobs>/<id>/heartbeat        touched every 5 s; made when the worker listens to signals
    <jobs>/<id>/waiting          there while a living worker waits for a place to compute
    <jobs>/<id>/began.json       when it began, and the number of its place if it needed one
    <jobs>/<id>/progress.jsonl   one report per line, over all attempts
    <jobs>/<id>/checkpoints/     what a next attempt can go on from; the command's own
    <jobs>/<id>/stop             there once somebody asked the worker to stop
    <jobs>/<id>/log.txt          what the worker prints
    <jobs>/<id>/remote.json      what another scheduler says of it (`vcsoup.jobs.remote`)
    <jobs>/<id>/result.json      how it ended; written last, aside, then renamed
    <jobs>/<id>/result-1.json    how the first attempt ended and how long it took, when there was a
                                 second
    <jobs>/queue.sqlite          the order of what waits, and how many may compute at once
    <jobs>/slot-0.lock, ...      the places to compute; whoever holds the lock has the place
    <jobs>/start.lock            held by whoever starts a job or changes the queue
    <jobs>/runner.lock, .json, .log    the queue's runner
    <jobs>/forkserver.sock, .lock, .log    the process that the app's commands are forked from
    <jobs>/.bin/<id>/            removed jobs, the newest twenty
"""

from vcsoup.jobs.job import Job, State
from vcsoup.jobs.launch import LONGEST_TITLE, Jobs
from vcsoup.jobs.worker import Worker, job_worker

__all__ = ["LONGEST_TITLE", "Job", "Jobs", "State", "Worker", "job_worker"]

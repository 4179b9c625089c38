"""An engine in memory for the tests of the screens, and how to look into components."""

import json
import time

POINT = {
    "rewards": {"helpful": 0.5, "harmless": 0.25, "humorous": -0.125},
    "low": {"helpful": 0.4, "harmless": 0.2, "humorous": -0.2},
    "high": {"helpful": 0.6, "harmless": 0.3, "humorous": 0.0},
    "n_prompts": 8,
    "recorded": False,
}


class ScriptedEngine:
    """An engine in memory: answers every tasting or table with the given states, one per look."""

    def __init__(self, *states):
        self.states = list(states)
        self.requests = []
        self.cancelled = []

    def start_tasting(self, **request):
        self.requests.append(request)
        return f"t{len(self.requests)}"

    start_table = start_tasting

    def tasting(self, tasting_id, *, patience=0.0):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    table = tasting

    def cancel(self, tasting_id):
        self.cancelled.append(tasting_id)

    cancel_table = cancel


def settle(runner, state):
    """Wait until a `Taster` or a `Watch` has come to a state."""

    def seen():
        return runner.view if hasattr(runner, "view") else runner.seen

    deadline = time.monotonic() + 10
    while seen().state != state:
        assert time.monotonic() < deadline, seen()
        time.sleep(0.01)


def component(app, key):
    """Return what a component of this key was given."""
    protos = [element.proto for element in app.get("bidi_component")]
    return next(json.loads(proto.json) for proto in protos if key in proto.id)

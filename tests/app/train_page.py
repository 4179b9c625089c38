"""What the Train page shows, for its tests."""

import json
import re

from vcsoup.ui import runs_actions


def drawn(app, name):
    """Return the data of a drawn component; None when it is not on the page."""
    found = [part for part in app.get("bidi_component") if part.proto.component_name == name]
    return json.loads(found[0].proto.json) if found else None


def listed(app):
    """Return the rows of the list."""
    return drawn(app, "vcsoup.run_list")["runs"]


def shown(app):
    return "\n".join(element.value for element in app.markdown)


def captions(app):
    return [element.value for element in app.caption]


def ask(app, command, run):
    """Do what the list's script asks for, and look again."""
    runs_actions.ask(command, run)
    return app.run()


def number(app, field):
    (found,) = [one for one in app.number_input if re.fullmatch(rf"set_\d+_{field}", one.key)]
    return found

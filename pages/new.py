"""New project: from your own values to scored pairs, step by step."""

from vcsoup.ui import wizard
from vcsoup.ui.shell import header

header(
    "What should your model balance?",
    "Six steps from your own values, base model, data and reward models to scored pairs. "
    "Everything is kept as you go; this address brings you back.",
)
wizard.show()

"""The study: does filtering by value consistency help, against which baselines, and how surely?

`study_file` reads what is asked for, `plan` lists every unit of work with a key that hashes all its
inputs, `running` makes the units (`worlds`, `policies`, `measured`), each whole on the `shelf` or
not there. `samples` reads them, `measures` and `results` turn them into one tidy table with rows
and comparisons (`scoring`, `bootstrap`), `published` keeps them, `report` writes docs/STUDY.md.
`conduct` does all of it; the command is `python -m vcsoup study`.
"""

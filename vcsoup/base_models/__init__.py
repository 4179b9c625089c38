"""Base models: how one is loaded, what it is, whether it fits this machine.

`settings` is the record that a project keeps, `loading` the one way that a base comes into memory,
`looking` what can be told of a base before that. Everything but `loading` and `anatomy` is
torch-free.
"""

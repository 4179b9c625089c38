"""The engine: one process that holds a base model with its adapters and answers for any soup.

`client` and `launch` are what the screens use (torch-free); `server` is the process itself, `owner`
its one thread that does all torch work, `tasting` and `completion` the two kinds of work, `bench`
the models they need, `openai` the API that other programs speak. Importing the package imports
none of them.
"""

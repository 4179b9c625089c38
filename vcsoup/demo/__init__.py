"""The embedded world: a small universe in which the whole method runs offline in minutes.

`world` holds the topics, `grammar` composes and parses replies, `truth` scores any reply on three
values, `pairs` draws noisy preference data, `models` and `judges` train the base policy and the
reward models, `build` makes the bundle in `assets/demo/`, `open_demo` puts it into a workspace and
`run` does the whole method headless.
"""

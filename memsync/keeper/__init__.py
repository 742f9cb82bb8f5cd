"""The one process that holds open vaults, and the verbs by which everybody talks to it.

``verb`` is what a verb is, ``verbs`` has them all: each takes JSON values and gives JSON values. ``process`` starts and ends the keeper,
``app`` is its HTTP API on a Unix socket, ``client`` talks to it and loads next to nothing. Without a keeper the command line calls the same
verbs in its own process (``here``).
"""

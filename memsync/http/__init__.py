"""MemSync over HTTP: what another machine may ask this one.

Surfaces only: a request comes in, a layer below answers, a response goes out. Nothing here holds a key or a format of its own, and
nothing that is logged names a block, a memory or a token. Servers are loaded by who serves, never by ``import memsync``.
"""

"""Memories to blocks and back, pure: what ``docs/format.md`` calls by name has one module here.

Bytes, keys, randomness and time are arguments. Builders take values that are right and raise ``InputError`` for others; readers take any
bytes and end in a value or in one ``FormatError`` that names the thing and the fault. Nothing here reads a file, a socket or a clock.
"""

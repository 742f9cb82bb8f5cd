"""The cryptography of a vault, pure: keys, sealing, boxes, pointers, signatures, words, keystore bytes. One suite, no choice.

Everything is computed from arguments; randomness is a callable argument whose default is the operating system's. No file, socket, clock
or network. Readers end in a value or in one error of ``memsync.errors``; no secret stands in an error or a repr. What is computed here is
specified in ``docs/format.md``. The primitives come from ``cryptography``, ``coincurve`` (secp256k1) and ``eth-hash`` (Keccak).
"""

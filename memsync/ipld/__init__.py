"""Content addressing, pure: CIDs, DAG-CBOR and CAR files, each in one narrow profile and nothing outside it.

CIDv1, sha2-256, ``raw`` or ``dag-cbor``, base32; DAG-CBOR with one encoding per value; CARv1. Bytes in, values out; no file, socket,
clock or random source. Every reader ends in a value or in one ``FormatError``.
"""

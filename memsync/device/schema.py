"""The tables of a vault's database, as the steps that lead to them.

``user_version`` counts the steps taken. A step is never changed once released; a new need is a new step.
"""

from __future__ import annotations

from typing import Final

# Blobs: scope and memory ids 16 bytes, digests and roots 32, accounts 20. Times: at, created, forgotten, added, seen, sent in ms;
# deadline in seconds. memory.current: neither dead nor replaced. memory.dead: forgotten; its text stays until the index has let go of it,
# its row as long as a segment holds it (holding: which segments do). memory.tags: joined, for the index; memory.rest: cbor of the map
# without its text.
_FIRST: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE scope (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT UNIQUE);

CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL REFERENCES scope,
    digest BLOB NOT NULL UNIQUE,
    object BLOB NOT NULL,
    epoch BLOB NOT NULL
);
CREATE TABLE node (digest BLOB PRIMARY KEY, scope INTEGER NOT NULL REFERENCES scope) WITHOUT ROWID;

CREATE TABLE memory (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    scope INTEGER NOT NULL REFERENCES scope,
    id BLOB NOT NULL,
    version BLOB NOT NULL,
    at INTEGER NOT NULL,
    current INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL,
    tags TEXT NOT NULL,
    rest BLOB NOT NULL,
    UNIQUE (scope, id, version)
);
CREATE INDEX memory_dead ON memory (row) WHERE dead;
CREATE INDEX memory_time ON memory (scope, at) WHERE current;
CREATE INDEX memory_unindexed ON memory (row) WHERE indexed <> current;
CREATE TABLE holding (
    segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE,
    row INTEGER NOT NULL REFERENCES memory ON DELETE CASCADE,
    PRIMARY KEY (segment, row)
) WITHOUT ROWID;
CREATE INDEX holding_row ON holding (row);
CREATE TABLE tombstone (
    scope INTEGER NOT NULL REFERENCES scope,
    id BLOB NOT NULL,
    version BLOB NOT NULL,
    forgotten INTEGER NOT NULL,
    segment INTEGER REFERENCES segment ON DELETE SET NULL,
    PRIMARY KEY (scope, id, version)
) WITHOUT ROWID;
CREATE INDEX tombstone_segment ON tombstone (segment);
CREATE TABLE replaced (
    scope INTEGER NOT NULL, id BLOB NOT NULL, version BLOB NOT NULL, by BLOB NOT NULL,
    PRIMARY KEY (scope, id, version, by)
) WITHOUT ROWID;

CREATE TABLE journal (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scope BLOB, payload BLOB NOT NULL, created INTEGER NOT NULL
);
CREATE TABLE attempt (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sequence INTEGER NOT NULL,
    root BLOB NOT NULL,
    call BLOB NOT NULL,
    blocks BLOB NOT NULL,
    deadline INTEGER NOT NULL,
    created INTEGER NOT NULL,
    sent INTEGER,
    proof BLOB
);
CREATE TABLE attempt_entry (
    attempt INTEGER NOT NULL REFERENCES attempt ON DELETE CASCADE,
    ordinal INTEGER NOT NULL REFERENCES journal ON DELETE CASCADE,
    PRIMARY KEY (attempt, ordinal)
) WITHOUT ROWID;
CREATE INDEX attempt_entry_ordinal ON attempt_entry (ordinal);
CREATE TABLE head (
    name TEXT PRIMARY KEY, sequence INTEGER NOT NULL, root BLOB NOT NULL, generation INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE contact (
    account BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, fingerprint BLOB NOT NULL, card BLOB NOT NULL,
    added INTEGER NOT NULL, seen INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE disclosure (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, channel TEXT NOT NULL,
    scope BLOB NOT NULL, question TEXT, memories BLOB NOT NULL
);
CREATE INDEX disclosure_who ON disclosure (who, at);
CREATE TABLE history (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, sequence INTEGER,
    block INTEGER, proof BLOB, detail TEXT NOT NULL
);
"""

# imported.key: 16 bytes, of an importer. proposal: what tools proposed (in an owner's database) or what this tool proposed (in a tool's);
# state: pending, accepted, refused, sent. change: what a reader saw come and go, for who follows.
_SECOND: Final = """
CREATE TABLE imported (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE proposal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    grant_id BLOB NOT NULL, parcel INTEGER NOT NULL, id BLOB NOT NULL, author BLOB NOT NULL, draft BLOB NOT NULL, signature BLOB NOT NULL,
    state TEXT NOT NULL, received INTEGER NOT NULL,
    UNIQUE (grant_id, id)
);
CREATE TABLE change (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, scope BLOB NOT NULL, id BLOB NOT NULL, version BLOB NOT NULL, sequence INTEGER NOT NULL
);
"""

# client: a tool of this device, known by the SHA-256 of its token (32 bytes). served: what it may do in a scope; ids 16 bytes, rights as on
# chain, start and end in seconds, made and ended in ms; ended: none while it lasts. pending: what a client would like done (deed: remember,
# forget), known again by digest (32 bytes); draft: cbor, gone once decided; memory: the one to forget, or the one that it became; state:
# pending, accepted, refused. muted: whose proposals are dropped, by client's name or grant's id.
_THIRD: Final = """
CREATE TABLE client (
    name TEXT PRIMARY KEY, token BLOB NOT NULL UNIQUE, made INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE served (
    id BLOB PRIMARY KEY, client TEXT NOT NULL, scope BLOB NOT NULL, rights INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL,
    secrets INTEGER NOT NULL, trusted INTEGER NOT NULL, made INTEGER NOT NULL, ended INTEGER
) WITHOUT ROWID;
CREATE INDEX served_client ON served (client);
CREATE TABLE pending (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, client TEXT NOT NULL, scope BLOB NOT NULL, deed TEXT NOT NULL,
    digest BLOB NOT NULL, draft BLOB, memory BLOB, size INTEGER NOT NULL, received INTEGER NOT NULL, state TEXT NOT NULL
);
CREATE INDEX pending_digest ON pending (client, scope, digest);
CREATE INDEX pending_state ON pending (state, client);
CREATE TABLE muted (who BLOB PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX disclosure_at ON disclosure (at);
"""

# vector: of a memory's text, by one embedder, for the index alone: signs one bit a dimension, elements one byte, times scale the numbers.
_FOURTH: Final = """
CREATE TABLE embedder (
    number INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, dimensions INTEGER NOT NULL, UNIQUE (model, dimensions)
);
CREATE TABLE vector (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    row INTEGER NOT NULL UNIQUE REFERENCES memory ON DELETE CASCADE,
    scope INTEGER NOT NULL REFERENCES scope,
    embedder INTEGER NOT NULL REFERENCES embedder ON DELETE CASCADE,
    scale REAL NOT NULL,
    signs BLOB NOT NULL,
    elements BLOB NOT NULL
);
CREATE INDEX vector_scope ON vector (scope, embedder);
"""

_FIFTH: Final = "ALTER TABLE disclosure ADD COLUMN verb TEXT NOT NULL DEFAULT ''"

STEPS: Final = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)

"""The runtime's tables as the first release had them. Frozen: a later change is a migration in every service."""

from typing import Final

FIRST_TABLES: Final = (
    """
CREATE TABLE answers (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    body TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (scope, key)
)
""",
    "CREATE INDEX answers_at ON answers (at)",
    """
CREATE TABLE history (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    subject UUID NOT NULL,
    sequence BIGINT NOT NULL,
    type TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    headers BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT history_subject_sequence_key UNIQUE (subject, sequence),
    CONSTRAINT history_body_fits_kafka CHECK (octet_length(body) < 900000)
)
""",
    """
CREATE TABLE positions (
    source TEXT NOT NULL,
    subject UUID NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (source, subject)
)
""",
    """
CREATE TABLE relay (
    id SMALLINT NOT NULL,
    last_id BIGINT NOT NULL,
    cluster_id TEXT,
    offsets JSONB NOT NULL,
    replay_from BIGINT,
    PRIMARY KEY (id)
)
""",
    """
CREATE TABLE streams (
    subject UUID NOT NULL,
    last BIGINT NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (subject)
)
""",
    """
CREATE TABLE timers (
    subject UUID NOT NULL,
    kind TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    try_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (subject, kind)
)
""",
    "CREATE INDEX timers_try_at ON timers (try_at)",
    """
CREATE TABLE waiting (
    source TEXT NOT NULL,
    subject UUID NOT NULL,
    sequence BIGINT NOT NULL,
    type TEXT NOT NULL,
    headers BYTEA NOT NULL,
    body BYTEA NOT NULL,
    reason TEXT NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT,
    PRIMARY KEY (source, subject, sequence)
)
""",
)

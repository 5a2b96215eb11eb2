-- What all projections share. The tables of a projection itself are made generation by generation (see Table).

-- +goose Up
CREATE TABLE ledger_ids (
    ledger_id INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE
);

CREATE TABLE account_ids (
    account_id INTEGER PRIMARY KEY,
    ledger_id  INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    UNIQUE (ledger_id, address)
);

CREATE TABLE generations (
    projection TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    live       INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    PRIMARY KEY (projection, generation)
);

CREATE UNIQUE INDEX generations_live ON generations (projection) WHERE live = 1;

CREATE TABLE positions (
    projection TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    position   TEXT    NOT NULL,
    PRIMARY KEY (projection, generation)
);

CREATE TABLE checkpoints (
    projection TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    ledger_id  INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    PRIMARY KEY (projection, generation, ledger_id)
) WITHOUT ROWID;

CREATE VIEW live_checkpoints AS
SELECT c.projection, c.ledger_id, c.revision
FROM checkpoints c
JOIN generations g ON g.projection = c.projection AND g.generation = c.generation
WHERE g.live = 1;

-- +goose Down
DROP VIEW live_checkpoints;
DROP TABLE checkpoints;
DROP TABLE positions;
DROP TABLE generations;
DROP TABLE account_ids;
DROP TABLE ledger_ids;

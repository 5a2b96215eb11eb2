-- The log that the read models are made from, known by its first event. One row, once there is an event.

-- +goose Up
CREATE TABLE origin (
    event_id TEXT PRIMARY KEY
) WITHOUT ROWID;

-- +goose Down
DROP TABLE origin;

-- The last number that a generation of a read model was given. None is given twice, so that whoever still builds one that somebody
-- else has dropped finds that it is gone.

-- +goose Up
CREATE TABLE last_generations (
    projection TEXT    NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO last_generations (projection, generation)
SELECT projection, max(generation) FROM generations GROUP BY projection;

-- +goose Down
DROP TABLE last_generations;

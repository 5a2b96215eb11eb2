-- The log. Rows are only ever inserted, by eventstore.append alone. docs/schema.md describes them.

CREATE TABLE eventstore.appends (
	position       bigint  NOT NULL PRIMARY KEY,
	stream         text    COLLATE "C" NOT NULL,
	first_revision bigint  NOT NULL CHECK (first_revision >= 0),
	count          integer NOT NULL CHECK (count > 0),
	payload        bytea   NOT NULL,
	-- The fence: of two writers that believe in the same end of a stream one is refused, whatever else goes wrong.
	UNIQUE (stream, first_revision)
);

-- Payloads are not compressed: that costs more processor time than all the rest of an append.
ALTER TABLE eventstore.appends ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Positions are given in the order of eventstore.append's calls, and become visible in the order of commits. It begins
-- as if 0 had been given, so that last_value is always the last one given.
CREATE SEQUENCE eventstore.positions MINVALUE 0 START 0;
SELECT setval('eventstore.positions', 0);

-- The log's identity, by which what was made from one log is told from what belongs to another.
CREATE TABLE eventstore.identity (
	id  uuid    NOT NULL,
	one boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO eventstore.identity (id) VALUES (gen_random_uuid());

-- stream_end is the revision that the next record of a stream will have.
CREATE FUNCTION eventstore.stream_end(of_stream text) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT first_revision + count FROM eventstore.appends
		WHERE stream = of_stream ORDER BY first_revision DESC LIMIT 1), 0)
$$;

-- append adds the records of one append to a stream whose last revision is expected (-1 for a stream that does not exist),
-- a row for each payload, with so many records each. It gives the position of the last row; or, where the stream is not
-- as expected, none, and the last revision that it actually has. It needs the isolation level READ COMMITTED: each of its
-- statements has to see what was committed before it.
CREATE FUNCTION eventstore.append(
	to_stream text, expected bigint, counts integer[], payloads bytea[], OUT written bigint, OUT actual bigint
) LANGUAGE plpgsql AS $$
DECLARE
	next bigint := expected + 1;
BEGIN
	actual := eventstore.stream_end(to_stream) - 1;
	IF actual <> expected THEN
		RETURN;
	END IF;
	-- A mark for readers, until this transaction has ended and what it wrote is visible: positions after the one in the
	-- lock's key may be on their way. It has to be set before a position is taken. See eventstore.settled.
	PERFORM pg_advisory_xact_lock_shared((17529::bigint << 48) | last_value) FROM eventstore.positions;
	FOR i IN 1 .. cardinality(counts) LOOP
		INSERT INTO eventstore.appends (position, stream, first_revision, count, payload)
			VALUES (nextval('eventstore.positions'), to_stream, next, counts[i], payloads[i])
			ON CONFLICT (stream, first_revision) DO NOTHING
			RETURNING position INTO written;
		IF written IS NULL THEN -- somebody else was first, and has committed
			actual := eventstore.stream_end(to_stream) - 1;
			RETURN;
		END IF;
		next := next + counts[i];
	END LOOP;
END
$$;

-- settled gives the last position up to which nothing can become visible any more to a statement that begins after it, and
-- the last position that was given. Between the two are positions of transactions that have not ended, and others.
--
-- The order of its statements matters. Whoever has a position that was given before the first statement had set its mark
-- before that; if the mark is gone in the second, the transaction has ended.
CREATE FUNCTION eventstore.settled(OUT settled bigint, OUT given bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	given := (SELECT last_value FROM eventstore.positions);
	settled := least(given, (SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 17529
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())));
END
$$;

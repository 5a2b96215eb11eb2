-- The last position that was given is asked of the sequence itself. A SELECT from the sequence reads its page without
-- the lock that nextval holds, and nextval writes a larger number there for a moment: what it has the write-ahead log set
-- aside, 32 positions at a time. With that number in a mark, or as the end of the log, readers passed over appends.

-- given is the last position that was given; 0 for none, as after ALTER SEQUENCE … RESTART. Less than that is always right
-- for a mark, and for a reader's end: it only makes readers wait.
CREATE FUNCTION eventstore.given() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(pg_sequence_last_value('eventstore.positions'), 0)
$$;

-- append is as before, and its commit waits for the disk whatever the session's setting is.
CREATE OR REPLACE FUNCTION eventstore.append(
	to_stream text, expected bigint, counts integer[], payloads bytea[], OUT written bigint, OUT actual bigint
) LANGUAGE plpgsql AS $$
DECLARE
	next bigint := expected + 1;
BEGIN
	actual := eventstore.stream_end(to_stream) - 1;
	IF actual <> expected THEN
		RETURN;
	END IF;
	IF current_setting('synchronous_commit') = 'off' THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
	-- A mark for readers, until this transaction has ended and what it wrote is visible: positions after the one in the
	-- lock's key may be on their way. It has to be set before a position is taken. See eventstore.settled.
	PERFORM pg_advisory_xact_lock_shared((17529::bigint << 48) | eventstore.given());
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

-- settled is as before.
CREATE OR REPLACE FUNCTION eventstore.settled(OUT settled bigint, OUT given bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	given := eventstore.given();
	settled := least(given, (SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 17529
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())));
END
$$;

package audit_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// row is a row of the log, as docs/schema.md describes it, in the hands of somebody who can write the file.
type row struct {
	Position int64  `db:"position"`
	StreamID int64  `db:"stream_id"`
	First    int64  `db:"first_revision"`
	Count    int64  `db:"count"`
	Payload  []byte `db:"payload"`

	records []eventstore.Record
	extra   []byte // after the last record
}

// tamper has the rows of a log changed while nobody has it open, and their checksums made right afterwards.
func (s *scribe) tamper(change func(rows []*row) []*row) {
	s.t.Helper()
	s.raw(func(db *sqlx.DB) {
		var rows []*row
		if err := db.Select(&rows, `SELECT position, stream_id, first_revision, count, payload FROM appends ORDER BY position`); err != nil {
			s.t.Fatal(err)
		}
		for _, r := range rows {
			r.takeApart()
		}
		rows = change(rows)
		db.MustExec(`DELETE FROM appends`)
		for _, r := range rows {
			r.putTogether()
			db.MustExec(`INSERT INTO appends (position, stream_id, first_revision, count, payload) VALUES (?, ?, ?, ?, ?)`,
				r.Position, r.StreamID, r.First, r.Count, r.Payload)
		}
	})
}

// raw closes the store, and gives its file to somebody else.
func (s *scribe) raw(do func(db *sqlx.DB)) {
	s.t.Helper()
	s.close()
	db, err := sqlx.Open("sqlite", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	do(db)
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open()
}

func (r *row) takeApart() {
	rest := r.Payload[5 : len(r.Payload)-4]
	text := func(width int) []byte {
		n := 0
		for _, b := range rest[:width] {
			n = n<<8 | int(b)
		}
		part := rest[width : width+n]
		rest = rest[width+n:]
		return part
	}
	for range r.Count {
		var one eventstore.Record
		copy(one.ID[:], rest)
		rest = rest[16:]
		one.Type, one.Data, one.Metadata = string(text(1)), text(4), text(4)
		r.records = append(r.records, one)
	}
}

func (r *row) putTogether() {
	r.Count = int64(len(r.records))
	p := binary.BigEndian.AppendUint32([]byte{1}, uint32(r.Count))
	for _, one := range r.records {
		p = append(append(append(p, one.ID[:]...), byte(len(one.Type))), one.Type...)
		p = append(binary.BigEndian.AppendUint32(p, uint32(len(one.Data))), one.Data...)
		p = append(binary.BigEndian.AppendUint32(p, uint32(len(one.Metadata))), one.Metadata...)
	}
	p = append(p, r.extra...)
	place := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(r.StreamID)), uint64(r.First))
	table := crc32.MakeTable(crc32.Castagnoli)
	r.Payload = binary.BigEndian.AppendUint32(p, crc32.Update(crc32.Checksum(p, table), table, place))
}

// at finds the record of a revision of the first stream.
func at(rows []*row, revision int64) *eventstore.Record {
	for _, r := range rows {
		if r.StreamID == 1 && r.First <= revision && revision < r.First+r.Count {
			return &r.records[revision-r.First]
		}
	}
	return nil
}

// reseal gives a record, changed in whatever way, a hash that covers it.
func reseal(t testing.TB, stream string, revision uint64, r *eventstore.Record, change func(*envelope.Envelope)) {
	t.Helper()
	e, err := envelope.Parse(r.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&e)
	}
	if err := e.Seal(envelope.Place{Stream: stream, Revision: revision, Type: r.Type}, r.Data); err != nil {
		t.Fatal(err)
	}
	r.Metadata = e.AppendJSON(nil)
}

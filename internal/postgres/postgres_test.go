package postgres

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"
)

func TestPlaceholders(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"SELECT 1":                        "SELECT 1",
		"a = ? AND b IN (?, ?)":           "a = $1 AND b IN ($2, $3)",
		"(?1, ?2) > (?12, ?1) AND c = ?":  "($1, $2) > ($12, $1) AND c = $13",
		"a = ? AND b = ?1 AND c = ?, ?4?": "a = $1 AND b = $1 AND c = $2, $4$5",
	} {
		if got := Bind(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Texts of which many need the escape come back, sort as before, and hold no U+0000.
func TestEscape(t *testing.T) {
	texts := rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 2, '0', '1', 'a', 'é', '👛'}), 0, 9, -1)
	rapid.Check(t, func(rt *rapid.T) {
		a, b := texts.Draw(rt, "a"), texts.Draw(rt, "b")
		stored := Stored(a)
		if strings.ContainsRune(stored, 0) || plainText(stored) != a || string(AppendText([]byte("x"), a)) != "x"+stored {
			rt.Fatalf("%q is stored as %q, which is %q", a, stored, plainText(stored))
		}
		if cmp.Compare(a, b) != cmp.Compare(stored, Stored(b)) {
			rt.Fatalf("%q and %q sort otherwise than %q and %q", a, b, stored, Stored(b))
		}
	})
}

func TestFaultsAreTheDatabasesOwn(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{Code: "53100"}, true}, // disk full
		{&pgconn.PgError{Code: "57P03"}, true}, // starting up
		{&pgconn.PgError{Code: "40P01"}, true}, // deadlock
		{&pgconn.PgError{Code: "25006"}, true}, // read only
		{&pgconn.PgError{Code: "25P03"}, true}, // left alone in a transaction
		{&pgconn.PgError{Code: "40001"}, true}, // could not be serialised
		{&pgconn.PgError{Code: "23505"}, false},
		{&pgconn.PgError{Code: "42P01"}, false},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{driver.ErrBadConn, true},
		{&net.OpError{Op: "read", Err: io.EOF}, true},
		{&pgconn.ConnectError{}, true},
		{context.DeadlineExceeded, false},
		{context.Canceled, false},
		{io.ErrShortBuffer, false},
		{nil, false},
	} {
		if got := IsFault(test.err); got != test.want {
			t.Errorf("%T %v: %t", test.err, test.err, got)
		}
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	for _, place := range []string{"postgres://daybook:secret@db/books", "postgresql://daybook:secret@db:%zz/books"} {
		if shown := Redacted(place); strings.Contains(shown, "secret") || !IsURL(place) {
			t.Errorf("shown as %s", shown)
		}
		_, err := Open(place+"?sslmode=perhaps", nil)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("refused with %v", err)
		}
	}
	if IsURL("/data/views.db") || Redacted("/data/views.db") != "/data/views.db" {
		t.Error("a path is not a URL")
	}
}

// Package viewstest gives tests places for views databases, and runs tests on both kinds of them. Nothing but tests imports it.
package viewstest

import (
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// onPostgreSQL is the part of a test in which places are in PostgreSQL.
const onPostgreSQL = "PostgreSQL"

// Place is a place for a new views database: a file, or in a test that [OnPostgreSQL] runs the URL of an empty database.
func Place(tb testing.TB) string {
	tb.Helper()
	if InPostgreSQL(tb) {
		return pgtest.Database(tb)
	}
	return filepath.Join(tb.TempDir(), "views.db")
}

// InPostgreSQL tells whether places are in PostgreSQL.
func InPostgreSQL(tb testing.TB) bool {
	tb.Helper()
	return strings.Contains(tb.Name()+"/", "/"+onPostgreSQL+"/")
}

// OnPostgreSQL runs tests again, as parts of t, with their places in PostgreSQL.
func OnPostgreSQL(t *testing.T, tests ...func(*testing.T)) {
	t.Helper()
	t.Run(onPostgreSQL, func(t *testing.T) {
		for _, test := range tests {
			name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
			t.Run(name[strings.LastIndexByte(name, '.')+1:], test)
		}
	})
}

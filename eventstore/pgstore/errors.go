package pgstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/daybook-ledger/daybook/eventstore"
)

// What a server calls an error that ended a statement and its transaction, but not the connection.
const severityError = "ERROR"

// outcome says in the port's words what an error tells of an append. Only two kinds promise that nothing was written: the
// server's word that it has undone the transaction, and a request that never left. A server that ends the connection (FATAL,
// PANIC) may have committed just before.
func outcome(err error) error {
	if !lost(err) || pgconn.SafeToRetry(err) {
		return classify(err)
	}
	return fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, err)
}

// lost tells whether an error says that the connection is gone, rather than that the server refused a statement. Who stands
// between may say so in the words of a server, by the codes that are for it.
func lost(err error) bool {
	var server *pgconn.PgError
	return !errors.As(err, &server) || server.SeverityUnlocalized != severityError ||
		strings.HasPrefix(server.Code, "08") || server.Code == "40003" // connection exceptions, statement completion unknown
}

// classify says in the port's words what an error of the database is about, where nothing was written.
func classify(err error) error {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		switch server.Code {
		case "XX001", "XX002": // a damaged table, a damaged index
			return fmt.Errorf("%w: %w", eventstore.ErrCorrupt, err)
		}
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}

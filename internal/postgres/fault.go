package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// The codes by which a server says that it cannot do now what it was asked to, although it may later: classes, and single
// codes of other classes. See the appendix "PostgreSQL Error Codes" of its manual.
var (
	faultClasses = []string{ //nolint:gochecknoglobals // a constant list
		"08", // connections
		"53", // disk full, out of memory, too many connections
		"57", // shut down, starting up, a statement that was cancelled
		"58", // the system's own errors, as of its disk
	}
	faultCodes = []string{ //nolint:gochecknoglobals // a constant list
		"25006", // a server that only reads: a replica, as after a failover
		"25P03", // a transaction that was left alone for too long, as by a process that was suspended within it
		"40001", // a transaction that could not be put between others, as on a standby that has to go on
		codeDeadlock, codeLocked,
	}
)

const (
	codeDeadlock = "40P01"
	codeLocked   = "55P03"
	codeNoTable  = "42P01"
	codeNoSchema = "3F000"
)

// IsFault tells whether an error is the database's own, or the way's to it, so that the same work may succeed later, rather
// than one of what was asked of it.
func IsFault(err error) bool {
	if code := codeOf(err); code != "" {
		return slices.Contains(faultClasses, code[:2]) || slices.Contains(faultCodes, code)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	switch {
	case err == nil:
		return false
	case errors.As(err, &connect):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // whoever asked has given up
		return false
	}
	for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// IsLocked tells whether a statement waited for a lock for as long as it may, or would have for ever.
func IsLocked(err error) bool {
	code := codeOf(err)
	return code == codeLocked || code == codeDeadlock
}

// IsMissing tells whether the read models are not made yet, or are just being made: a process that only reads them may be the
// first there is.
func IsMissing(err error) bool {
	code := codeOf(err)
	return code == codeNoTable || code == codeNoSchema
}

// codeOf is the code that a server has answered with; empty where it has not.
func codeOf(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) && len(strings.TrimSpace(said.Code)) == 5 {
		return said.Code
	}
	return ""
}

// Package httpx is what Daybook's HTTP handlers share: the one error type and the table of its codes, strict reading
// of bodies and query parameters, pages, and a server that starts, answers errors and stops the same way everywhere.
//
// It knows nothing of ledgers: handlers of commands and queries turn their own errors into a [Problem], and this
// package turns every error, whoever returned it, into an answer.
//
// Reading order: problem.go, codes.go, errors.go, body.go, fault.go, params.go, page.go, moment.go, server.go,
// middleware.go.
package httpx

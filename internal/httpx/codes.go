package httpx

import "net/http"

// Code names a kind of problem. Codes are part of the HTTP contract: clients branch on them.
type Code string

// The codes that do not come from the domain. Those of the domain (ledger.Code) are in the table under the same text.
const (
	CodeMalformedRequest    Code = "malformed_request"
	CodeUnauthenticated     Code = "unauthenticated"
	CodeForbidden           Code = "forbidden"
	CodeNotFound            Code = "not_found"
	CodeMethodNotAllowed    Code = "method_not_allowed"
	CodeLedgerNotFound      Code = "ledger_not_found"
	CodeAccountNotFound     Code = "account_not_found"
	CodeTransactionNotFound Code = "transaction_not_found"
	CodeInvalidField        Code = "invalid_field"
	CodeUnbalanced          Code = "unbalanced_transaction"
	CodeKeyReused           Code = "idempotency_key_reused"
	CodeBulkRejected        Code = "bulk_rejected"
	CodeTooLarge            Code = "too_large"
	CodeUnsupportedMedia    Code = "unsupported_media_type"
	CodeInternal            Code = "internal_error"
	CodeOverloaded          Code = "overloaded"
	CodeRevisionNotReached  Code = "revision_not_reached"
)

// Entry is what is said about a code.
type Entry struct {
	Code        Code   `json:"code"`
	Status      int    `json:"status"`
	Title       string `json:"title"`
	Explanation string `json:"explanation"`
	// RetryAfter is the value of the header of that name, in seconds; zero for none.
	RetryAfter int `json:"retry_after,omitempty"`
}

// Codes is the table of all codes, in order of status: code → status, title, explanation.
func Codes() []Entry { return append([]Entry(nil), table...) }

// Known tells whether the code is in the table.
func (c Code) Known() bool {
	_, ok := byCode[c]
	return ok
}

// entry is the code's line of the table. A code that is not in the table is a fault of ours, and is shown as one.
func (c Code) entry() Entry {
	if e, ok := byCode[c]; ok {
		return e
	}
	return byCode[CodeInternal]
}

//nolint:gochecknoglobals // built once from the table, never changed
var byCode = func() map[Code]Entry {
	m := make(map[Code]Entry, len(table))
	for _, e := range table {
		m[e.Code] = e
	}
	return m
}()

// The three codes that the API's list of rejections does not have (not_found, method_not_allowed, internal_error) are
// for requests that reach no handler and for faults of the server.
//
//nolint:gochecknoglobals,lll // a table
var table = []Entry{
	{CodeMalformedRequest, http.StatusBadRequest, "Malformed request", "The request is not well-formed: broken JSON, an unknown or repeated field or parameter, or a value of the wrong JSON type. The pointers in `errors` say where. Nothing was done; correct the request.", 0},
	{CodeUnauthenticated, http.StatusUnauthorized, "Unauthenticated", "The request carries no valid credentials. Send a valid token.", 0},
	{CodeForbidden, http.StatusForbidden, "Forbidden", "The credentials are valid but do not permit this request. Ask an administrator for the scope that it needs.", 0},

	{CodeNotFound, http.StatusNotFound, "Not found", "There is nothing at this path. Paths begin with /v1/ledgers, have no slash at their end, and have what stands in an address or a name percent-encoded.", 0},
	{CodeLedgerNotFound, http.StatusNotFound, "Ledger not found", "No ledger has this name. Open it with POST /v1/ledgers, or correct the name.", 0},
	{CodeAccountNotFound, http.StatusNotFound, "Account not found", "The ledger has no account with this address. An account exists once it was opened explicitly or moved by a transaction; addresses are percent-encoded in paths.", 0},
	{CodeTransactionNotFound, http.StatusNotFound, "Transaction not found", "The ledger has no transaction with this id.", 0},
	{"hold_not_found", http.StatusNotFound, "Hold not found", "The ledger has no hold with this id.", 0},
	{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed", "The path exists but does not take this method. The Allow header lists those that it takes.", 0},

	{"ledger_exists", http.StatusConflict, "Ledger exists", "A ledger of this name was opened before. Choose another name, or use the ledger that is there.", 0},
	{"account_exists", http.StatusConflict, "Account exists", "The account was opened before, explicitly or by its first transaction. Use it as it is.", 0},
	{"reference_exists", http.StatusConflict, "Reference exists", "Another transaction of the ledger has this reference; `transaction` is its id. References are unique for ever: if it is the same business fact, it is already recorded.", 0},
	{"already_reverted", http.StatusConflict, "Already reverted", "The transaction was reverted before. A transaction can be reverted once.", 0},
	{"hold_not_open", http.StatusConflict, "Hold not open", "The hold was captured, voided, or has expired. Only an open hold can be captured or voided.", 0},

	{CodeInvalidField, http.StatusUnprocessableEntity, "Invalid field", "A field has a value that it cannot have. The pointers in `errors` say which and why.", 0},
	{CodeUnbalanced, http.StatusUnprocessableEntity, "Unbalanced transaction", "The debits and the credits of the transaction differ in an asset. Correct the entries so that they are equal in every asset.", 0},
	{"insufficient_funds", http.StatusUnprocessableEntity, "Insufficient funds", "The transaction would take an account below its minimum balance. `account`, `asset`, `available` and `required` say by how much.", 0},
	{"balance_limit_exceeded", http.StatusUnprocessableEntity, "Balance limit exceeded", "The transaction would take an account above its maximum balance. Post less, or raise the limit.", 0},
	{"amount_out_of_range", http.StatusUnprocessableEntity, "Amount out of range", "A total of an account would pass 2^128-1, the largest amount there is.", 0},
	{"account_closed", http.StatusUnprocessableEntity, "Account closed", "The account is closed and takes no entries. Reopen it, or use another.", 0},
	{"account_not_empty", http.StatusUnprocessableEntity, "Account not empty", "The account still has a balance or open holds. Bring it to zero in every asset before closing it.", 0},
	{"account_not_declared", http.StatusUnprocessableEntity, "Account not declared", "No rule of the ledger's chart matches the address, and the chart rejects undeclared accounts. Correct the address, or add a rule.", 0},
	{"asset_not_allowed", http.StatusUnprocessableEntity, "Asset not allowed", "The chart does not let this account hold this asset.", 0},
	{"precondition_failed", http.StatusUnprocessableEntity, "Precondition failed", "A precondition of the command does not hold. Read the balance again and decide anew.", 0},
	{"capture_exceeds_hold", http.StatusUnprocessableEntity, "Capture exceeds hold", "More was to be captured than the hold has left.", 0},
	{CodeKeyReused, http.StatusUnprocessableEntity, "Idempotency key reused", "The idempotency key was used before with another request. Use a new key for a new command; send the same request again to have its answer again.", 0},
	{"chart_conflict", http.StatusUnprocessableEntity, "Chart conflict", "Standing balances break the new chart. Correct the balances or the chart.", 0},
	{CodeBulkRejected, http.StatusUnprocessableEntity, "Bulk rejected", "A command of an atomic bulk was rejected, so none was applied. `index` is its place, `cause` its rejection.", 0},
	{"period_closed", http.StatusUnprocessableEntity, "Period closed", "The effective time lies in a period that is closed. Use a later effective time, or have the period reopened.", 0},

	{CodeTooLarge, http.StatusRequestEntityTooLarge, "Too large", "The request, or a line of it, is longer than the server takes. Split it.", 0},
	{CodeUnsupportedMedia, http.StatusUnsupportedMediaType, "Unsupported media type", "The body is not of a type that this path takes. Send application/json, in UTF-8.", 0},
	{"rate_limited", http.StatusTooManyRequests, "Rate limited", "Too many requests for these credentials. Wait as the Retry-After header says, then try again.", 1},
	{CodeInternal, http.StatusInternalServerError, "Internal error", "The server failed in a way it should not. Whether a command was applied is not known: send it again with the same idempotency key. The X-Request-Id of the answer finds the cause in the server's log.", 0},
	{CodeOverloaded, http.StatusServiceUnavailable, "Overloaded", "The server cannot take the request at present. Wait as the Retry-After header says, then send it again, with the same idempotency key if it is a command.", 1},
	{CodeRevisionNotReached, http.StatusGatewayTimeout, "Revision not reached", "The data had not reached the revision asked for when the time to wait was over. Try again, or wait longer.", 0},
}

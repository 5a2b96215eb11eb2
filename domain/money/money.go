// Package money has the quantities that ledgers are kept in: assets, unsigned 128-bit amounts of their smallest
// units, and signed balances. All arithmetic is exact and checked: what does not fit is an answer, never a wrap-around.
//
// It does no I/O and imports the standard library alone.
package money

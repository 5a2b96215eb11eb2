// Package money has the quantities that ledgers are kept in: assets, unsigned 128-bit amounts of their smallest
// units, and signed balances. All arithmetic is exact and checked: what does not fit is an answer, never a wrap-around.
//
// It does no I/O and imports the standard library alone. Every type is a comparable value whose zero value is usable
// (except [Asset], whose zero value is no asset), and reads itself from and writes itself as decimal text: in JSON and
// in SQL alike, so that no float and no 64-bit column ever holds an amount.
//
// Reading order: amount.go, signed.go, asset.go; scan.go has what the first two share.
package money

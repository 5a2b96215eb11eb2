// Package linear tests that concurrent clients are told the truth, whatever they ask: that there is an order of all their
// commands in which a plain ledger would have answered each of them the same. There is nothing in it but this test, and
// the plain ledger.
//
// Reading order: linear_test.go, told_test.go, plain_test.go, moves_test.go, books_test.go, accounts_test.go,
// units_test.go, clients_test.go.
package linear

package commands

import "github.com/daybook-ledger/daybook/domain/ledger"

// ReadCommand reads a line of a stream of commands, and finds what is wrong with its shape, as the server does. It is for
// clients of the same program that test what they are about to send: so they know every command, and no second reader has
// to keep up with this one. The error is an [httpx.Problem], with pointers into the line.
func ReadCommand(line []byte) (ledger.Command, error) {
	it := decodeItem(line)
	if it.problem != nil {
		return nil, it.problem
	}
	return it.command, nil
}

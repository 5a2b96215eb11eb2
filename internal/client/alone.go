package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Types of commands that no bulk takes. In files of commands they stand beside the others.
const (
	ReplaceChart     = "replace_chart"
	CloseAccount     = "close_account"
	ReopenAccount    = "reopen_account"
	ClosePeriod      = "close_period"
	ReopenPeriod     = "reopen_period"
	DeclareAssertion = "declare_assertion"
)

// routes are the requests that commands of these types are. Their data are the body, but for what stands in the path.
var routes = map[string]struct {
	method string
	path   []string
}{
	ReplaceChart:     {http.MethodPut, []string{"chart"}},
	CloseAccount:     {http.MethodPost, []string{"accounts", inPath, "close"}},
	ReopenAccount:    {http.MethodPost, []string{"accounts", inPath, "reopen"}},
	ClosePeriod:      {http.MethodPost, []string{"periods", "close"}},
	ReopenPeriod:     {http.MethodPost, []string{"periods", "reopen"}},
	DeclareAssertion: {http.MethodPost, []string{"assertions"}},
}

// inPath is the member of the data that stands in the path instead, and the place where it does.
const inPath = "address"

// TypesAlone are the types of commands that are sent by themselves, in order.
func TypesAlone() []string { return slices.Sorted(maps.Keys(routes)) }

// IsAlone tells whether commands of a type are sent by themselves.
func IsAlone(kind string) bool { return routes[kind].method != "" }

var (
	errNoObject  = errors.New("the data are not an object")
	errNoAddress = errors.New(`the data have no "address" that is a text`)
)

// CheckAlone tests a command that is sent by itself, as far as that can be done without a server.
func CheckAlone(command Command) error {
	_, _, err := split(command)
	return err
}

// SendAlone sends a command of one of these types, with its idempotency key if it has one.
func (c *Client) SendAlone(ctx context.Context, ledger string, command Command) (a Accepted, err error) {
	parts, body, err := split(command)
	if err != nil {
		return a, fmt.Errorf("make a request of the command %s: %w", command.Type, err)
	}
	return a, c.command(ctx, routes[command.Type].method, path(ledger, parts...), command.IdempotencyKey, body, &a)
}

// split gives the parts of the path of such a command's request, and its body.
func split(command Command) (parts []string, body json.RawMessage, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(command.Data, &members); err != nil || members == nil {
		return nil, nil, errNoObject
	}
	parts = slices.Clone(routes[command.Type].path)
	at := slices.Index(parts, inPath)
	if at < 0 {
		return parts, command.Data, nil
	}
	var address string
	if err := json.Unmarshal(members[inPath], &address); err != nil || address == "" {
		return nil, nil, errNoAddress
	}
	parts[at] = address
	delete(members, inPath)
	body, err = json.Marshal(members)
	return parts, body, err
}

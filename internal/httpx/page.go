package httpx

import (
	"encoding/base64"

	"github.com/go-json-experiment/json"
)

// Bounds of ?limit=.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// cursorVersion changes when what cursors hold changes, so that an old one is refused rather than misread.
const cursorVersion = 1

type cursor[T any] struct {
	Version int `json:"v"`
	After   T   `json:"a"`
}

// EncodeCursor makes the opaque text of ?cursor= from what the handler needs to go on after a row.
func EncodeCursor[T any](after T) (string, error) {
	// Deterministic, so that the same page always has the same cursor.
	data, err := json.Marshal(cursor[T]{Version: cursorVersion, After: after}, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}

// DecodeCursor reads what [EncodeCursor] made. ok is false for anything else.
func DecodeCursor[T any](text string) (after T, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return after, false
	}
	var c cursor[T]
	if err := json.Unmarshal(data, &c, json.RejectUnknownMembers(true)); err != nil || c.Version != cursorVersion {
		return after, false
	}
	return c.After, true
}

// Cursor reads ?cursor=. given is false where there is none; a bad one is a fault of the parameters.
func Cursor[T any](p *Params) (after T, given bool) {
	text, given := p.String("cursor")
	if !given {
		return after, false
	}
	after, ok := DecodeCursor[T](text)
	if !ok {
		p.Fault("cursor", "not a cursor of this list; use next_cursor of the page before, or leave it out")
	}
	return after, ok
}

// Limit reads ?limit=: how many rows a page has.
func (p *Params) Limit() int {
	n, given := p.Uint("limit")
	switch {
	case !given:
		return DefaultLimit
	case n < 1 || n > MaxLimit:
		p.Fault("limit", "must be from 1 to 1000")
		return DefaultLimit
	}
	return int(n)
}

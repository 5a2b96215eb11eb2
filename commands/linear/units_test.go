package linear_test

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
)

// The requests that are made of others.
type (
	// keyed has an idempotency key.
	keyed struct {
		request request
		key     int
	}
	// tried is a dry run.
	tried struct{ posting }
	// bulk is atomic.
	bulk struct{ parts []request }
)

const keys = 80

// plainKey is what was asked with a key, and told; nothing where the key is not used up.
type plainKey struct{ request, told string }

// unit puts keys where the handlers put them: a bulk has one of its own, and each of its commands a part of it.
func (k keyed) unit(h heard) commands.Unit {
	u := k.request.unit(h)
	key, request := fmt.Sprintf("key %d", k.key), sha256.Sum256([]byte(name(k.request)))
	for i := range u.Commands {
		u.Commands[i].Key, u.Commands[i].Request = key, request
		if u.Atomic {
			u.Commands[i].Key = engine.PartKey(key, i)
		}
	}
	if u.Atomic {
		u.Key, u.Request = key, request
	}
	return u
}

func (k keyed) step(s *plain, h heard) told {
	known := &s.keys[k.key]
	if known.told != "" {
		if known.request != name(k.request) {
			return no("idempotency_key_reused")
		}
		return told{text: again + known.told}
	}
	t := k.request.step(s, h)
	if !t.isNo() {
		*known = plainKey{name(k.request), t.text}
	}
	return t
}

func (t tried) unit(h heard) commands.Unit {
	u := t.posting.unit(h)
	u.DryRun = true
	return u
}

func (t tried) step(s *plain, h heard) told {
	would, from := s.clone(), s.events-1
	answer := t.posting.step(&would, h)
	if !answer.isNo() {
		answer.text += fmt.Sprintf(", from revision %d", from)
	}
	return answer
}

func (b bulk) unit(h heard) commands.Unit {
	u := commands.Unit{Atomic: true}
	for _, part := range b.parts {
		u.Commands = append(u.Commands, part.unit(h).Commands...)
	}
	return u
}

func (b bulk) step(s *plain, h heard) told {
	after, texts := s.clone(), []string{}
	for i, part := range b.parts {
		t := part.step(&after, h)
		if t.isNo() {
			return no("command %d: %s", i, t.text)
		}
		texts = append(texts, t.text)
	}
	*s = after
	return told{text: strings.Join(texts, "; ")}
}

// name is what tells a request from others.
func name(r request) string { return fmt.Sprintf("%T %+v", r, r) }

// kindOf is a request's type, and that of the one with a key.
func kindOf(r request) string {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", r), "linear_test.")
	switch r := r.(type) {
	case keyed:
		return kindOf(r.request)
	case posting:
		return kind + [...]string{" exactly", " all", " up to"}[r.sweep]
	}
	return kind
}

var everyKind = []string{
	"posting exactly", "posting all", "posting up to", "holding", "capture", "void", "revert", "openAccount", "closeAccount", "reopenAccount",
	"noteAccount", "noteTransaction", "replaceChart", "closePeriod", "reopenPeriod", "declare", "evaluate", "tried", "bulk",
	"told: " + again, "told: broken at", "told: holds at", "told: intending", "told: opens",
}

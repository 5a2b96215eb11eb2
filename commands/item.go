package commands

import (
	"crypto/sha256"
	"strconv"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

const maxCommands = 10_000

// item is one command of a bulk: a command of good shape, or the problem of a bad one.
type item struct {
	command ledger.Command
	key     string
	problem *httpx.Problem
}

type bulk struct {
	atomic bool
	items  []item
}

// decodeBulk reads the body of a bulk. It keeps nothing of data. What is malformed anywhere fails it as a whole, for
// it is one document; a field with a wrong value fails one command.
func decodeBulk(data []byte) (*bulk, *httpx.Problem) {
	b, ok := plainBulk(string(data))
	if !ok {
		var problem *httpx.Problem
		if b, problem = generalBulk(data); problem != nil {
			return nil, problem
		}
	}
	for i := range b.items {
		it := &b.items[i]
		if it.problem == nil {
			continue
		}
		it.problem = within(it.problem, "/commands/"+strconv.Itoa(i))
		if it.problem.Code == httpx.CodeMalformedRequest {
			return nil, it.problem
		}
	}
	return b, nil
}

func generalBulk(data []byte) (*bulk, *httpx.Problem) {
	var body bulkBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return nil, httpx.AsProblem(err)
	}
	if body.Commands == nil || len(*body.Commands) < 1 || len(*body.Commands) > maxCommands {
		return nil, httpx.InvalidField(httpx.FieldError{
			Pointer: "/commands", Detail: "want 1 to " + strconv.Itoa(maxCommands) + " commands",
		})
	}
	b := &bulk{atomic: body.Atomic, items: make([]item, len(*body.Commands))}
	for i := range *body.Commands {
		b.items[i] = (*body.Commands)[i].item()
	}
	return b, nil
}

// item makes the command, whichever type it is of.
func (b *commandBody) item() item {
	var f faults
	var it item
	if b.Key != nil {
		it.key = *b.Key
		if !fitKey(it.key) {
			f.add("/idempotency_key", wantKey)
		}
	}
	if len(b.Data) == 0 || b.Data.Kind() == 'n' {
		f.add("/data", required)
		b.Data = nil
	}
	switch decode, known := itemTypes[b.Type]; {
	case b.Type == "":
		f.add("/type", required)
	case !known:
		f.add("/type", wantType)
	case b.Data != nil:
		it.command, it.problem = decode(b.Data)
	}
	if it.problem != nil {
		it.problem = within(it.problem, "/data")
	}
	if len(f) > 0 && (it.problem == nil || it.problem.Code == httpx.CodeInvalidField) {
		if it.problem != nil {
			f = append(f, it.problem.Errors...)
		}
		it.problem = httpx.InvalidField(f...)
	}
	return it
}

// commands are those of good shape, with the keys they are to have: their own, or one made of that of the whole request.
func (b *bulk) commands(key string, whole envelope.Hash) []command {
	commands := make([]command, 0, len(b.items))
	for i := range b.items {
		it := &b.items[i]
		if it.problem != nil {
			continue
		}
		cmd := command{Command: it.command, Key: it.key}
		switch {
		case it.key != "":
			cmd.Request = digestOf(it.command)
		case key != "":
			cmd.Key, cmd.Request = engine.PartKey(key, i), whole
		}
		commands = append(commands, cmd)
	}
	return commands
}

// digest is the fingerprint of the whole request: the same header with another request is a misuse, even if a command of
// it is the same.
func (b *bulk) digest() envelope.Hash {
	buf := buffers.get()
	defer buffers.put(buf)
	*buf = appendBool(appendText(*buf, "daybook:bulk:1"), b.atomic)
	for i := range b.items {
		it := &b.items[i]
		*buf = appendText(*buf, it.key)
		if it.problem != nil {
			*buf = it.problem.AppendJSON(*buf)
			continue
		}
		one := digestOf(it.command)
		*buf = append(*buf, one[:]...)
	}
	return sha256.Sum256(*buf)
}

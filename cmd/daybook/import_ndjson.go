package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// openLedger is the type of the line that an export begins with.
const openLedger = "open_ledger"

// readNDJSON checks every line, and then gives them one after the other from a second reading.
func readNDJSON(source *source) (*batch, error) {
	var faults faults
	b := &batch{items: lines(source)}
	for it, err := range b.items {
		var wrong *lineError
		if err != nil && !errors.As(err, &wrong) {
			return nil, err
		}
		faults.add(err)
		if faults.full() {
			break
		}
		b.note(&it)
		b.count++
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return b, nil
}

// lineError is what is wrong with one line.
type lineError struct {
	at  string
	err error
}

func (e *lineError) Error() string { return e.at + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// lines yields the commands of a source, or the lineError of each line that is not one. Another error ends it.
func lines(source *source) func(yield func(item, error) bool) {
	return func(yield func(item, error) bool) {
		content, err := source.rewind()
		if err != nil {
			yield(item{}, err)
			return
		}
		reader := bufio.NewReaderSize(content, 1<<16)
		first := true
		for number := 1; ; number++ {
			line, err := reader.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(item{}, fmt.Errorf("read %s: %w", source.path, err))
				return
			}
			if len(bytes.TrimSpace(line)) > 0 {
				it := item{at: source.path + ":" + strconv.Itoa(number)}
				wrong := it.fromLine(line, source.name+"#"+strconv.Itoa(number))
				if wrong == nil && it.opening != nil && !first {
					wrong = errOpeningLate
				}
				if wrong != nil {
					wrong = &lineError{it.at, wrong}
				}
				if !yield(it, wrong) {
					return
				}
				first = false
			}
			if err != nil {
				return
			}
		}
	}
}

var errOpeningLate = errors.New("the opening of the ledger stands in the first line")

// fromLine takes a command as it stands. Only what makes it safe to send again is added where it has nothing of its own:
// the mark as a reference, which its ledger knows for ever, or an idempotency key made of the mark.
func (it *item) fromLine(line []byte, mark string) error {
	var given struct {
		Type string         `json:"type"`
		Key  string         `json:"idempotency_key"`
		Data jsontext.Value `json:"data"`
	}
	if err := strictly(line, &given); err != nil {
		return err
	}
	it.body = client.Command{Type: given.Type, IdempotencyKey: given.Key, Data: json.RawMessage(given.Data)}
	switch {
	case given.Type == openLedger:
		it.opening = new(client.NewLedger)
		return strictly(given.Data, it.opening)
	case client.IsAlone(given.Type):
		it.key(mark)
		return client.CheckAlone(it.body)
	}
	var err error
	if it.command, err = commands.ReadCommand(line); err != nil {
		return alsoInFiles(err)
	}
	switch command := it.command.(type) {
	case ledger.PostTransaction:
		err = it.refer(&command.Movement, mark)
		it.command = command
	case ledger.PlaceHold:
		err = it.refer(&command.Movement, mark)
		it.command = command
	case ledger.CaptureHold:
		err = it.refer(&command.Movement, mark)
		it.command = command
	case ledger.OpenAccount: // an account is there or not, and can be compared
	default:
		it.key(mark)
	}
	if err != nil {
		return err
	}
	return ledger.Validate(it.command) // with its reference
}

// strictly reads JSON as the server does, and tells faults in its words.
func strictly(data []byte, into any) error {
	if err := httpx.DecodeJSON(data, into); err != nil {
		return errors.New(httpx.AsProblem(err).Text())
	}
	return nil
}

// alsoInFiles adds to the types that a bulk takes those that a file may have besides.
func alsoInFiles(err error) error {
	atType := func(f httpx.FieldError) bool { return f.Pointer == "/type" }
	if problem := httpx.AsProblem(err); slices.ContainsFunc(problem.Errors, atType) {
		return fmt.Errorf("%w In a file also %s.", err, strings.Join(client.TypesAlone(), ", ")) //nolint:staticcheck // sentences
	}
	return err
}

// refer gives a movement a reference, and leaves the rest of its data as it came.
func (it *item) refer(movement *ledger.Movement, reference string) error {
	if movement.Reference != "" {
		return nil
	}
	movement.Reference = reference
	var members map[string]json.RawMessage
	if err := json.Unmarshal(it.body.Data, &members); err != nil {
		return fmt.Errorf("add a reference: %w", err)
	}
	quoted, err := json.Marshal(reference)
	if err != nil {
		return fmt.Errorf("add a reference: %w", err)
	}
	members["reference"] = quoted
	it.body.Data, err = json.Marshal(members)
	return err
}

func (it *item) key(mark string) {
	if it.body.IdempotencyKey != "" {
		return
	}
	const digits = 32
	digest := sha256.Sum256([]byte(mark)) // a name may have letters that a key may not have
	it.body.IdempotencyKey = "import-" + hex.EncodeToString(digest[:])[:digits]
}

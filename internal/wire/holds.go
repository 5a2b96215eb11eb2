package wire

import (
	"strconv"
	"time"
)

// The statuses of a hold.
const (
	HoldOpen     = "open"
	HoldCaptured = "captured"
	HoldVoided   = "voided"
	HoldExpired  = "expired"
)

// Hold is entries that were set aside, and what became of them.
//
// Entries are those that were placed, Remaining what of them is still set aside: none where the hold is not open.
// Transactions are the ids of those that captured it, in order. Revision is that of the event that placed it.
type Hold struct {
	ID           uint64            `json:"id"`
	Ledger       string            `json:"ledger"`
	Status       string            `json:"status"`
	Entries      []Entry           `json:"entries"`
	Remaining    []Entry           `json:"remaining"`
	EffectiveAt  time.Time         `json:"effective_at"`
	ExpiresAt    *time.Time        `json:"expires_at"`
	RecordedAt   time.Time         `json:"recorded_at"`
	Reference    *string           `json:"reference"`
	Description  string            `json:"description"`
	Metadata     map[string]string `json:"metadata"`
	Transactions []uint64          `json:"transactions"`
	Actor        string            `json:"actor"`
	Revision     uint64            `json:"revision"`
}

// AppendJSON writes the hold.
func (h *Hold) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendUint(b, h.ID, 10)
	b = append(b, `,"ledger":`...)
	b = AppendString(b, h.Ledger)
	b = append(b, `,"status":`...)
	b = AppendString(b, h.Status)
	b = append(b, `,"entries":`...)
	b = AppendEntries(b, h.Entries)
	b = append(b, `,"remaining":`...)
	b = AppendEntries(b, h.Remaining)
	b = append(b, `,"effective_at":`...)
	b = appendTime(b, h.EffectiveAt)
	b = append(b, `,"expires_at":`...)
	b = appendOptionalTime(b, h.ExpiresAt)
	b = append(b, `,"recorded_at":`...)
	b = appendTime(b, h.RecordedAt)
	b = append(b, `,"reference":`...)
	b = appendOptional(b, h.Reference)
	b = append(b, `,"description":`...)
	b = AppendString(b, h.Description)
	b = append(b, `,"metadata":`...)
	b = AppendMetadata(b, h.Metadata)
	b = append(b, `,"transactions":[`...)
	for i, id := range h.Transactions {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, id, 10)
	}
	b = append(b, `],"actor":`...)
	b = AppendString(b, h.Actor)
	b = append(b, `,"revision":`...)
	b = strconv.AppendUint(b, h.Revision, 10)
	return append(b, '}')
}

func appendOptionalTime(b []byte, t *time.Time) []byte {
	if t == nil {
		return append(b, `null`...)
	}
	return appendTime(b, *t)
}

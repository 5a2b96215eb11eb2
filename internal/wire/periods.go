package wire

import "time"

// Period says which days of a ledger are closed. Both are dates (2026-01-31), and null where no day is closed.
type Period struct {
	ClosedThrough *string `json:"closed_through"`
	FirstOpenDay  *string `json:"first_open_day"`
}

// Periods are the closed days of a ledger and how they came to be: the closings in force in order of the day that they
// go through, and all that ever happened, in order of revision.
type Periods struct {
	Period

	Closings []Closing      `json:"closings"`
	History  []PeriodChange `json:"history"`
}

// Closing is a closing of days that no reopening has taken back. Through is a date.
type Closing struct {
	Through  string    `json:"through"`
	ClosedAt time.Time `json:"closed_at"`
	Actor    string    `json:"actor"`
	Reason   string    `json:"reason"`
	Revision uint64    `json:"revision"`
}

// PeriodChange is a closing or a reopening of days. Through is the date that was named, ClosedThrough the last closed day
// afterwards, null for none.
type PeriodChange struct {
	Action        string    `json:"action"`
	Through       string    `json:"through"`
	ClosedThrough *string   `json:"closed_through"`
	RecordedAt    time.Time `json:"recorded_at"`
	Actor         string    `json:"actor"`
	Reason        string    `json:"reason"`
	Revision      uint64    `json:"revision"`
}

package ledger

import (
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
)

// Command is a request to change one ledger. The set is closed: it is the types of this file.
//
// [Validate] checks the shape of a command by itself; [Decide] checks it against a book. Decide takes only commands
// that Validate accepts.
type Command interface{ isCommand() }

// OpenLedger starts a ledger. Its chart is Chart, or that of Template where Chart is nil ("general" where Template is
// empty too). Giving both is refused.
type OpenLedger struct {
	Name     string
	Template Template
	Chart    *Chart
	Metadata Metadata
}

// OpenAccount opens an account explicitly, before or instead of its first entry.
type OpenAccount struct {
	Address address.Address
	// Type is empty to take the chart's.
	Type AccountType
	// Limits override those of the chart's rule, each one that is set.
	Limits   Limits
	Metadata Metadata
}

// PostTransaction moves amounts between accounts. Accounts that do not exist are opened where the chart allows it.
type PostTransaction struct {
	// Entries balance to zero in every asset. They take effect together.
	Entries []Entry
	// EffectiveAt is when the transaction counts; the zero time stands for the moment at which it is recorded.
	EffectiveAt time.Time
	// Reference is unique in its ledger for ever; empty for none.
	Reference   string
	Description string
	Metadata    Metadata
}

func (OpenLedger) isCommand()      {}
func (OpenAccount) isCommand()     {}
func (PostTransaction) isCommand() {}

package eventstore

// Traits are where stores differ that all keep the port's promises. A store declares its own, the suite in storetest holds
// it to them, and operators are shown them.
type Traits struct {
	// MaxAppendBytes is the most that one append takes, in bytes of types, data and metadata.
	MaxAppendBytes int
	// Withdraws: an append whose context ends while it waits is not written, and says so. Elsewhere its outcome is unknown.
	Withdraws bool
	// RecognisesRepetition: an append that is sent again, expecting what it did the first time, is answered as it was then.
	// Elsewhere it conflicts with itself.
	RecognisesRepetition bool
}

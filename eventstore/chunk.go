package eventstore

// Chunk is some consecutive records of one stream as a store keeps them, not yet taken apart: what an auditor reads, who
// wants to see what is damaged too, and to take records apart on several processors at once.
type Chunk struct {
	// Stream is whose records they are; empty where that cannot be told.
	Stream string
	// First is the revision of the first, Count how many there are said to be.
	First Revision
	Count int
	// Last is the place of the last in the whole log: where to go on after it.
	Last Position
	// Open tests the chunk and appends its records to dst, with those that are damaged as far as they can be read; their
	// slices are the chunk's own. Its error says what is wrong with the chunk as a whole. Chunks that were read together
	// are opened by one goroutine at a time.
	Open func(dst []Recorded) ([]Recorded, error)
}

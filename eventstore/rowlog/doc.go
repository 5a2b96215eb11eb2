// Package rowlog is what the event stores on SQL databases have in common: a log that is kept as rows, each of which holds
// the records of an append.
//
// It encodes records into the payloads of rows ([Encode]) and reads streams and the whole log back from rows
// ([ReadStream], [Cursor]), which it asks a [Source] for; auditors get rows with their damage ([Chunks]). It knows no database: where rows are kept, how they come to have
// positions in commit order, and how writers are kept from each other, is the store's own affair.
package rowlog

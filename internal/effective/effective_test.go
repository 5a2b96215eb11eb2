package effective_test

import (
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/effective"
)

func TestSplitAndJoin(t *testing.T) {
	for _, test := range []struct {
		at         string
		day, nanos int64
	}{
		{"1970-01-01T00:00:00Z", 0, 0},
		{"1970-01-01T00:00:00.000000001Z", 0, 1},
		{"1969-12-31T23:59:59.999999999Z", -1, effective.LastNano},
		{"1969-12-31T00:00:00Z", -1, 0},
		{"1969-12-31T01:00:00+02:00", -2, 23 * int64(time.Hour)},
		{"2026-01-31T12:00:00Z", 20484, 12 * int64(time.Hour)},
		{"0001-01-01T00:00:00Z", -719162, 0},
		{"9999-12-31T23:59:59.999999999Z", 2932896, effective.LastNano},
	} {
		at, err := time.Parse(time.RFC3339Nano, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if day, nanos := effective.Split(at); day != test.day || nanos != test.nanos {
			t.Errorf("%s is day %d, nanosecond %d; want %d, %d", test.at, day, nanos, test.day, test.nanos)
		}
		if back := effective.Join(test.day, test.nanos); !back.Equal(at) || back.Location() != time.UTC {
			t.Errorf("%s came back as %s", test.at, back)
		}
	}
}

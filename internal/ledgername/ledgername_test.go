package ledgername_test

import (
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

func TestNamesAreJudgedAsTheDomainDoes(t *testing.T) {
	for _, name := range []string{"", "a", "-a", "a-", "A", "a b", "ä", "a_b", "0", strings.Repeat("a", 63), strings.Repeat("a", 64), "a\x00"} {
		if got, want := ledgername.Fits(name), ledger.Validate(ledger.OpenLedger{Name: name}) == nil; got != want {
			t.Errorf("Fits(%q) = %t, the domain says %t", name, got, want)
		}
	}
}

func TestStreams(t *testing.T) {
	if name, ok := ledgername.Of(ledgername.Stream("main")); name != "main" || !ok {
		t.Errorf("the stream of main is that of %q, %t", name, ok)
	}
	if name, ok := ledgername.Of("clients"); ok {
		t.Errorf("the stream clients is that of ledger %q", name)
	}
}

package main

import (
	"strings"
	"testing"
)

func TestHelpTellsDefaults(t *testing.T) {
	for of, want := range map[string]string{
		"serve": "(default: 127.0.0.1:8080)", "balances": "(default: http://127.0.0.1:8080)", "projections list": "(default: data)",
	} {
		out, _, code := command(t, "", append(strings.Fields(of), "--help")...)
		if joined := strings.Join(strings.Fields(out), " "); code != 0 || !strings.Contains(joined, want) {
			t.Errorf("%s: code %d, %q is not in\n%s", of, code, want, out)
		}
	}
}

func TestWhereThereIsNoServer(t *testing.T) {
	for server, want := range map[string]struct {
		code int
		text string
	}{
		"127.0.0.1:8080":     {exitUsage, "want a URL such as http://127.0.0.1:8080"},
		"example":            {exitUsage, "want a URL such as http://127.0.0.1:8080"},
		"http://127.0.0.1:1": {exitFailed, "no server answers at http://127.0.0.1:1 (daybook serve starts one)"},
	} {
		_, text, code := command(t, "", "balances", "--ledger", "main", "--server", server)
		if code != want.code || !strings.Contains(text, want.text) {
			t.Errorf("%s: code %d, %s", server, code, text)
		}
	}
}

func TestFaultsAreToldOnceAndInOurWords(t *testing.T) {
	s := openShop(t)
	s.must("2024-01-01 x\n  a  1 EUR\n  b\n", "import", "--ledger", "main", "-")
	if text := s.refused("", "balances", "--ledger", "main", "--at", "soon"); strings.Count(text, "?at: ") != 1 {
		t.Errorf("not told once: %s", text)
	}
	if text := s.refused("{oops\n", "import", "--ledger", "main", "--format", "ndjson", "-"); strings.Contains(text, "jsontext") ||
		!strings.Contains(text, "standard input:1: ") {
		t.Errorf("the words of a library: %s", text)
	}
}

func TestTotalsHaveTheSideThatTheirRowsShare(t *testing.T) {
	s := openShop(t)
	s.must("2024-01-01 x\n  Equity:a  -5 EUR\n  Equity:b  -3 EUR\n  Assets:c\n", "import", "--ledger", "main", "-")
	equal(t, "all on the credit side", s.must("", "balances", "--ledger", "main", "Equity:**"), ""+
		"ACCOUNT   DEBITS  CREDITS  BALANCE  ASSET\n"+
		"Equity:a       0        5        5  EUR\n"+
		"Equity:b       0        3        3  EUR\n"+
		"total          0        8        8  EUR\n")
	equal(t, "both sides", s.must("", "balances", "--ledger", "main"), ""+
		"ACCOUNT   DEBITS  CREDITS  BALANCE  ASSET\n"+
		"Assets:c       8        0        8  EUR\n"+
		"Equity:a       0        5        5  EUR\n"+
		"Equity:b       0        3        3  EUR\n"+
		"total          8        8        0  EUR\n")
}

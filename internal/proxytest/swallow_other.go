//go:build !linux

package proxytest

import "testing"

// Swallow skips the test: no way is known here to lose what is sent without a word.
func (p *Proxy) Swallow(tb testing.TB) {
	tb.Helper()
	tb.Skip("connections can be made silent on Linux only")
}

// Package trust decides which machines may reach a process that does not ask anybody who they are.
//
// Daybook has no authentication. What it serves is therefore offered to the machine itself, by loopback, and besides to
// networks of which the operator has declared that everybody there may do everything: [Networks]. A listener has to stand
// in one of them, by its address, and a [Networks.Guard] around it lets nobody in from elsewhere.
//
// Settings come in as text; connections come from listeners and go on to servers. Nothing is read from what a peer says
// of itself.
package trust

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Networks are those that are trusted besides loopback, which always is. The zero value trusts loopback only.
type Networks []netip.Prefix

// private are the addresses that no router of the internet forwards to (RFC 1918, RFC 6598, RFC 4193). Only parts of
// these can be trusted as a whole.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("fc00::/7"),
}

// Parse reads networks from CIDRs with commas between them, such as "172.28.1.0/24,fd00:1::/64". Empty text is no network.
// It refuses whatever is not wholly private, and an address that is not the network's own, which is likely a slip.
func Parse(text string) (Networks, error) {
	if text == "" {
		return nil, nil
	}
	var networks Networks
	for one := range strings.SplitSeq(text, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(one))
		if err != nil {
			return nil, fmt.Errorf("%q is no network: want a CIDR such as 172.28.1.0/24", one)
		}
		if network != network.Masked() {
			return nil, fmt.Errorf("%s is an address in the network %s: name that, if all of it is to be trusted", network, network.Masked())
		}
		if !isPrivate(network) {
			return nil, fmt.Errorf("%s is not private: anybody could be there", network)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func isPrivate(network netip.Prefix) bool {
	for _, space := range private {
		if space.Bits() <= network.Bits() && space.Contains(network.Addr()) {
			return true
		}
	}
	return false
}

// Trusts tells whether an address is this machine's loopback, or in one of the networks.
func (n Networks) Trusts(address netip.Addr) bool {
	address = address.Unmap() // a listener for both versions tells of peers with version 4 in the form of version 6
	if address.IsLoopback() {
		return true
	}
	for _, network := range n {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// ErrUntrusted means that a listener would be reached from where nobody is trusted.
var ErrUntrusted = errors.New("it is neither loopback nor in a trusted network")

// CheckListener refuses to listen on host:port where others than loopback and the networks might reach it: on addresses
// elsewhere ([ErrUntrusted]), on all addresses at once, because some of them may be elsewhere, now or when an interface
// is added, and on names, because what they stand for is not decided here. The name localhost is taken for what it says.
func (n Networks) CheckListener(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("want host:port: %w", err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("want host:port, and %q is no port: %w", port, errors.Unwrap(err))
	}
	if host == "localhost" {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !n.Trusts(ip) {
		return ErrUntrusted
	}
	return nil
}

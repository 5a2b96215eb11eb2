package ledger

import (
	"strings"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Matcher finds the rule of a chart that holds for an address. It is immutable, and safe for concurrent use.
//
// The rules' patterns are laid out as a tree of segments. A walk from the root tries at each segment the literal, then
// "*", then "**", and takes the first rule it comes to: that is the most specific one. A branch may turn out to lead
// nowhere, so the walk can go back. How often is bounded without regard to the number of rules: each node that it
// visits is the address's own prefix with some of its segments replaced by "*", so that it visits at most one node for
// each prefix of each arrangement of wildcards in the chart. [Validate] refuses charts with more than maxArrangements.
type Matcher struct {
	rules      []compiledRule
	undeclared Undeclared
	nodes      []node
	edges      map[edge]uint32
	// anyCase are the edges from the root whose segment is compared in lower case.
	anyCase map[string]uint32
}

// compiledRule is a rule whose assets can be looked up.
type compiledRule struct {
	Rule

	// allowed is nil where every asset is.
	allowed map[money.Asset]struct{}
}

// node stands for the start of some patterns. Rules are numbered from 0; noRule stands for none, node 0 (the root,
// where no edge leads) for no node.
type node struct {
	rule uint32 // that of the pattern that ends here
	rest uint32 // that of the pattern that ends here with "**"
	one  uint32 // the node behind "*"
}

type edge struct {
	from    uint32
	segment string
}

const noRule = ^uint32(0)

// maxArrangements is how many different arrangements of wildcards the patterns of a chart may have: "users:*:wallet"
// and "banks:*:loan" have the same one, "users:wallet:*" has another. Charts in use have fewer than ten.
const maxArrangements = 256

// defaultRule holds where no rule matches and the chart allows that.
var defaultRule = compile(Rule{Type: Liability}) //nolint:gochecknoglobals // a constant that Go cannot declare

// Matcher prepares the chart for matching. Of rules with the same pattern the first one holds.
func (c Chart) Matcher() *Matcher {
	m := &Matcher{
		rules:      make([]compiledRule, len(c.Rules)),
		undeclared: c.Undeclared,
		nodes:      []node{{rule: noRule, rest: noRule}},
		edges:      make(map[edge]uint32, len(c.Rules)),
		anyCase:    map[string]uint32{},
	}
	for i, rule := range c.Rules {
		m.rules[i] = compile(rule)
		m.add(rule, uint32(i))
	}
	return m
}

// Match gives the rule that holds for an address, and whether the address may be used. Where no rule matches and the
// chart allows undeclared accounts that is the rule of liabilities without limits.
func (m *Matcher) Match(a address.Address) (Rule, bool) {
	if i := m.find(a); i != noRule {
		return m.rules[i].Rule, true
	}
	return defaultRule.Rule, m.undeclared == Allow
}

// rule gives a rule by its number, which may be noRule.
func (m *Matcher) rule(number uint32) *compiledRule {
	if number == noRule {
		return &defaultRule
	}
	return &m.rules[number]
}

func compile(rule Rule) compiledRule {
	c := compiledRule{Rule: rule}
	if len(rule.Assets) > 0 {
		c.allowed = make(map[money.Asset]struct{}, len(rule.Assets))
		for _, asset := range rule.Assets {
			c.allowed[asset] = struct{}{}
		}
	}
	return c
}

func (r *compiledRule) allows(asset money.Asset) bool {
	if r.allowed == nil {
		return true
	}
	_, ok := r.allowed[asset]
	return ok
}

func (m *Matcher) add(rule Rule, number uint32) {
	at := uint32(0)
	top := true
	for segment := range rule.Pattern.Segments() {
		switch {
		case segment == address.Rest:
			if m.nodes[at].rest == noRule {
				m.nodes[at].rest = number
			}
			return
		case segment == address.One:
			if m.nodes[at].one == 0 {
				m.nodes[at].one = m.newNode()
			}
			at = m.nodes[at].one
		case top && rule.AnyCase:
			at = follow(m, m.anyCase, strings.ToLower(segment))
		default:
			at = follow(m, m.edges, edge{at, segment})
		}
		top = false
	}
	if m.nodes[at].rule == noRule {
		m.nodes[at].rule = number
	}
}

func (m *Matcher) newNode() uint32 {
	m.nodes = append(m.nodes, node{rule: noRule, rest: noRule})
	return uint32(len(m.nodes) - 1)
}

func follow[K comparable](m *Matcher, edges map[K]uint32, key K) uint32 {
	to, ok := edges[key]
	if !ok {
		to = m.newNode()
		edges[key] = to
	}
	return to
}

// find gives the number of the most specific rule that matches, or noRule.
func (m *Matcher) find(a address.Address) uint32 {
	segment, tail, more := strings.Cut(string(a), address.Separator)
	if to, ok := m.edges[edge{0, segment}]; ok {
		if rule := m.walk(to, tail, more); rule != noRule {
			return rule
		}
	}
	if len(m.anyCase) > 0 {
		if to, ok := m.anyCase[strings.ToLower(segment)]; ok {
			if rule := m.walk(to, tail, more); rule != noRule {
				return rule
			}
		}
	}
	if to := m.nodes[0].one; to != 0 {
		if rule := m.walk(to, tail, more); rule != noRule {
			return rule
		}
	}
	return m.nodes[0].rest
}

// walk goes on from a node with what is left of the address, if more of it is left.
func (m *Matcher) walk(at uint32, left string, more bool) uint32 {
	if !more {
		return m.nodes[at].rule
	}
	segment, tail, more := strings.Cut(left, address.Separator)
	if to, ok := m.edges[edge{at, segment}]; ok {
		if rule := m.walk(to, tail, more); rule != noRule {
			return rule
		}
	}
	if to := m.nodes[at].one; to != 0 {
		if rule := m.walk(to, tail, more); rule != noRule {
			return rule
		}
	}
	return m.nodes[at].rest
}

package cluster

import (
	"cmp"
	"slices"
	"time"
)

// Picture is a cluster as one node sees it.
type Picture struct {
	// Node is who sees it so.
	Node string
	// Standing is "held" where that node has a session, "alone" where it decides without the others, "seeking" where it does neither.
	Standing string
	// Nodes are those that have a session, by name.
	Nodes []NodePicture
	// Leaders are the nodes that do the singletons' work, by the singleton's name.
	Leaders map[string]string
	// Unowned is how many ledgers belong to nobody at present: their nodes are gone, and nobody asked for them since.
	Unowned int
}

// NodePicture is a node of a cluster.
type NodePicture struct {
	Node

	// Session is its session, and Started when the process joined.
	Session string
	Started time.Time
	// Ledgers is how many it owns.
	Ledgers int
	// Leads are the singletons whose work it does, by name.
	Leads []string
}

// Picture is the cluster as this node sees it at present.
func (m *Member) Picture() Picture {
	v := m.view
	v.mu.RLock()
	defer v.mu.RUnlock()
	p := Picture{Node: v.node, Standing: v.standingLocked().String(), Leaders: map[string]string{}}
	at := map[string]int{}
	for name, n := range v.nodes {
		p.Nodes = append(p.Nodes, NodePicture{Node: n.Node, Session: n.Session, Started: n.Started})
		p.Nodes[len(p.Nodes)-1].Name = name
	}
	slices.SortFunc(p.Nodes, func(a, b NodePicture) int { return cmp.Compare(a.Name, b.Name) })
	for i := range p.Nodes {
		at[p.Nodes[i].Session] = i
	}
	for _, c := range v.ledgers {
		i, there := at[c.Session]
		switch {
		case c.gone:
		case there && p.Nodes[i].Name == c.Node:
			p.Nodes[i].Ledgers++
		default:
			p.Unowned++
		}
	}
	for name, c := range v.singletons {
		if i, there := at[c.Session]; there && p.Nodes[i].Name == c.Node {
			p.Nodes[i].Leads = append(p.Nodes[i].Leads, name)
			p.Leaders[name] = c.Node
		}
	}
	for i := range p.Nodes {
		slices.Sort(p.Nodes[i].Leads)
	}
	return p
}

// String names a standing.
func (s standing) String() string {
	switch s {
	case held:
		return "held"
	case alone:
		return "alone"
	case seeking:
		return "seeking"
	case over:
		return "over"
	default:
		return "unknown"
	}
}

// owned counts the ledgers of this node.
func (v *view) owned() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	s := v.sessionLocked(time.Now())
	count := 0
	for _, c := range v.ledgers {
		if s != nil && c.Session == s.id {
			count++
		}
	}
	return count
}

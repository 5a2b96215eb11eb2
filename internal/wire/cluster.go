package wire

import "time"

// What a node is in its cluster, of which programs tell these apart.
const (
	StandingHeld   = "held"
	StandingSingle = "single"
)

// Cluster is what a node tells of its cluster.
type Cluster struct {
	// Node is who tells, and Standing what it is: "held" with a session, "seeking" without, "alone" where it decides without the
	// others because NATS is out of reach, "single" where there is no cluster and Node is empty.
	Node     string `json:"node"`
	Standing string `json:"standing"`
	// Nodes are those that have a session, by name.
	Nodes []ClusterNode `json:"nodes"`
	// UnownedLedgers is how many ledgers belong to nobody at present: their nodes are gone, and nobody asked for them since.
	UnownedLedgers int `json:"unowned_ledgers"`
	// LagEvents is how many events the slowest read model lacks, of those that are being fed; 0 until that is known.
	LagEvents uint64 `json:"lag_events"`
	// Holding: commands are held up until the read models have caught up.
	Holding bool `json:"holding"`
}

// ClusterNode is a node of a cluster.
type ClusterNode struct {
	Node      string    `json:"node"`
	Roles     []string  `json:"roles"`
	Address   string    `json:"address"`
	Version   string    `json:"version"`
	Session   string    `json:"session"`
	StartedAt time.Time `json:"started_at"`
	// Ledgers is how many it owns.
	Ledgers int `json:"ledgers"`
	// Leads are the singletons whose work it does.
	Leads []string `json:"leads"`
}

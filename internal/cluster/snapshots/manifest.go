package snapshots

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// manifest says what there is of a ledger. The zero manifest says nothing.
type manifest struct {
	Format   int                 `json:"format"`
	Log      string              `json:"log"`
	Kind     string              `json:"kind"`
	Revision eventstore.Revision `json:"revision"`
	Snapshot file                `json:"snapshot"`
	Runs     []sharedRun         `json:"runs"`

	sequence uint64 // of the message, 0 for none
}

// file is one that was sent.
type file struct {
	ID     string `json:"id"`
	Bytes  int64  `json:"bytes"`
	Parts  uint64 `json:"parts"`
	SHA256 []byte `json:"sha256"`
}

// sharedRun is a run that a snapshot refers to.
type sharedRun struct {
	file

	Name string `json:"name"`
	Sum  uint32 `json:"sum"`
}

func (r *sharedRun) id() runs.ID { return runs.ID{Name: r.Name, Sum: r.Sum} }

// manifestFormat is the form of manifests that this program reads and writes.
const manifestFormat = 1

// fitID are the ids of files.
var fitID = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

func parseManifest(text []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return manifest{}, fmt.Errorf("read a manifest: %w", err)
	}
	for _, f := range m.files() {
		if !fitID.MatchString(f.ID) || f.Bytes <= 0 || f.Parts == 0 {
			return manifest{}, fmt.Errorf("read a manifest: %w: file %q of %d bytes in %d parts", errDamaged, f.ID, f.Bytes, f.Parts)
		}
	}
	return m, nil
}

// files are all that it names.
func (m *manifest) files() []file {
	all := make([]file, 0, 1+len(m.Runs))
	for i := range m.Runs {
		all = append(all, m.Runs[i].file)
	}
	return append(all, m.Snapshot)
}

// events is how many events its snapshot has.
func (m *manifest) events() int64 {
	if m.Format == 0 {
		return 0
	}
	return int64(m.Revision) + 1
}

// find finds a run.
func (m *manifest) find(id runs.ID) (sharedRun, bool) {
	for i := range m.Runs {
		if m.Runs[i].id() == id {
			return m.Runs[i], true
		}
	}
	return sharedRun{}, false
}

// ours tells whether this node can make something of what a manifest names.
func (s *Shared) ours(m *manifest) bool {
	return m.Format == manifestFormat && m.Log == s.options.Log && m.Kind == s.options.Kind
}

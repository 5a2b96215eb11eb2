package runs

// Path is where the directory is.
func (d *Dir) Path() string { return d.path }

// MayHave is what the filter says.
func (r *Run) MayHave(digest uint64) bool { return r.filter.has(digest) }

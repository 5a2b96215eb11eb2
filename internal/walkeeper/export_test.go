package walkeeper

// Wait waits for a pass under way, and tells whether there was one and how it ended.
func (k *Keeper) Wait() (ran bool, err error) {
	if k.copying == nil {
		return false, nil
	}
	err = <-k.copying
	k.ended(err)
	return true, err
}

package queries

// Statements are the texts of all statements that were run so far, more than once or not.
func (q *Queries) Statements() []string {
	q.views.mu.RLock()
	defer q.views.mu.RUnlock()
	texts := make([]string, 0, len(q.views.prepared))
	for text := range q.views.prepared {
		texts = append(texts, text)
	}
	return texts
}

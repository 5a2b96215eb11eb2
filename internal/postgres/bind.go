package postgres

import "strconv"

// Bind writes the placeholders of a statement, "?1" and "?", as PostgreSQL has them: "$1". As in SQLite, one without a number
// has the number after the largest before it. The statement has no other question marks.
func Bind(text string) string {
	bound := make([]byte, 0, len(text)+16)
	largest := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '?' {
			bound = append(bound, text[i])
			continue
		}
		number := 0
		for ; i+1 < len(text) && '0' <= text[i+1] && text[i+1] <= '9'; i++ {
			number = 10*number + int(text[i+1]-'0')
		}
		if number == 0 {
			number = largest + 1
		}
		largest = max(largest, number)
		bound = strconv.AppendInt(append(bound, '$'), int64(number), 10)
	}
	return string(bound)
}

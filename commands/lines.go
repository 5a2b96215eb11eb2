package commands

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/daybook-ledger/daybook/internal/httpx"
)

// readAll puts each line's command into the queue. It returns nil at the end of the stream, and when the submitter has
// given up.
func (s *streamed) readAll(body io.Reader) error {
	defer s.queue.close()
	lines := bufio.NewReaderSize(body, 64<<10)
	var long []byte
	for number := 1; ; number++ {
		line, tooLong, err := readLine(lines, &long)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if tooLong = tooLong || len(line) > maxLine; len(line) > 0 || tooLong {
			if !s.queue.put(parseLine(number, line, tooLong), len(line)) {
				return nil
			}
		}
		if err != nil {
			return nil // the end of the stream
		}
	}
}

// readLine gives the next line without its end. What it gives is valid until the next call. A line that is too long is
// read to its end and dropped. Of a stream that breaks off the last, unfinished line is not given.
func readLine(r *bufio.Reader, long *[]byte) (line []byte, tooLong bool, err error) {
	*long = (*long)[:0]
	for {
		part, err := r.ReadSlice('\n')
		if len(*long)+len(part) > maxLine+len("\r\n") {
			tooLong = true
			*long = (*long)[:0]
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if !tooLong {
				*long = append(*long, part...)
			}
			continue
		case tooLong:
			return nil, true, err
		case len(*long) > 0:
			*long = append(*long, part...)
			part = *long
		}
		return bytes.TrimSuffix(part, []byte("\n")), false, err
	}
}

func parseLine(number int, line []byte, tooLong bool) lineItem {
	it := lineItem{line: number}
	if tooLong {
		it.problem = httpx.NewProblem(httpx.CodeTooLarge, "The line is longer than %d bytes.", maxLine)
		return it
	}
	it.item = decodeItem(line)
	return it
}

// decodeItem keeps nothing of data.
func decodeItem(data []byte) item {
	if it, ok := plainItem(string(data)); ok {
		return it
	}
	var body commandBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return item{problem: httpx.AsProblem(err)}
	}
	return body.item()
}

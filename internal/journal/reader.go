package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// reader goes through the text once, file by file, and gathers entries: transactions whose amounts are still as written.
type reader struct {
	scope    scope
	numbers  notations
	entries  []*entry
	count    int // the transactions met so far
	problems problems
	open     []string // the files being read, outermost first, as absolute paths
	mayRead  bool     // include is possible
	file     string   // the file being read, as errors name it
}

// scope is what directives change until the file that they stand in ends.
type scope struct {
	year      int // completes dates that have none; 0 for none
	mark      byte
	commodity string
	parents   []string // apply account, outermost first
	aliases   []alias  // in the order of their directives
}

func newReader(mayRead bool) *reader {
	return &reader{
		mayRead: mayRead,
		numbers: notations{declared: map[string]byte{}, shown: map[string]shownMark{}},
	}
}

// readAll reads one file and what it includes. Its error is one of reading; what is wrong with the text is gathered.
func (r *reader) readAll(name string, source io.Reader) error {
	content, err := io.ReadAll(source)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	outer, outerFile := r.scope, r.file
	r.scope.parents, r.scope.aliases = slices.Clone(outer.parents), slices.Clone(outer.aliases)
	r.file = name
	r.readText(string(content))
	r.setScope(outer)
	r.file = outerFile
	return nil
}

func (r *reader) setScope(s scope) {
	r.scope = s
	r.numbers.mark, r.numbers.commodity = s.mark, s.commodity
}

// block is a line that begins at the margin and the indented lines that belong to it.
type block struct {
	at    place
	head  string
	lines []string // the line after head first
}

func (b block) lineAt(i int) place { return place{b.at.file, b.at.line + 1 + i} }

func (r *reader) readText(text string) {
	text = strings.TrimPrefix(text, "\ufeff")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	for i := 0; i < len(lines) && !r.problems.full(); {
		line, at := lines[i], place{r.file, i + 1}
		trimmed := strings.TrimSpace(line)
		i++
		switch {
		case trimmed == "" || strings.IndexByte(";#*", trimmed[0]) >= 0:
		case isBlank(line[0]):
			r.problems.add(at.errorf("an indented line belongs to nothing: a transaction ends with an empty line or" +
				" one that is not indented"))
		case trimmed == "comment":
			i = afterComment(lines, i)
		default:
			end := i
			for end < len(lines) && isIndented(lines[end]) {
				end++
			}
			r.readBlock(block{at: at, head: line, lines: lines[i:end]})
			i = end
		}
	}
}

func (r *reader) readBlock(b block) {
	for i, line := range append([]string{b.head}, b.lines...) {
		if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
			r.problems.add(place{b.at.file, b.at.line + i}.errorf("the line is not text in UTF-8"))
			return
		}
	}
	if isDigit(rune(b.head[0])) {
		r.readEntry(b)
		return
	}
	r.problems.add(r.directive(b))
}

// include reads the files that an include directive names, each once for each time it is named.
func (r *reader) include(pattern string, at place) *Error {
	if !r.mayRead {
		return at.errorf("include works in files, not on standard input")
	}
	if strings.Contains(pattern, "**") || strings.HasPrefix(pattern, "~") {
		return at.errorf("include %s: name the files relative to this one (* matches inside a folder; ** and ~ are"+
			" not supported)", pattern)
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(at.file), pattern)
	}
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		return at.errorf("include: no file matches %s", pattern)
	}
	for _, path := range paths {
		if err := r.includeFile(path, at); err != nil {
			return at.errorf("include %s: %v", path, err)
		}
	}
	return nil
}

var errCycle = errors.New("the file includes itself")

func (r *reader) includeFile(path string, at place) error {
	self, err := filepath.Abs(at.file)
	if err != nil {
		return fmt.Errorf("find the file: %w", err)
	}
	included, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find the file: %w", err)
	}
	r.open = append(r.open, self)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	if slices.Contains(r.open, included) {
		return errCycle
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open it: %w", err)
	}
	defer file.Close()
	return r.readAll(path, file)
}

// afterComment is the index of the line after the end of a comment block that goes from lines[i] on.
func afterComment(lines []string, i int) int {
	for ; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "end comment" {
			return i + 1
		}
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isIndented(line string) bool {
	return line != "" && isBlank(line[0]) && strings.TrimSpace(line) != ""
}

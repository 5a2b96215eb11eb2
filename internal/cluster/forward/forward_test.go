package forward_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/cluster/forward"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// echoing answers with what it was asked, and by whom that was answered.
func echoing(name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		h := c.Response().Header()
		h.Set("Answered-By", name)
		h.Set("Asked", fmt.Sprintf("%s %s %s key=%s length=%d ledger=%s", r.Method, r.RequestURI, r.Header.Get("Content-Type"),
			r.Header.Get("Idempotency-Key"), r.ContentLength, c.Param("ledger")))
		h.Add("Twice", "1")
		h.Add("Twice", "2")
		return c.Blob(http.StatusCreated, "application/json", body)
	}
}

func TestAnotherNodesAnswerIsAsIfGivenHere(t *testing.T) {
	servers := oneServer(t, nil)
	a, b := start(t, servers, "a", long, echoing("a")), start(t, servers, "b", long, echoing("b"))
	owns(t, a, "books", b)
	header := map[string]string{"Content-Type": "application/json", "Idempotency-Key": "k 1", "X-Request-Id": "r-1"}
	const path = "/ledgers/books/accounts/users%3Aal%2Fice%20b?x=1&y=a%26b"
	here, there := post(t, a, path, header, []byte(`{"a":1}`)), post(t, b, path, header, []byte(`{"a":1}`))
	here.header.Del("Date")
	there.header.Del("Date")
	if fmt.Sprint(here) != fmt.Sprint(there) {
		t.Fatalf("by the owner:\n%v\nby the other:\n%v", here, there)
	}
	want := "POST " + path + " application/json key=k 1 length=7 ledger=books"
	if got := there.header.Get("Asked"); got != want || there.header.Get("Answered-By") != "a" || there.header.Get("X-Request-Id") != "r-1" {
		t.Fatalf("asked %q, want %q; %v", got, want, there.header)
	}
	if got := post(t, b, "/ledgers/nobodys/x", nil, nil); got.header.Get("Answered-By") != "b" {
		t.Fatalf("what is nobody's is answered by %q", got.header.Get("Answered-By"))
	}
}

// TestThePathIsTheOneThatWasSent sends what Go's own client would not: letters as they are beside an escaped slash.
func TestThePathIsTheOneThatWasSent(t *testing.T) {
	servers := oneServer(t, nil)
	told := func(c echo.Context) error {
		account, ok := httpx.PathParam(c, "account")
		return c.String(http.StatusOK, fmt.Sprint(account, " ", ok, " ", c.Request().URL.Query()))
	}
	a, b := start(t, servers, "a", long, told), start(t, servers, "b", long, told)
	owns(t, a, "books", b)
	for path, want := range map[string]string{
		"x/close?z=1":                "x true map[z:[1]]",
		"資産%2F現金/close":              "資産/現金 true map[]",
		"a%2Fb%20c%25%C3%A9é/close":  "a/b c%éé true map[]",
		"資産%2fb/close?k=é&l=%C3%A9+": "資産/b true map[k:[é] l:[é ]]",
		"\xff%2F/close?\xff":         "\xff/ true map[\xff:[]]",
	} {
		here, there := raw(t, a, "/ledgers/books/accounts/"+path), raw(t, b, "/ledgers/books/accounts/"+path)
		if here != want || there != want {
			t.Errorf("%q is to the owner %q, and from the other %q, want %q", path, here, there, want)
		}
	}
}

func TestLongBodiesGoInParts(t *testing.T) {
	for _, most := range []int32{4 << 10, 1 << 20} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			servers := oneServer(t, func(o *server.Options) { o.MaxPayload = most })
			a, b := start(t, servers, "a", long, echoing("a")), start(t, servers, "b", long, echoing("b"))
			owns(t, a, "books", b)
			for _, size := range []int{0, 1, 4000, 256<<10 - 200, 256 << 10, 5 << 20} {
				body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
				got := post(t, b, "/ledgers/books/x", nil, body)
				if got.header.Get("Answered-By") != "a" || !bytes.Equal(got.body, body) {
					t.Fatalf("%d bytes come back as %d, status %d by %q", size, len(got.body), got.status, got.header.Get("Answered-By"))
				}
			}
		})
	}
}

func TestABodyThatIsTooLongIsForTheHandlerHere(t *testing.T) {
	servers := oneServer(t, nil)
	a, b := start(t, servers, "a", long, echoing("a")), start(t, servers, "b", long, echoing("b"))
	owns(t, a, "books", b)
	body := make([]byte, 9<<20)
	if got := post(t, b, "/ledgers/books/x", nil, body); got.header.Get("Answered-By") != "b" || len(got.body) != len(body) {
		t.Fatalf("%d bytes, by %q", len(got.body), got.header.Get("Answered-By"))
	}
}

func TestAStreamIsHeldUpAtItsSource(t *testing.T) {
	servers := oneServer(t, nil)
	lines, goOn := make(chan string), make(chan struct{})
	handle := func(c echo.Context) error {
		first := make([]byte, 6)
		if _, err := io.ReadFull(c.Request().Body, first); err != nil {
			return err
		}
		lines <- string(first)
		<-goOn
		n, err := io.Copy(io.Discard, c.Request().Body)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(n))
	}
	a, b := start(t, servers, "a", long, handle), start(t, servers, "b", long, handle)
	owns(t, a, "books", b)
	const chunk, chunks = 32 << 10, 2000
	var written atomic.Int64
	reader, writer := io.Pipe()
	answered := make(chan reply, 1)
	go func() {
		got, err := send(t.Context(), http.MethodPost, b.url+"/ledgers/books/x", map[string]string{"Content-Type": "application/x-ndjson"}, reader)
		if err != nil {
			t.Error(err)
		}
		answered <- got
	}()
	_, _ = writer.Write([]byte("line 1"))
	if got := <-lines; got != "line 1" { // although the rest is still to come
		t.Fatal(got)
	}
	go func() {
		for range chunks {
			n, _ := writer.Write(make([]byte, chunk))
			written.Add(int64(n))
		}
		_ = writer.Close()
	}()
	// What is on the way is bounded by the window and by the buffers of TCP, which grow to some MB.
	stalled := written.Load()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		time.Sleep(300 * time.Millisecond)
		now := written.Load()
		if now == stalled && now > 0 {
			break
		}
		stalled = now
	}
	if stalled >= chunk*chunks {
		t.Fatal("all was sent although nothing is read")
	}
	close(goOn)
	if got := <-answered; string(got.body) != fmt.Sprint(chunk*chunks) {
		t.Fatalf("status %d, %s bytes arrived", got.status, got.body)
	}
}

func TestAnAnswerBeforeTheEndOfAStream(t *testing.T) {
	servers := oneServer(t, nil)
	handle := func(c echo.Context) error { return c.String(http.StatusConflict, "enough") }
	a, b := start(t, servers, "a", long, handle), start(t, servers, "b", long, handle)
	owns(t, a, "books", b)
	reader, writer := io.Pipe()
	defer writer.Close()
	go func() { _, _ = writer.Write([]byte("line")) }()
	got, err := send(t.Context(), http.MethodPost, b.url+"/ledgers/books/x", map[string]string{"Content-Type": "application/x-ndjson"}, reader)
	if err != nil || got.status != http.StatusConflict || string(got.body) != "enough" {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestTheNextOwnerIsTheOneThatIsAsked(t *testing.T) {
	servers := oneServer(t, nil)
	for how, end := range map[string]func(*node){"stopped": func(n *node) { n.stop() }, "died": func(n *node) { n.cutoff() }} {
		t.Run(how, func(t *testing.T) {
			a, b := start(t, servers, "a"+how, 2*time.Second, echoing("a")), start(t, servers, "b"+how, 2*time.Second, echoing("b"))
			owns(t, a, how, b)
			end(a)
			// A node that has just died may have been sent it, for all that anybody knows.
			key := map[string]string{"Idempotency-Key": "k"}
			if got := post(t, b, "/ledgers/"+how+"/x", key, []byte("body")); got.header.Get("Answered-By") != "b" || string(got.body) != "body" {
				t.Fatalf("answered by %q with %q", got.header.Get("Answered-By"), got.body)
			}
		})
	}
}

// TestAnOwnerThatTakesNothingIsNotAskedForEver: its session lasts, and nobody listens.
func TestAnOwnerThatTakesNothingIsNotAskedForEver(t *testing.T) {
	servers := oneServer(t, nil)
	impatient := func(o *forward.Options) { o.Patience = 500 * time.Millisecond }
	a, b := start(t, servers, "a", long, echoing("a")), start(t, servers, "b", long, echoing("b"), impatient)
	owns(t, a, "books", b)
	a.cutoff()
	b.becomes(t, "NATS knows that a is gone", func() bool {
		_, err := b.conn.Request(forward.Subject("a"), nil, 100*time.Millisecond)
		return errors.Is(err, nats.ErrNoResponders)
	})
	got := post(t, b, "/ledgers/books/x", nil, []byte("body"))
	if got.status != http.StatusServiceUnavailable || !strings.Contains(string(got.body), "nothing was done") {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

// TestAClaimToNoLedgerIsGivenUp: nor is one kept that was made for a request which was refused before anybody looked for its ledger.
func TestAClaimToNoLedgerIsGivenUp(t *testing.T) {
	servers := oneServer(t, nil)
	answers := map[string][]httpx.Code{
		"refused":    {"insufficient_funds"},
		"no-books":   {httpx.CodeLedgerNotFound},
		"no-json":    {httpx.CodeMalformedRequest},
		"no-balance": {"unbalanced_transaction"},
		"no-answer":  {httpx.CodeOverloaded, httpx.CodeLedgerNotFound},
	}
	handle := func(c echo.Context) error {
		left, there := answers[c.Param("ledger")]
		if !there {
			return c.NoContent(http.StatusNoContent)
		}
		answers[c.Param("ledger")] = left[1:]
		return &httpx.Problem{Code: left[0]}
	}
	a, b := start(t, servers, "a", long, handle), start(t, servers, "b", long, handle)
	for ledger, codes := range maps.Clone(answers) {
		for _, code := range codes {
			if got := post(t, a, "/ledgers/"+ledger+"/x", nil, nil); !strings.Contains(string(got.body), string(code)) {
				t.Fatalf("%s: %d %s", ledger, got.status, got.body)
			}
		}
	}
	post(t, a, "/ledgers/books/x", nil, nil)
	b.becomes(t, "books are a's", func() bool { _, ok := b.Owner("books"); return ok })
	b.becomes(t, "the ledger that is there belongs to a, and the others to nobody", func() bool {
		_, refused := b.Owner("refused")
		p := b.Picture()
		return refused && p.Unowned == 0 && p.Nodes[0].Ledgers == 2
	})
	for ledger := range answers {
		a.becomes(t, ledger+" has an owner only if somebody knows of it", func() bool {
			_, ok := a.Owner(ledger)
			return ok == (ledger == "refused")
		})
	}
}

// interrupted has the owner die while it handles a request, and tells what the client is answered, and how often the request
// was handled. The next owner handles it as is said.
func interrupted(t *testing.T, header map[string]string, next echo.HandlerFunc) (got reply, handled int32) {
	servers := oneServer(t, nil)
	var count atomic.Int32
	begun, goOn := make(chan struct{}), make(chan struct{})
	a := start(t, servers, "a", 2*time.Second, func(c echo.Context) error {
		count.Add(1)
		close(begun)
		<-goOn
		return c.NoContent(http.StatusOK)
	})
	t.Cleanup(func() { close(goOn) })
	b := start(t, servers, "b", 2*time.Second, func(c echo.Context) error {
		count.Add(1)
		return next(c)
	})
	owns(t, a, "books", b)
	go func() {
		<-begun
		a.cutoff()
	}()
	got = post(t, b, "/ledgers/books/x", header, []byte("body"))
	return got, count.Load()
}

func wantNobodyKnows(t *testing.T, got reply) {
	t.Helper()
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" ||
		!strings.Contains(string(got.body), "did not tell whether") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestWhatWasSentIsSentAgainWithAKey(t *testing.T) {
	got, handled := interrupted(t, map[string]string{"Idempotency-Key": "k"}, echoing("b"))
	if got.header.Get("Answered-By") != "b" || string(got.body) != "body" || handled != 2 {
		t.Fatalf("%+v, handled %d times", got, handled)
	}
}

// TestARefusalIsNotFinalWhileAnAttemptIsNotOver: the first owner may be paused, and carry the request out later.
func TestARefusalIsNotFinalWhileAnAttemptIsNotOver(t *testing.T) {
	got, handled := interrupted(t, map[string]string{"Idempotency-Key": "k"}, func(echo.Context) error {
		return &httpx.Problem{Code: httpx.CodeLedgerNotFound}
	})
	wantNobodyKnows(t, got)
	if handled != 2 {
		t.Errorf("handled %d times", handled)
	}
}

func TestWhatWasSentIsNotSentAgainWithoutAKey(t *testing.T) {
	got, handled := interrupted(t, nil, echoing("b"))
	wantNobodyKnows(t, got)
	if handled != 1 {
		t.Errorf("handled %d times", handled)
	}
}

// TestWhatIsSentOnceIsNotSentAgain: not with a key either.
func TestWhatIsSentOnceIsNotSentAgain(t *testing.T) {
	got, handled := interrupted(t, map[string]string{"Idempotency-Key": "k", "Once": "yes"}, echoing("b"))
	wantNobodyKnows(t, got)
	if handled != 1 {
		t.Errorf("handled %d times", handled)
	}
}

func TestAClientThatLeavesIsNotWaitedFor(t *testing.T) {
	servers := oneServer(t, nil)
	left := make(chan error, 1)
	begun := make(chan struct{})
	handle := func(c echo.Context) error {
		close(begun)
		<-c.Request().Context().Done()
		left <- c.Request().Context().Err()
		return c.Request().Context().Err()
	}
	a, b := start(t, servers, "a", long, handle), start(t, servers, "b", long, handle)
	owns(t, a, "books", b)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	if got, err := send(ctx, http.MethodPost, b.url+"/ledgers/books/x", nil, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v, %v", got, err)
	}
	select {
	case <-left:
	case <-time.After(patience):
		t.Fatal("the owner was not told")
	}
}

// TestAnOwnerThatIsGivenUpIsTold: one that was only paused would begin with what nobody waits for any more.
func TestAnOwnerThatIsGivenUpIsTold(t *testing.T) {
	servers := oneServer(t, nil)
	a, b := start(t, servers, "a", 2*time.Second, echoing("a")), start(t, servers, "b", 2*time.Second, echoing("b"))
	owns(t, a, "books", b)
	a.cutoff() // another takes its messages, as long as its session lasts and longer
	stranger, err := nats.Connect(servers)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	told := make(chan byte, 100)
	if _, err = stranger.Subscribe(forward.Subject("a"), func(m *nats.Msg) { told <- m.Data[0] }); err != nil {
		t.Fatal(err)
	}
	if err := stranger.Flush(); err != nil {
		t.Fatal(err)
	}
	wantNobodyKnows(t, post(t, b, "/ledgers/books/x", nil, nil))
	const opening, last, broken = 1, 0x80, 7
	for _, want := range []byte{opening | last, broken} {
		select {
		case got := <-told:
			if got != want {
				t.Fatalf("it is told %d, want %d", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("it is not told %d", want)
		}
	}
}

func TestAnAnswerThatBreaksOffIsSeenToBeBroken(t *testing.T) {
	servers := oneServer(t, nil)
	handle := func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		_, _ = c.Response().Write(make([]byte, 1<<20))
		panic(http.ErrAbortHandler)
	}
	a, b := start(t, servers, "a", long, handle), start(t, servers, "b", long, handle)
	owns(t, a, "books", b)
	got, err := send(t.Context(), http.MethodPost, b.url+"/ledgers/books/x", nil, nil)
	if err == nil && got.status != http.StatusServiceUnavailable { // which it is where it broke off before anything was passed on
		t.Fatalf("it looks whole, with %d bytes", len(got.body))
	}
}

func TestMessagesThatAreLostOrStrange(t *testing.T) {
	servers := oneServer(t, nil)
	for name, says := range map[string][][]byte{
		"nothing":                 nil,
		"an empty message":        {{}},
		"an unknown kind":         {{99, 0}},
		"a second part":           {{2 | 0x80, 1, 0, 0, 0, 2, '{', '}'}},
		"a head that is too long": {{2 | 0x80, 0, 0xff, 0xff, 0xff, 0xff}},
		"a head that is no JSON":  {{2 | 0x80, 0, 0, 0, 0, 1, '{'}},
		"half a head":             {{2 | 0x80, 0, 0, 0, 0, 9, '{'}},
		"that it does not know":   {{6, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := strings.ReplaceAll(name, " ", "-")
			a, b := start(t, servers, "a-"+ledger, long, echoing("a")), start(t, servers, "b-"+ledger, long, echoing("b"))
			owns(t, a, ledger, b)
			// Somebody else answers in its place, or nobody, while the node itself is cut off.
			a.conn.Close()
			stranger, err := nats.Connect(servers)
			if err != nil {
				t.Fatal(err)
			}
			defer stranger.Close()
			if _, err = stranger.Subscribe(forward.Subject(a.name), func(m *nats.Msg) {
				for _, message := range says {
					_ = m.Respond(message)
				}
			}); err != nil {
				t.Fatal(err)
			}
			if err := stranger.Flush(); err != nil {
				t.Fatal(err)
			}
			got := post(t, b, "/ledgers/"+ledger+"/x", nil, nil)
			if got.status != http.StatusServiceUnavailable || !strings.Contains(string(got.body), "did not tell whether") {
				t.Fatalf("%d %s", got.status, got.body)
			}
		})
	}
}

// TestNothingIsForwardedTwice sends a node what is another one's to answer, as a node would that has not heard of that yet.
func TestNothingIsForwardedTwice(t *testing.T) {
	servers := oneServer(t, nil)
	a, b := start(t, servers, "a", long, echoing("a")), start(t, servers, "b", long, echoing("b"))
	owns(t, b, "books", a)
	mistaken, err := nats.Connect(servers)
	if err != nil {
		t.Fatal(err)
	}
	defer mistaken.Close()
	const opening, last, refused = 1, 0x80, 5
	head := `{"method":"POST","target":"/ledgers/books/x","length":0}`
	message := append([]byte{opening | last, 0, 0, 0, 0, byte(len(head))}, head...)
	answer, err := mistaken.Request(forward.Subject("a"), message, patience)
	if err != nil || len(answer.Data) == 0 || answer.Data[0] != refused {
		t.Fatalf("answered %v, %v", answer, err)
	}
}

func TestAStrangersRequestsHarmNothing(t *testing.T) {
	servers := oneServer(t, nil)
	a := start(t, servers, "a", long, echoing("a"))
	stranger, err := nats.Connect(servers)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, message := range [][]byte{
		nil,
		{0},
		{1},
		{1, 0xff},
		{1 | 0x80, 0},
		{1 | 0x80, 0, 0, 0, 0, 2, '{', '}'},
		{1 | 0x80, 5, 1},
		{2, 0},
		{3, 9},
		{7, 0},
		{1, 0, 0xff, 0xff, 0xff, 0xff},
		append([]byte{1 | 0x80, 0, 0, 0, 0, 40}, `{"method":"PO ST","target":"::","lengt":1}`...),
	} {
		if err := stranger.PublishRequest(forward.Subject("a"), stranger.NewInbox(), message); err != nil {
			t.Fatal(err)
		}
	}
	if err := stranger.Flush(); err != nil {
		t.Fatal(err)
	}
	b := start(t, servers, "b", long, echoing("b"))
	owns(t, a, "books", b)
	if got := post(t, b, "/ledgers/books/x", nil, []byte("body")); got.header.Get("Answered-By") != "a" {
		t.Fatalf("%+v", got)
	}
}

package ledger_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

var update = flag.Bool("update", false, "write golden files that are not there yet; those that are never change")

// golden are events as they stand in testdata, and for ever in logs: what was once written there must be read as the
// same event.
func golden() map[string]ledger.Event {
	general, _ := ledger.General.Chart()
	wallets, _ := ledger.Wallets.Chart()
	events := map[string]ledger.Event{
		"LedgerOpened.v1.general": ledger.LedgerOpened{Name: "books", Template: ledger.General, Chart: general},
		"LedgerOpened.v1.wallets": ledger.LedgerOpened{
			Name: "books", Template: ledger.Wallets, Chart: wallets, Metadata: ledger.Metadata{"team": "payments"},
		},
		"LedgerOpened.v1.chart": ledger.LedgerOpened{Name: "books", Chart: ledger.Chart{
			Undeclared: ledger.Reject,
			Rules: []ledger.Rule{
				{Pattern: "users:*:wallet", Type: ledger.Liability, Limits: limits("-50", "1000"), Assets: []money.Asset{"USD/2", "JPY"}},
				{Pattern: "Ärger:**", AnyCase: true, Type: ledger.Expense},
			},
		}},
		"LedgerOpened.v1.empty":     ledger.LedgerOpened{Name: "b", Chart: ledger.Chart{Undeclared: ledger.Allow}},
		"AccountOpened.v1.implicit": ledger.AccountOpened{Address: "users:alice", Type: ledger.Liability, Implicit: true},
		"AccountOpened.v1.explicit": ledger.AccountOpened{
			Address: "Aktiva:Flüssige Mittel", Type: ledger.Asset, Limits: limits("0", "340282366920938463463374607431768211455"),
			Metadata: ledger.Metadata{"b": "2", "a": "1", "": "no key", "ü": "€"},
		},
		"TransactionPosted.v1.small": ledger.TransactionPosted{
			ID: 1, Entries: payment(1050).Entries, EffectiveAt: noon,
		},
		"TransactionPosted.v1.full": ledger.TransactionPosted{
			ID: 18446744073709551615,
			Entries: []ledger.Entry{
				{Account: "assets:cash", Asset: "USD/2", Amount: money.MaxAmount},
				{Account: "Erlöse:\"B\\C\"", Asset: "USD/2", Side: ledger.Credit, Amount: money.MaxAmount},
				{Account: "a", Asset: "JPY", Amount: money.NewAmount(1)},
				{Account: "b", Asset: "JPY", Side: ledger.Credit, Amount: money.NewAmount(1)},
			},
			EffectiveAt: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
			Reference:   "inv-42",
			Description: "<b>\"Miete\"</b> & \\ / \t\r\n\b\f\x00\x1f\x7f ü € 👛 \u2028 \ufffd",
			Metadata:    ledger.Metadata{"k": "v", "k\n": ""},
		},
	}
	maps.Copy(events, goldenState())
	maps.Copy(events, goldenHolds())
	return events
}

func TestGoldenEvents(t *testing.T) {
	t.Parallel()
	events := golden()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || !*update && len(files) != len(events) {
		t.Errorf("there are %d files for %d events, %v", len(files), len(events), err)
	}
	for name, e := range events {
		encoded, err := ledger.Encode(e)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file := filepath.Join("testdata", name+".json")
		want, err := os.ReadFile(file)
		if os.IsNotExist(err) && *update {
			err = os.WriteFile(file, encoded.Data, 0o600)
			want = encoded.Data
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, encoded.Type+".v1.") || encoded.Version != 1 || !bytes.Equal(encoded.Data, want) {
			t.Errorf("%s: %s version %d is written as\n%s\nand was\n%s", name, encoded.Type, encoded.Version, encoded.Data, want)
		}
		decoded, err := ledger.Decode(encoded.Type, 1, want)
		if err != nil || !reflect.DeepEqual(decoded, e) {
			t.Errorf("%s: reads as\n%#v, %v\nand was\n%#v", name, decoded, err, e)
		}
	}
}

// TestEncodedIsJSON holds the hand-written JSON to encoding/json.
func TestEncodedIsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := transactions().Draw(t, "event")
		encoded, err := ledger.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			ID      uint64 `json:"id"`
			Entries []struct {
				Account address.Address `json:"account"`
				Asset   money.Asset     `json:"asset"`
				Debit   *money.Amount   `json:"debit"`
				Credit  *money.Amount   `json:"credit"`
			} `json:"entries"`
			EffectiveAt time.Time       `json:"effective_at"`
			IntendedAt  time.Time       `json:"intended_at"`
			Reference   string          `json:"reference"`
			Description string          `json:"description"`
			Metadata    ledger.Metadata `json:"metadata"`
			Reverts     uint64          `json:"reverts"`
			Forced      bool            `json:"forced"`
			Reason      string          `json:"reason"`
			Hold        uint64          `json:"hold"`
		}
		d := json.NewDecoder(bytes.NewReader(encoded.Data))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%s: %v", encoded.Data, err)
		}
		back := ledger.TransactionPosted{
			ID: got.ID, EffectiveAt: got.EffectiveAt, IntendedAt: got.IntendedAt,
			Reference: got.Reference, Description: got.Description, Metadata: got.Metadata,
			Reverts: got.Reverts, Forced: got.Forced, Reason: got.Reason, Hold: got.Hold,
		}
		for _, g := range got.Entries {
			entry := ledger.Entry{Account: g.Account, Asset: g.Asset}
			if g.Debit != nil {
				entry.Amount = *g.Debit
			} else {
				entry.Side, entry.Amount = ledger.Credit, *g.Credit
			}
			back.Entries = append(back.Entries, entry)
		}
		if !reflect.DeepEqual(back, e) {
			t.Fatalf("encoding/json reads\n%s\nas\n%#v\nand it was\n%#v", encoded.Data, back, e)
		}
		decoded, err := ledger.Decode(encoded.Type, encoded.Version, encoded.Data)
		if err != nil || !reflect.DeepEqual(decoded, ledger.Event(e)) {
			t.Fatalf("Decode reads\n%s\nas\n%#v, %v\nand it was\n%#v", encoded.Data, decoded, err, e)
		}
	})
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	const good = `{"id":1,"entries":[{"account":"a","asset":"X","debit":"1"},{"account":"b","asset":"X","credit":"1"}],"effective_at":"2026-01-31T12:00:00Z"}`
	read := func(data string) error {
		_, err := ledger.Decode("TransactionPosted", 1, []byte(data))
		return err
	}
	for _, data := range []string{good, " " + strings.ReplaceAll(good, ",", " ,\n\t") + "\r\n", strings.Replace(good, `"a"`, `"\u0061"`, 1)} {
		if err := read(data); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	}
	for _, change := range []struct{ old, new string }{
		{good, ""},
		{good, "null"},
		{good, good + good},
		{good, good + "x"},
		{good, good[:len(good)-1]},
		{`"id":1`, `"id":-1`},
		{`"id":1`, `"id":01`},
		{`"id":1`, `"id":1.0`},
		{`"id":1`, `"id":18446744073709551616`},
		{`"id":1`, `"id":"1"`},
		{`"id":1,`, ``},
		{`"id":1`, `"id":1,"id":1`},
		{`"id":1`, `"id":1,"more":1`},
		{`"id":1`, `"ID":1`},
		{`"id":1`, `"id":1,`},
		{`"id"`, `id`},
		{`"account":"a"`, `"account":""`},
		{`"account":"a"`, `"account":"a:"`},
		{`"account":"a"`, `"account":null`},
		{`"account":"a"`, "\"account\":\"\xff\""},
		{`"account":"a"`, "\"account\":\"a\nb\""},
		{`"account":"a"`, `"account":"\x61"`},
		{`"account":"a"`, `"account":"\ud800"`},
		{`"account":"a"`, `"account":"\ud800\u0061"`},
		{`"account":"a"`, `"account":"\udc00\ud800"`},
		{`"account":"a"`, `"account":"\u00g1"`},
		{`"account":"a",`, ``},
		{`"asset":"X"`, `"asset":"€"`},
		{`"debit":"1"`, `"debit":1`},
		{`"debit":"1"`, `"debit":"01"`},
		{`"debit":"1"`, `"debit":"1","credit":"1"`},
		{`,"debit":"1"`, ``},
		{`12:00:00Z`, `12:00:00+00:00`},
		{`12:00:00Z`, `12:00:00`},
		{`12:00:00Z`, `12:00:00.Z`},
		{`12:00:00Z`, `12:00:00.0000000001Z`},
		{`12:00:00Z`, `12:00:00,5Z`},
		{`12:00:00Z`, `25:00:00Z`},
		{`2026-01-31`, `2026-02-31`},
		{`2026-01-31`, `0000-01-31`},
		{`]`, `],"metadata":{"a":"1","a":"2"}`},
		{`]`, `],"metadata":{"a":1}`},
		{`]`, `],"metadata":[]`},
	} {
		if data := strings.Replace(good, change.old, change.new, 1); read(data) == nil {
			t.Errorf("%s is read", data)
		}
	}
	for _, c := range []struct {
		name    string
		version int
	}{{"TransactionPosted", 0}, {"TransactionPosted", 2}, {"transactionPosted", 1}, {"", 1}} {
		if _, err := ledger.Decode(c.name, c.version, []byte(good)); err == nil {
			t.Errorf("%s version %d is read", c.name, c.version)
		}
	}
}

func TestEncodeRefusesWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, e := range []ledger.Event{
		ledger.TransactionPosted{EffectiveAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		ledger.TransactionPosted{EffectiveAt: time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)},
		ledger.TransactionPosted{Description: "\xff"},
		ledger.AccountOpened{Metadata: ledger.Metadata{"\xff": ""}},
	} {
		if encoded, err := ledger.Encode(e); err == nil {
			t.Errorf("%#v is written as %s", e, encoded.Data)
		}
	}
}

// FuzzDecode: what is read is written again in a form that reads as the same and is written the same.
func FuzzDecode(f *testing.F) {
	names := []string{
		"LedgerOpened", "AccountOpened", "TransactionPosted",
		"ChartReplaced", "AccountClosed", "AccountReopened", "AccountMetadataSet", "TransactionMetadataSet",
		"PeriodClosed", "PeriodReopened", "AssertionDeclared", "AssertionHeld", "AssertionBroken",
		"HoldPlaced", "HoldCaptured", "HoldVoided", "HoldExpired",
	}
	for _, e := range golden() {
		encoded, err := ledger.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		for i, name := range names {
			if name == encoded.Type {
				f.Add(i, encoded.Data)
			}
		}
	}
	f.Add(2, []byte(`{"id":1,"entries":[],"effective_at":"2026-01-31T12:00:00.5Z","metadata":{"\ud83d\udc5b":"\u0000\/"}}`))
	f.Add(0, []byte(`{"name":"","chart":{"rules":[{"type":"asset","assets":[],"pattern":"a"}],"undeclared":"allow"}}`))
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		name := names[uint(kind)%uint(len(names))]
		e, err := ledger.Decode(name, 1, data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%s is read, and is not JSON", data)
		}
		first, err := ledger.Encode(e)
		if err != nil {
			t.Fatalf("%#v is read and not written: %v", e, err)
		}
		again, err := ledger.Decode(first.Type, first.Version, first.Data)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%s reads as\n%#v, %v\nand it was\n%#v", first.Data, again, err, e)
		}
		if second, err := ledger.Encode(again); err != nil || !bytes.Equal(first.Data, second.Data) {
			t.Fatalf("%s is written again as %s, %v", first.Data, second.Data, err)
		}
	})
}

// transactions draws events with anything in them that the types can hold.
func transactions() *rapid.Generator[ledger.TransactionPosted] {
	times := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(
			rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"),
		).UTC()
	})
	return rapid.Custom(func(t *rapid.T) ledger.TransactionPosted {
		e := ledger.TransactionPosted{
			ID:          rapid.Uint64().Draw(t, "id"),
			EffectiveAt: times.Draw(t, "effective"),
			Reference:   rapid.String().Draw(t, "reference"),
			Description: rapid.String().Draw(t, "description"),
		}
		if rapid.Bool().Draw(t, "more") {
			e.IntendedAt, e.Reason = times.Draw(t, "intended"), rapid.String().Draw(t, "reason")
			e.Reverts, e.Forced = rapid.Uint64().Draw(t, "reverts"), rapid.Bool().Draw(t, "forced")
			e.Hold = rapid.Uint64().Draw(t, "hold")
		}
		for range rapid.IntRange(1, 5).Draw(t, "entries") {
			e.Entries = append(e.Entries, ledger.Entry{
				Account: address.Address(rapid.StringMatching(`[a-zäöü€"\\<&]{1,9}(:[a-z👛']{1,5})?`).Draw(t, "account")),
				Asset:   money.Asset(rapid.StringMatching(`[A-Z]{3}(/[0-9])?`).Draw(t, "asset")),
				Side:    rapid.SampledFrom([]ledger.Side{ledger.Debit, ledger.Credit}).Draw(t, "side"),
				Amount:  money.FromWords(rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")),
			})
		}
		if m := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata"); len(m) > 0 {
			e.Metadata = m
		}
		return e
	})
}

func limits(minimum, maximum string) ledger.Limits {
	lowest, err := money.ParseSigned(minimum)
	if err != nil {
		panic(err)
	}
	highest, err := money.ParseSigned(maximum)
	if err != nil {
		panic(err)
	}
	return ledger.Limits{Min: &lowest, Max: &highest}
}

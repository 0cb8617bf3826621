package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestRecordIsBoundToItsPlace(t *testing.T) {
	raw := encodeRecord(appBucket, "app_1", []byte(`{"ID":"app_1"}`))
	if payload, err := decodeRecord(appBucket, "app_1", raw); err != nil || string(payload) != `{"ID":"app_1"}` {
		t.Fatalf("%q %v", payload, err)
	}
	for name, c := range map[string]struct {
		b   bucket
		key string
	}{"other key": {appBucket, "app_2"}, "other bucket": {projectBucket, "app_1"}, "moved border": {"ap", "papp_1"}} {
		if _, err := decodeRecord(c.b, c.key, raw); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range raw {
		for bit := range 8 {
			flipped := append([]byte{}, raw...)
			flipped[i] ^= 1 << bit
			if _, err := decodeRecord(appBucket, "app_1", flipped); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
	}
	for n := range raw {
		if _, err := decodeRecord(appBucket, "app_1", raw[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte{}, "k")
	f.Add(encodeRecord(instanceBucket, "ins_1", []byte(`{"ID":"ins_1","Addr":"10.0.0.2"}`)), "ins_1")
	f.Add([]byte{1, 0, 0, 0, 0, '{'}, "ins_1")
	f.Fuzz(func(t *testing.T, raw []byte, key string) {
		payload, err := decodeRecord(instanceBucket, key, raw)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("unclear error: %v", err)
			}
			return
		}
		if string(encodeRecord(instanceBucket, key, payload)) != string(raw) {
			t.Fatal("a record that was not written like this was accepted")
		}
		if _, err := decodeJSON[paas.Instance](instanceBucket, key, payload); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("unclear error: %v", err)
		}
	})
}

// A damaged record must give a clear error wherever it is read, and leave the others alone.
func TestDamagedRecordIsAClearError(t *testing.T) {
	s := opened(t)
	bad, good := newSite(t, s, "bad"), newSite(t, s, "good")
	must(t, s.update(func(tx *Tx) error {
		raw := append([]byte{}, tx.branch(appBucket).Get([]byte(bad.app.ID))...)
		raw[len(raw)-3] ^= 1
		return tx.branch(appBucket).Put([]byte(bad.app.ID), raw)
	}))
	_, err := s.App(bad.app.ID)
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	wantKind(t, err, paas.Unavailable)
	if !strings.Contains(paas.Public(err).Msg, "damaged") || paas.Public(err).Hint == "" {
		t.Fatalf("public: %+v", paas.Public(err))
	}
	if _, err := s.Apps(); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("the list hides it: %v", err)
	}
	if _, err := s.App(good.app.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("check: %v", err)
	}
}

// Every member that schema 2 has on disk must be read and written as it was; new members may come. A difference means that existing
// databases would be read wrongly: write a migration, and a golden file for the new schema (UPDATE_GOLDEN=1).
func TestSchemaIsWhatItWas(t *testing.T) {
	path := filepath.Join("testdata", "schema2.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		writeGolden(t, path)
	}
	golden := map[string]string{}
	for line := range strings.Lines(string(got(os.ReadFile(path))(t))) {
		name, raw, _ := strings.Cut(strings.TrimSpace(line), " ")
		golden[name] = raw
	}
	samples := sampleRecords()
	if len(samples) != len(golden) {
		t.Fatalf("%d kinds of records, and %d in the golden file", len(samples), len(golden))
	}
	for _, r := range samples {
		read := reflect.New(reflect.TypeOf(r.value).Elem()).Interface()
		must(t, json.Unmarshal([]byte(golden[r.name]), read))
		if missing := lost(golden[r.name], string(got(json.Marshal(read))(t))); missing != "" {
			t.Errorf("%s: schema 2 has %s, which is lost", r.name, missing)
		}
	}
}

// The hash rules of events are for ever: with another one every chain would look broken.
func TestEventHashesAreWhatTheyWere(t *testing.T) {
	first := `{"seq":1,"prev":"` + paas.FirstPrev + `","hash":"` + strings.Repeat("0", 64) + `"}`
	for want, payload := range map[string]string{
		"855d7a96ca9116a4f46ac9303e150474efa6d690542bf5b5b3c1acf6ba7d6d9d": first,
		"88f80a6672346a9b43db6b60babc6c6612eb24155dd8131562163752f5eef664": "\x02" + strings.Repeat("x", 32) + `{"seq":1}`,
	} {
		if e := got(splitEvent([]byte(payload)))(t); e.sum() != want {
			t.Errorf("%q has the hash %s", payload, e.sum())
		}
	}
	for _, bad := range []string{"", "{", "{}", "\x02", "\x03" + first, first[:len(first)-1], first + " "} {
		if e, err := splitEvent([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, e)
		}
	}
}

func writeGolden(t *testing.T, path string) {
	t.Helper()
	var b strings.Builder
	for _, r := range sampleRecords() {
		b.WriteString(r.name + " " + string(got(json.Marshal(r.value))(t)) + "\n")
	}
	must(t, os.WriteFile(path, []byte(b.String()), 0o644))
}

// lost names a member of the JSON before that is not in after.
func lost(before, after string) string {
	var was, is any
	if json.Unmarshal([]byte(before), &was) != nil || json.Unmarshal([]byte(after), &is) != nil {
		return "unreadable JSON"
	}
	return lostIn("", was, is)
}

func lostIn(at string, was, is any) string {
	switch w := was.(type) {
	case map[string]any:
		i, _ := is.(map[string]any)
		for k, v := range w {
			if l := lostIn(at+"."+k, v, i[k]); l != "" {
				return l
			}
		}
	case []any:
		i, _ := is.([]any)
		for n, v := range w {
			if n >= len(i) {
				return at
			}
			if l := lostIn(at+"[]", v, i[n]); l != "" {
				return l
			}
		}
	default:
		if was != is {
			return fmt.Sprintf("%s = %v", at, was)
		}
	}
	return ""
}

func TestFullDiskHasItsMessage(t *testing.T) {
	for _, err := range []error{syscall.ENOSPC, &os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, errors.New("file sync error: no space left on device")} {
		wantKind(t, noSpace(err), paas.NoSpace)
	}
	plain := errors.New("input/output error")
	if noSpace(plain) != plain || noSpace(nil) != nil {
		t.Fatal("another error was changed")
	}
	said := paas.Invalidf("x", "", "a variable with the value no space left on device")
	if paas.IsKind(noSpace(said), paas.NoSpace) {
		t.Fatal("what a person wrote decided")
	}
}

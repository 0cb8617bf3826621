package docker

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	const report = `{"status":"The push refers to repository [127.0.0.1:5000/x]"}
{"status":"Preparing","progressDetail":{},"id":"a1"}
{"status":"Pushing","progressDetail":{"current":10,"total":20},"progress":"[==> ]","id":"a1"}
{"status":"Pushed","progressDetail":{},"id":"a1"}
{"progressDetail":{},"aux":{"Tag":"1"}}
`
	var out bytes.Buffer
	if err := progress(strings.NewReader(report), &out); err != nil {
		t.Fatal(err)
	}
	if want := "The push refers to repository [127.0.0.1:5000/x]\na1: Preparing\na1: Pushed\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
	err := progress(strings.NewReader(report+`{"errorDetail":{"message":"no basic auth credentials"},"error":"no basic auth credentials"}`), io.Discard)
	if err == nil || err.Error() != "no basic auth credentials" {
		t.Errorf("got %v", err)
	}
	if err := progress(strings.NewReader(`{"status":`), io.Discard); err == nil {
		t.Error("half a report is taken for success")
	}
}

func TestSplitTag(t *testing.T) {
	for ref, want := range map[string][2]string{
		"a/b:1": {"a/b", "1"}, "a/b": {"a/b", "latest"}, "127.0.0.1:5000/a/b": {"127.0.0.1:5000/a/b", "latest"}, "127.0.0.1:5000/a/b:2": {"127.0.0.1:5000/a/b", "2"},
	} {
		if name, tag := splitTag(ref); name != want[0] || tag != want[1] {
			t.Errorf("%q: %q, %q", ref, name, tag)
		}
	}
}

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// Control is updated before the edge: a table of a later format, with members that nobody here has heard of, is taken and served.
func TestTableOfALaterFormat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	app := newApp(t, "shop", nil)
	table := paas.Table{Format: paas.TableFormat + 7, Generation: 3, Routes: []paas.Route{{App: "app_1", Name: "shop", Hosts: []string{"shop.test"}, Release: 1, Upstreams: []paas.Upstream{app.upstream()}}}}
	raw, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	var later any
	if err := json.Unmarshal(raw, &later); err != nil {
		t.Fatal(err)
	}
	addMembers(later)
	raw, err = json.Marshal(later)
	if err != nil || bytes.Count(raw, []byte("from_tomorrow")) < 4 {
		t.Fatalf("%s %v", raw, err)
	}
	if err := ask(context.Background(), r.edge.socket, http.MethodPut, "/table", raw, nil); err != nil {
		t.Fatal(err)
	}
	if status, body := r.get("shop.test", "/"); status != http.StatusOK || body == "" {
		t.Errorf("%d %q", status, body)
	}
	if st := r.status(); st.Generation != 3 {
		t.Errorf("%+v", st)
	}
}

// addMembers puts a member of every kind into each object.
func addMembers(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, one := range v {
			addMembers(one)
		}
		v["from_tomorrow"] = map[string]any{"list": []any{1, "two"}, "flag": true}
	case []any:
		for _, one := range v {
			addMembers(one)
		}
	}
}

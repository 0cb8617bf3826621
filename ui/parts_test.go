package ui

import (
	"strings"
	"testing"
)

func TestPartsAreTheOutermostElementsWithIDs(t *testing.T) {
	parts := split([]byte(`<p id="a">x<br>y <b id="inner">z</b></p> <div>no id</div><table><tbody id="rows"><tr class="none"><td>no</td></tr>` +
		`<tr id="r1"><td>one</td></tr><tr id="r2"><td>two<img src="x"></td></tr></tbody></table><ul id="c"></ul>`))
	var got []string
	for _, p := range parts {
		got = append(got, p.ID)
		for _, r := range p.Rows {
			got = append(got, r.ID)
		}
	}
	if strings.Join(got, " ") != "a rows r1 r2 c" {
		t.Fatalf("%v", got)
	}
	if string(parts[0].HTML) != `<p id="a">x<br>y <b id="inner">z</b></p>` || !strings.HasPrefix(string(parts[1].HTML), `<table><tbody id="rows"><tr class="none">`) ||
		string(parts[1].Rows[0].HTML) != `<table><tbody><tr id="r1"><td>one</td></tr></tbody></table>` {
		t.Errorf("%q %q", parts[0].HTML, parts[1].HTML)
	}
}

func TestTimesThatPassAreNoNews(t *testing.T) {
	a := split([]byte(`<p id="a">made <time datetime="2026">5 min ago</time> by Ada</p>`))
	b := split([]byte(`<p id="a">made <time datetime="2026">6 min ago</time> by Ada</p>`))
	c := split([]byte(`<p id="a">made <time datetime="2027">6 min ago</time> by Ada</p>`))
	if a[0].Sum != b[0].Sum || a[0].Sum == c[0].Sum {
		t.Errorf("%x %x %x", a[0].Sum, b[0].Sum, c[0].Sum)
	}
}

func TestOnlyNewsIsSent(t *testing.T) {
	var s Shown
	table := func(rows ...string) []Part {
		return split([]byte(`<h1 id="say">hi</h1><table><tbody id="rows">` + strings.Join(rows, "") + `</tbody></table>`))
	}
	one, two, changed := `<tr id="r1"><td>1</td></tr>`, `<tr id="r2"><td>2</td></tr>`, `<tr id="r2"><td>3</td></tr>`
	if got := string(s.News(table(one, two))); !strings.Contains(got, "say") || !strings.Contains(got, `<tbody id="rows">`) {
		t.Errorf("at first: %s", got)
	}
	if got := string(s.News(table(one, two))); got != "" {
		t.Errorf("nothing has changed: %s", got)
	}
	if got := string(s.News(table(one, changed))); got != "<table><tbody>"+changed+"</tbody></table>" {
		t.Errorf("one row: %s", got)
	}
	if got := string(s.News(table(changed))); !strings.Contains(got, `<tbody id="rows">`) || strings.Contains(got, "say") {
		t.Errorf("a row less: %s", got)
	}
	if got := string(s.News(table(changed))); got != "" {
		t.Errorf("after it: %s", got)
	}
}

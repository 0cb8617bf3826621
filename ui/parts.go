package ui

import (
	"bytes"
	"hash/fnv"
	"slices"

	"golang.org/x/net/html"
)

// Part is an element of a page that changes while people look at it. It replaces the one with the same id in the browser.
type Part struct {
	ID   string
	HTML []byte // complete: a part of a table comes inside of one
	Sum  uint64 // of what it shows; equal for equal content, however long ago its times were
	Rows []Part // of a table body whose rows have ids of their own: what changed in one can be sent without the others
}

// Parts are the parts of the page that change while people look at it; none for a page without such parts.
func Parts(p Page) ([]Part, error) {
	var buf bytes.Buffer
	if err := Live(&buf, p); err != nil {
		return nil, err
	}
	return split(buf.Bytes()), nil
}

// void are the elements that have no end (HTML standard, 13.1.2).
var void = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// element is one with an id whose end has not come yet.
type element struct {
	id, tag string
	depth   int
	from    int
	sum     interface {
		Write([]byte) (int, error)
		Sum64() uint64
	}
	rows []Part
}

// split finds the outermost elements with ids, and in a table's body those of its rows. text comes from our own templates.
func split(text []byte) (out []Part) {
	var part, row *element
	z := html.NewTokenizer(bytes.NewReader(text))
	depth, at, inTime := 0, 0, false
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out
		}
		raw := z.Raw()
		start, end := at, at+len(raw)
		at = end
		name, id, now := "", "", false
		if kind == html.StartTagToken || kind == html.EndTagToken || kind == html.SelfClosingTagToken {
			token := z.Token()
			name = token.Data
			for _, a := range token.Attr {
				if a.Key == "id" {
					id = a.Val
				}
				now = now || name == "time" && a.Key == "data-t" && a.Val == "moment" // when the page was made
			}
		}
		opens := kind == html.StartTagToken && !slices.Contains(void, name)
		if opens {
			depth++
			switch {
			case part == nil && id != "":
				part = &element{id: id, tag: name, depth: depth, from: start, sum: fnv.New64a()}
			case part != nil && part.tag == "tbody" && row == nil && name == "tr" && id != "":
				row = &element{id: id, tag: name, depth: depth, from: start, sum: fnv.New64a()}
			}
		}
		for _, o := range []*element{part, row} {
			if o != nil && !now && !(inTime && kind == html.TextToken) { // the browser keeps the words of times itself
				_, _ = o.sum.Write(raw)
			}
		}
		if name == "time" {
			inTime = opens
		}
		if kind != html.EndTagToken {
			continue
		}
		if row != nil && row.depth == depth {
			part.rows = append(part.rows, Part{ID: row.id, HTML: within("<table><tbody>", text[row.from:end], "</tbody></table>"), Sum: row.sum.Sum64()})
			row = nil
		}
		if part != nil && part.depth == depth {
			p := Part{ID: part.id, HTML: text[part.from:end], Sum: part.sum.Sum64(), Rows: part.rows}
			if part.tag == "tbody" {
				p.HTML = within("<table>", p.HTML, "</table>")
			}
			out, part = append(out, p), nil
		}
		depth--
	}
}

func within(before string, text []byte, after string) []byte {
	return slices.Concat([]byte(before), text, []byte(after))
}

// Shown is what one viewer has got of a page that is open. The zero value has nothing.
type Shown struct {
	sums map[string]uint64
	rows map[string][]string // part → its rows
}

// News is what of the parts the viewer has not got yet, and takes note that they get it. Of a table with the same rows as before only the
// changed ones are news.
func (s *Shown) News(parts []Part) []byte {
	if s.sums == nil {
		s.sums, s.rows = map[string]uint64{}, map[string][]string{}
	}
	var out []byte
	for _, p := range parts {
		if sum, ok := s.sums[p.ID]; ok && sum == p.Sum {
			continue
		}
		ids := make([]string, 0, len(p.Rows))
		for _, r := range p.Rows {
			ids = append(ids, r.ID)
		}
		byRow := len(ids) > 0 && slices.Equal(ids, s.rows[p.ID])
		s.sums[p.ID], s.rows[p.ID] = p.Sum, ids
		if !byRow {
			out = append(out, p.HTML...)
		}
		for _, r := range p.Rows {
			if byRow && s.sums[r.ID] != r.Sum {
				out = append(out, r.HTML...)
			}
			s.sums[r.ID] = r.Sum
		}
	}
	return out
}

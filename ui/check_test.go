package ui

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

var voidElements = strings.Fields("area base br col embed hr img input link meta source track wbr")

// faults lists what is wrong with a page: elements that do not nest, ids that repeat or lead nowhere, controls without a name, markup
// that the content security policy would refuse.
func faults(page string) []string {
	c := &checker{ids: map[string]int{}, labelled: map[string]bool{}}
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return c.finish()
		case html.TextToken:
			c.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			raw := string(z.Raw())
			c.start(z.Token(), strings.HasSuffix(raw, "/>"))
		case html.EndTagToken:
			c.end(z.Token().Data)
		}
	}
}

type checker struct {
	stack    []*open
	found    []string
	ids      map[string]int
	refs     []string // ids that something points to
	labelled map[string]bool
	controls []control
	h1       int
	level    int
}

type open struct {
	name, id string
	attrs    map[string]string
	text     strings.Builder
}

type control struct {
	what, id string
	named    bool
}

func (c *checker) fault(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) text(s string) {
	for _, o := range c.stack {
		o.text.WriteString(s)
	}
}

func (c *checker) start(t html.Token, selfClosed bool) {
	attrs := map[string]string{}
	for _, a := range t.Attr {
		if _, twice := attrs[a.Key]; twice {
			c.fault("<%s> has %s twice", t.Data, a.Key)
		}
		attrs[a.Key] = a.Val
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			c.fault("<%s %s=%q> is refused by the policy", t.Data, a.Key, a.Val)
		}
	}
	inTemplate := slices.ContainsFunc(c.stack, func(o *open) bool { return o.name == "template" })
	if id := attrs["id"]; id != "" && !inTemplate {
		if c.ids[id]++; c.ids[id] > 1 {
			c.fault("the id %q is used twice", id)
		}
	}
	c.special(t.Data, attrs)
	if slices.Contains(voidElements, t.Data) {
		return
	}
	if selfClosed {
		if !slices.ContainsFunc(c.stack, func(o *open) bool { return o.name == "svg" }) {
			c.fault("<%s/> closes itself outside of SVG", t.Data)
		}
		return
	}
	c.stack = append(c.stack, &open{name: t.Data, id: attrs["id"], attrs: attrs})
}

func (c *checker) special(name string, attrs map[string]string) {
	for _, ref := range []string{"aria-labelledby", "aria-describedby", "aria-controls"} {
		c.refs = append(c.refs, strings.Fields(attrs[ref])...)
	}
	named := attrs["aria-label"] != "" || attrs["aria-labelledby"] != ""
	switch name {
	case "script":
		if attrs["src"] == "" {
			c.fault("an inline script")
		}
	case "style":
		c.fault("an inline style sheet")
	case "label":
		c.labelled[attrs["for"]] = true
		c.refs = append(c.refs, attrs["for"])
	case "a":
		if h, ok := strings.CutPrefix(attrs["href"], "#"); ok {
			c.refs = append(c.refs, h)
		} else if attrs["href"] == "" {
			c.fault("a link to nowhere")
		}
	case "form":
		if attrs["action"] == "" || attrs["method"] == "" {
			c.fault("a form without action or method")
		}
	case "button":
		if attrs["type"] == "" {
			c.fault("a button without a type")
		}
	case "input", "select", "textarea":
		if attrs["type"] != "hidden" && attrs["aria-hidden"] != "true" {
			c.controls = append(c.controls, control{name + " " + attrs["name"], attrs["id"], named})
		}
	case "img":
		if _, ok := attrs["alt"]; !ok {
			c.fault("an image without alt")
		}
	}
	if len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '4' {
		level := int(name[1] - '0')
		if level == 1 {
			c.h1++
		}
		if level > c.level+1 {
			c.fault("<%s> follows <h%d>", name, c.level)
		}
		c.level = level
	}
}

func (c *checker) end(name string) {
	if len(c.stack) == 0 || c.stack[len(c.stack)-1].name != name {
		top := "nothing"
		if len(c.stack) > 0 {
			top = c.stack[len(c.stack)-1].name
		}
		c.fault("</%s> closes <%s>", name, top)
		return
	}
	o := c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
	if slices.Contains([]string{"a", "button", "summary", "h1", "h2", "h3", "th", "label", "option"}, name) && o.attrs["aria-label"] == "" && strings.TrimSpace(o.text.String()) == "" {
		if name != "th" || o.attrs["scope"] != "row" { // a row's heading may hold an input
			c.fault("<%s> has no text", name)
		}
	}
}

func (c *checker) finish() []string {
	if len(c.stack) > 0 {
		c.fault("<%s> is never closed", c.stack[len(c.stack)-1].name)
	}
	for _, ref := range c.refs {
		if c.ids[ref] == 0 {
			c.fault("nothing has the id %q", ref)
		}
	}
	for _, ctl := range c.controls {
		if !ctl.named && !c.labelled[ctl.id] {
			c.fault("%s has no label", ctl.what)
		}
	}
	return c.found
}

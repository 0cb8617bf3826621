package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"unicode"
)

//go:embed templates
var templateFiles embed.FS

// Page is one screen. Only structs of this package are pages: each embeds Shell (for people who are signed in) or Bare.
type Page interface {
	frame() (layout string, shell *Shell)
}

// parsed is made at the first use, not at program start: the edge, the CLI and the buildpack are the same binary and show no page.
var parsed = sync.OnceValues(parse)

// Ready parses the templates and indexes the static files. Whoever serves pages calls it at start, so that a broken template stops
// the program and not a visitor.
func Ready() error {
	if _, err := parsed(); err != nil {
		return err
	}
	_, err := indexed()
	return err
}

// Render writes the page as a whole document. Nothing reaches w when it fails. Safe for concurrent use.
func Render(w io.Writer, p Page) error {
	body, err := execute(pageName(p), p)
	if err != nil {
		return err
	}
	layout, shell := p.frame()
	doc, err := execute(layout, document{Shell: shell, Body: template.HTML(body)}) // made by our own template just now
	if err != nil {
		return err
	}
	_, err = w.Write(doc)
	return err
}

// Body writes the page without its frame: what a dialog shows of it.
func Body(w io.Writer, p Page) error { return write(w, pageName(p), p) }

// PartEnd stands between parts of what Live writes that can be sent without each other.
const PartEnd = "<!--part-->"

// Live writes the parts of the page that change while somebody looks: elements with ids, for replacing those in the browser.
// Pages without such parts write nothing.
func Live(w io.Writer, p Page) error {
	set, err := parsed()
	if err != nil {
		return err
	}
	if set.Lookup(pageName(p)+".live") == nil {
		return nil
	}
	if err := write(w, pageName(p)+".live", p); err != nil {
		return err
	}
	if _, shell := p.frame(); shell.User.Name != "" {
		if _, err := io.WriteString(w, PartEnd); err != nil {
			return err
		}
		return write(w, "sideneeds", shell)
	}
	return nil
}

type document struct {
	*Shell
	Body template.HTML
}

func write(w io.Writer, name string, data any) error {
	b, err := execute(name, data)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func execute(name string, data any) ([]byte, error) {
	set, err := parsed()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := set.ExecuteTemplate(&buf, name, data); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// pageName is AppSettingsPage → app_settings, the file below templates/pages.
func pageName(p Page) string {
	t := reflect.TypeOf(p)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var b strings.Builder
	for i, r := range strings.TrimSuffix(t.Name(), "Page") {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// parse reads every template into one set. A file is a template of its own name without directory and suffix; it may define more.
func parse() (*template.Template, error) {
	set := template.New("").Funcs(functions).Option("missingkey=error")
	err := fs.WalkDir(templateFiles, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := templateFiles.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(d.Name(), ".html")
		if set.Lookup(name) != nil {
			return fmt.Errorf("two templates are called %q", name)
		}
		_, err = set.New(name).Parse(trimIndent(string(text)))
		return err
	})
	return set, err
}

// trimIndent drops the indentation of templates: a tenth of every page.
func trimIndent(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimLeft(l, " \t")
	}
	return strings.Join(lines, "\n")
}

package ui

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// functions are what templates may call. They return text or finished markup, never data.
var functions = template.FuncMap{
	"icon": icon, "static": staticURL,
	"ago": ago, "clock": clock, "day": day, "moment": moment, "exact": exact,
	"sentence": sentence, "plural": plural, "number": func(n any) string { return group(fmt.Sprint(n)) }, "bytes": bytesOf, "lasted": lasted,
	"initials": initials, "hue": hue, "commit": shortCommit, "clip": paas.Clip,
	"part":  func() template.HTML { return PartEnd },
	"field": field, "status": status, "meter": meter, "spark": spark, "ansi": ansi,
	"dict": dict, "inc": func(i int) int { return i + 1 },
}

// dict gives a partial several named values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict needs pairs")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict needs names, not %T", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

var statusIcons = map[State]string{OK: "ok", Warn: "warn", Bad: "down", Busy: "busy", Off: "pause"}

// status is a shape, a word and a colour.
func status(s State, label string) (template.HTML, error) {
	drawing, err := icon(statusIcons[s])
	if err != nil {
		return "", fmt.Errorf("status %q: %w", s, err)
	}
	return template.HTML(`<span class="status" data-state="` + string(s) + `">` + string(drawing) + template.HTMLEscapeString(label) + `</span>`), nil
}

// meter is a bar filled to percent; say is what it means, in words.
func meter(percent float64, say string) template.HTML {
	class := "meter"
	switch {
	case percent >= 100:
		class = "meter bad"
	case percent >= 85:
		class = "meter warn"
	}
	return template.HTML(fmt.Sprintf(`<svg class="%s" viewBox="0 0 100 5" preserveAspectRatio="none" role="img" aria-label="%s"><rect width="%.4g" height="5"/></svg>`,
		class, template.HTMLEscapeString(say), max(0, min(percent, 100))))
}

// spark is a line of values without axes; say is what it shows, in words.
func spark(values []float64, say string) template.HTML {
	const w, h = 96, 22
	if len(values) < 2 {
		return ""
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	span := high - low
	if span == 0 {
		span = 1
	}
	var path strings.Builder
	for i, v := range values {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", letter, float64(i)*w/float64(len(values)-1), h-2-(v-low)/span*(h-5))
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="0 0 %d %d" role="img" aria-label="%s"><path class="area" d="%sL%d %dL0 %dZ"/><path d="%s"/></svg>`,
		w, h, template.HTMLEscapeString(say), path.String(), w, h, h, path.String()))
}

package ui

import (
	"fmt"
	"html/template"
)

// icons are drawn on 24 × 24 with strokes only. A page carries each one it shows, so that fragments sent later need no sprite.
var icons = map[string]string{
	"bolt":     `<path d="M13 3.5 5.5 13.5H11l-1 7 7.5-10H12z"/>`,
	"box":      `<path d="m12 3.5 8 4.5v8l-8 4.5L4 16V8z"/><path d="m4.3 8.2 7.7 4.3 7.7-4.3M12 12.5v7.7"/>`,
	"branch":   `<circle cx="7" cy="6" r="2.2"/><circle cx="7" cy="18" r="2.2"/><circle cx="17" cy="8" r="2.2"/><path d="M7 8.2v7.6M17 10.2c0 3.3-4.2 3.3-7 4.3"/>`,
	"busy":     `<path d="M12 3.5a8.5 8.5 0 1 1-8 5.6"/>`,
	"check":    `<path d="m5.5 12.5 4.2 4.2 8.8-9.2"/>`,
	"clock":    `<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.2l3.3 2"/>`,
	"code":     `<path d="m8.5 7.5-4.5 4.5 4.5 4.5M15.5 7.5l4.5 4.5-4.5 4.5"/>`,
	"copy":     `<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.5v-2a2 2 0 0 0-2-2h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h2"/>`,
	"down":     `<path d="M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7z"/><path d="m9.3 9.3 5.4 5.4M14.7 9.3l-5.4 5.4"/>`,
	"download": `<path d="M12 4.5V15M7.5 11l4.5 4.5 4.5-4.5M4.5 15.5V18a1.5 1.5 0 0 0 1.5 1.5h12a1.5 1.5 0 0 0 1.5-1.5v-2.5"/>`,
	"ext":      `<path d="M13.5 5H19v5.5M18.7 5.3 11 13M16.5 14v3.5a1.5 1.5 0 0 1-1.5 1.5H6.5A1.5 1.5 0 0 1 5 17.5V9a1.5 1.5 0 0 1 1.5-1.5H10"/>`,
	"file":     `<path d="M6 20.5v-17h8l4.5 4.5v12.5zM13.5 3.8V8.5h4.7"/>`,
	"fleet":    `<rect x="4" y="4" width="6.5" height="6.5" rx="1.6"/><rect x="13.5" y="4" width="6.5" height="6.5" rx="1.6"/><rect x="4" y="13.5" width="6.5" height="6.5" rx="1.6"/><rect x="13.5" y="13.5" width="6.5" height="6.5" rx="1.6"/>`,
	"globe":    `<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.4 2.4 3.5 5.2 3.5 8.5s-1.1 6.1-3.5 8.5c-2.4-2.4-3.5-5.2-3.5-8.5s1.1-6.1 3.5-8.5z"/>`,
	"help":     `<circle cx="12" cy="12" r="8.5"/><path d="M9.7 9.5a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.2.9-1.2 1.7M12 16.3h.01"/>`,
	"info":     `<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8h.01"/>`,
	"key":      `<circle cx="8" cy="15.5" r="4"/><path d="m11 12.7 8-8M15.5 8.2l2.5 2.5"/>`,
	"link":     `<path d="M10 14a4 4 0 0 0 5.7 0l2.8-2.8a4 4 0 0 0-5.7-5.7L11.5 6.8M14 10a4 4 0 0 0-5.7 0l-2.8 2.8a4 4 0 0 0 5.7 5.7l1.3-1.3"/>`,
	"lock":     `<rect x="5" y="10.5" width="14" height="9.5" rx="2.2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2"/>`,
	"logs":     `<path d="M5 6h14M5 10h9M5 14h12M5 18h7"/>`,
	"menu":     `<path d="M4.5 7h15M4.5 12h15M4.5 17h15"/>`,
	"next":     `<path d="m10 7 5 5-5 5"/>`,
	"ok":       `<circle cx="12" cy="12" r="8.5"/><path d="m8.3 12.3 2.6 2.6 4.9-5.3"/>`,
	"pause":    `<circle cx="12" cy="12" r="8.5"/><path d="M10 9v6M14 9v6"/>`,
	"plus":     `<path d="M12 5.5v13M5.5 12h13"/>`,
	"power":    `<path d="M12 4v7M7.5 6.8a7 7 0 1 0 9 0"/>`,
	"prev":     `<path d="m14 7-5 5 5 5"/>`,
	"pulse":    `<path d="M3.5 12h4l2.3-6 4.2 12 2.3-6h4.2"/>`,
	"refresh":  `<path d="M19 5v4.5h-4.5M5 19v-4.5h4.5"/><path d="M18.6 9.3A7 7 0 0 0 6 8M5.4 14.7A7 7 0 0 0 18 16"/>`,
	"rocket":   `<path d="M13.5 15.5 8.5 10.5c1.2-3.7 4.5-6.7 10.5-7-.3 6-3.3 9.3-7 10.5zM8.5 10.5 5 11l-1.5 3 3.5-.5M13.5 15.5l-.5 3.5-3 1.5.5-3.5M6.3 16.3c-1.3.5-2 2-2.3 3.7 1.7-.3 3.2-1 3.7-2.3"/>`,
	"route":    `<circle cx="6" cy="18" r="2.2"/><circle cx="18" cy="6" r="2.2"/><path d="M8.2 18H15a3 3 0 0 0 0-6H9a3 3 0 0 1 0-6h6.8"/>`,
	"search":   `<circle cx="11" cy="11" r="6"/><path d="m15.6 15.6 4 4"/>`,
	"server":   `<rect x="4" y="4.5" width="16" height="6.5" rx="2"/><rect x="4" y="13" width="16" height="6.5" rx="2"/><path d="M7.5 7.75h.01M7.5 16.25h.01M11 7.75h5.5M11 16.25h5.5"/>`,
	"shield":   `<path d="M12 3.5 5 6v5.5c0 4.3 2.8 7.3 7 9 4.2-1.7 7-4.7 7-9V6z"/><path d="m9 11.8 2.2 2.2 4-4.3"/>`,
	"sun":      `<circle cx="12" cy="12" r="4"/><path d="M12 3v1.8M12 19.2V21M3 12h1.8M19.2 12H21M5.7 5.7 7 7M17 17l1.3 1.3M5.7 18.3 7 17M17 7l1.3-1.3"/>`,
	"team":     `<circle cx="12" cy="8" r="3.7"/><path d="M5 20c.6-3.9 3.3-6 7-6s6.4 2.1 7 6"/>`,
	"term":     `<rect x="3.5" y="5" width="17" height="14" rx="2.2"/><path d="m7.5 9.5 2.8 2.5-2.8 2.5M12.5 15h4"/>`,
	"trash":    `<path d="M4.5 7h15M9.5 7V5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1v2M6.5 7l.8 12a1.2 1.2 0 0 0 1.2 1h7a1.2 1.2 0 0 0 1.2-1l.8-12M10.3 11v5.5M13.7 11v5.5"/>`,
	"undo":     `<path d="M8.5 5 4.5 9l4 4"/><path d="M4.8 9h9a5.2 5.2 0 0 1 0 10.4H9"/>`,
	"upload":   `<path d="M12 15.5V5M7.5 9 12 4.5 16.5 9M4.5 15.5V18a1.5 1.5 0 0 0 1.5 1.5h12a1.5 1.5 0 0 0 1.5-1.5v-2.5"/>`,
	"wand":     `<path d="m5 19 9.5-9.5M17 3.5v4M15 5.5h4M20 11v3M18.5 12.5h3M9 4v2.5M7.75 5.25h2.5"/>`,
	"warn":     `<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.2M12 16.8h.01"/>`,
	"wifi":     `<path d="M4 10c4.7-4.5 11.3-4.5 16 0M7 13.3c3-2.8 7-2.8 10 0M10 16.6c1.2-1 2.8-1 4 0M12 19.5h.01"/>`,
	"x":        `<path d="m6.5 6.5 11 11M17.5 6.5l-11 11"/>`,
}

// icon draws one, decorative: the word beside it, or an aria-label, says the same. More classes may follow.
func icon(name string, classes ...string) (template.HTML, error) {
	drawing, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	class := "ico"
	for _, c := range classes {
		class += " " + template.HTMLEscapeString(c)
	}
	return template.HTML(`<svg class="` + class + `" viewBox="0 0 24 24" aria-hidden="true">` + drawing + `</svg>`), nil
}

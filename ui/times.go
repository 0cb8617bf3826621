package ui

import (
	"html/template"
	"time"
)

// Times are written in UTC, with the machine-readable time beside it: times.js turns them into the reader's own zone.

// ago is "4 min ago" or, after two weeks, a date. now is when the page is made.
func ago(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	text := roughly(d) + " ago"
	switch {
	case d < 5*time.Second:
		text = "just now"
	case d > 14*24*time.Hour:
		text = t.UTC().Format("2 January 2006")
	}
	return stamp(t, "ago", text)
}

// clock is the time of day, with the day when that is not today.
func clock(t, now time.Time) template.HTML {
	layout := "15:04"
	if t.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		layout = "2 Jan 15:04"
	}
	return stamp(t, "clock", t.UTC().Format(layout))
}

// day is a date: "17 November 2026".
func day(t time.Time) template.HTML { return stamp(t, "day", t.UTC().Format("2 January 2006")) }

// moment is the line above the home page's sentence: "Tuesday 17 November, 09:42 UTC".
func moment(t time.Time) template.HTML {
	return stamp(t, "moment", t.UTC().Format("Monday 2 January, 15:04")+" UTC")
}

// exact is for log lines: "09:38:02.114".
func exact(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return stamp(t, "exact", t.UTC().Format("15:04:05"))
}

func stamp(t time.Time, kind, text string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339Nano) + `" data-t="` + kind + `">` + template.HTMLEscapeString(text) + `</time>`)
}

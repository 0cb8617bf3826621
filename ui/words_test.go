package ui

import (
	"testing"
	"time"
)

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"the name is taken":               "The name is taken.",
		"npm could not install it":        "npm could not install it.",
		"package.json is not valid JSON":  "package.json is not valid JSON.",
		"is the clock right?":             "Is the clock right?",
		`"Shop!" cannot be a name`:        `"Shop!" cannot be a name.`,
		"":                                "",
		"über alles":                      "Über alles.",
		"evil \u202etext":                 "Evil text.",
		" spaces around ":                 "Spaces around.",
		"requirements.txt names no index": "requirements.txt names no index.",
	} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLasted(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 s", 340 * time.Millisecond: "0.3 s", 2 * time.Second: "2 s", 9960 * time.Millisecond: "9 s",
		59 * time.Second: "59 s", 94 * time.Second: "1 min 34 s", 2 * time.Minute: "2 min", 125 * time.Minute: "2 h 5 min", 75 * time.Hour: "3 d 3 h",
	} {
		if got := lasted(d); got != want {
			t.Errorf("lasted(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1 << 10: "1 KB", 1536: "1.5 KB", 512 << 20: "512 MB", 1 << 30: "1 GB", 1000 << 20: "1.0 GB", 3 << 40: "3 TB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("bytesOf(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 18204: "18,204", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for in, want := range map[string]string{"Mara Lindqvist": "ML", "bakehouse-shop": "BS", "ÿ": "Ÿ", "": "?", "<script>": "S", "a b c": "AB"} {
		if got := initials(in); got != want {
			t.Errorf("initials(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTimesSayWhen(t *testing.T) {
	now := time.Date(2026, 11, 17, 9, 42, 0, 0, time.UTC)
	for got, want := range map[string]string{
		string(ago(now.Add(-3*time.Second), now)):    `<time datetime="2026-11-17T09:41:57Z" data-t="ago">just now</time>`,
		string(ago(now.Add(-100*time.Minute), now)):  `<time datetime="2026-11-17T08:02:00Z" data-t="ago">1 h ago</time>`,
		string(ago(now.Add(-400*time.Hour), now)):    `<time datetime="2026-10-31T17:42:00Z" data-t="ago">31 October 2026</time>`,
		string(ago(time.Time{}, now)):                "never",
		string(clock(now.Add(-time.Hour), now)):      `<time datetime="2026-11-17T08:42:00Z" data-t="clock">08:42</time>`,
		string(clock(now.Add(-24*time.Hour), now)):   `<time datetime="2026-11-16T09:42:00Z" data-t="clock">16 Nov 09:42</time>`,
		string(moment(now)):                          `<time datetime="2026-11-17T09:42:00Z" data-t="moment">Tuesday 17 November, 09:42 UTC</time>`,
		string(exact(time.Time{})):                   "",
		string(exact(now.Add(7 * time.Millisecond))): `<time datetime="2026-11-17T09:42:00.007Z" data-t="exact">09:42:00</time>`,
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

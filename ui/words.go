package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudsania/cloudsania/terminal"
)

// commands are written in lower case even where a sentence begins.
var commands = map[string]bool{"npm": true, "pnpm": true, "yarn": true, "uv": true, "pip": true, "pipenv": true, "poetry": true, "composer": true, "git": true, "go": true}

// sentence turns a message in lower case without a full stop, the form of paas.Error, into a sentence for a page.
func sentence(s string) string {
	s = strings.TrimSpace(terminal.Plain(s))
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	first, _, _ := strings.Cut(s, " ")
	if !strings.ContainsAny(first, "./_()-") && !commands[first] { // a file's or command's name keeps its case
		s = string(unicode.ToUpper(r)) + s[n:]
	}
	if !strings.ContainsAny(s[len(s)-1:], ".?!:") {
		s += "."
	}
	return s
}

// plural is "1 app", "2 apps".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(int64(n)) + " " + one + "s"
}

// number groups thousands with commas: 18,204.
func number(n int64) string { return group(strconv.FormatInt(n, 10)) }

func group(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var smallNumbers = [...]string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// spell writes small numbers as words, for sentences.
func spell(n int) string {
	if n >= 0 && n < len(smallNumbers) {
		return smallNumbers[n]
	}
	return number(int64(n))
}

// bytesOf is a size for people: "512 MB", "1.5 GB"; powers of 1024.
func bytesOf(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	v, u := float64(n), 0
	for v >= 1000 && u < len(units)-1 {
		v /= 1024
		u++
	}
	if u == 0 || v >= 10 || v == math.Trunc(v) {
		return fmt.Sprintf("%.0f %s", v, units[u])
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}

// lasted is a duration for people: "0.4 s", "12 s", "1 min 34 s", "2 h 5 min", "3 d".
func lasted(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second-50*time.Millisecond:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return pair(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return pair(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return pair(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

// roughly is a coarser lasted, for how long ago something was: "4 min", "3 h", "12 d".
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours())/24)
}

func pair(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// initials are the two letters of an avatar.
func initials(name string) string {
	var out []rune
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if r, _ := utf8.DecodeRuneInString(w); len(out) < 2 {
			out = append(out, unicode.ToUpper(r))
		}
	}
	if len(out) == 0 {
		return "?"
	}
	return string(out)
}

// hue is one of the twelve hue classes, always the same one for a name.
func hue(name string) string {
	sum := 0
	for _, r := range name {
		sum += int(r) * 7
	}
	return "h" + strconv.Itoa(sum%12)
}

// shortCommit is the part of a commit's hash that people read.
func shortCommit(hash string) string {
	if len(hash) > 7 {
		return hash[:7]
	}
	return hash
}

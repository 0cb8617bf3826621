package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

type verdict string

const (
	ok          verdict = "ok"
	over        verdict = "over"
	noTarget    verdict = "no target"
	skipped     verdict = "skipped"
	notMeasured verdict = "not measured"
)

type unit string

const (
	seconds      unit = "s"
	milliseconds unit = "ms"
	kilobytes    unit = "kB" // 1000 bytes
	megabytes    unit = "MB" // 2^20 bytes
	percent      unit = "%"
)

// row is a line of the table. Limit 0 is no target; the verdict of a measured row follows from the other fields.
type row struct {
	What     string  `json:"what"`
	Unit     unit    `json:"unit,omitempty"`
	Limit    float64 `json:"limit,omitempty"`    // the most that is allowed
	Measured float64 `json:"measured,omitempty"` // what By says of Samples
	By       string  `json:"by,omitempty"`
	Samples  sample  `json:"samples,omitempty"`
	Verdict  verdict `json:"verdict"`
	Note     string  `json:"note,omitempty"`
}

// median makes a row of a sample that is not empty.
func median(what string, u unit, limit float64, s sample, note string) row {
	return row{What: what, Unit: u, Limit: limit, Measured: s.median(), By: "median", Samples: s, Note: note}.judged()
}

// worst is a row for what must never be exceeded.
func worst(what string, u unit, limit float64, s sample, note string) row {
	return row{What: what, Unit: u, Limit: limit, Measured: slices.Max(s), By: "highest", Samples: s, Note: note}.judged()
}

// slow is a row for what most of the time must not be exceeded.
func slow(what string, u unit, limit float64, s sample, note string) row {
	return row{What: what, Unit: u, Limit: limit, Measured: s.percentile(95), By: "p95", Samples: s, Note: note}.judged()
}

// whole is a row for a total over equal parts of a time, where a median would hide what happens now and then.
func whole(what string, u unit, limit float64, s sample, note string) row {
	return row{What: what, Unit: u, Limit: limit, Measured: s.mean(), By: "mean", Samples: s, Note: note}.judged()
}

func (r row) judged() row {
	switch {
	case r.Limit == 0:
		r.Verdict = noTarget
	case r.Measured <= r.Limit:
		r.Verdict = ok
	default:
		r.Verdict = over
	}
	return r
}

// report is everything that a run has to say.
type report struct {
	Machine machine `json:"machine"`
	Options options `json:"options"`
	Rows    []row   `json:"rows"`
	failed  []string
}

// exceeded is an error that names the rows over their target, or nil.
func (r *report) exceeded() error {
	var errs []error
	for _, x := range r.Rows {
		if x.Verdict == over {
			errs = append(errs, fmt.Errorf("over the target: %s: %s, target %s", x.What, x.measured(), x.target()))
		}
	}
	return errors.Join(errs...)
}

func (r *report) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| what | target | measured | spread | verdict |\n| --- | --- | --- | --- | --- |\n")
	for _, x := range r.Rows {
		cells := []string{x.title(), x.target(), x.measured(), x.spread(), string(x.Verdict)}
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	fmt.Fprintf(&b, "\n%s\n", r.Machine)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r row) title() string {
	if r.Note == "" {
		return r.What
	}
	return r.What + " (" + r.Note + ")"
}

func (r row) target() string {
	if r.Limit == 0 {
		return ""
	}
	return fmt.Sprintf("≤ %g %s", r.Limit, r.Unit)
}

func (r row) measured() string {
	if len(r.Samples) == 0 {
		return ""
	}
	if len(r.Samples) == 1 {
		return r.Unit.format(r.Measured) + ", once"
	}
	return fmt.Sprintf("%s, %s of %d", r.Unit.format(r.Measured), r.By, len(r.Samples))
}

func (r row) spread() string {
	if len(r.Samples) < 2 {
		return ""
	}
	return r.Unit.number(slices.Min(r.Samples)) + "–" + r.Unit.format(slices.Max(r.Samples))
}

func (u unit) format(v float64) string { return u.number(v) + " " + string(u) }

// number has as many digits as the measuring is good for.
func (u unit) number(v float64) string {
	digits := 2
	if u == megabytes || u == percent && v >= 10 {
		digits = 1
	}
	return fmt.Sprintf("%.*f", digits, v)
}

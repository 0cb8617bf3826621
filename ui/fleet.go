package ui

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// FleetPage is the home page: one sentence first, then what needs somebody, then every app. Its rows are no live
// part of it: they come one by one (FleetRows).
type FleetPage struct {
	Shell
	Apps    []App
	Rows    []template.HTML // of the apps, each made by its Row
	Figures []Figure
}

// Row is the app in the table of the fleet. It is the same for everyone who finds the app at that path, so that it
// can be kept.
func (a App) Row(now time.Time) (template.HTML, error) {
	b, err := execute("fleetrow", struct {
		App
		Now time.Time
	}{a, now})
	return template.HTML(b), err // made by our own template just now
}

// Moment is what of the row depends on the time of day: while it is the same, so is the row of the same app.
func (a App) Moment(now time.Time) string {
	text := a.StatusWord(now)
	if a.Latest != nil {
		text += " " + string(ago(a.Latest.Created, now))
	}
	return text
}

// FleetRows writes rows of the fleet for replacing those in the browser, or with whole the table of all of them.
func FleetRows(w io.Writer, rows []template.HTML, whole bool) error {
	return write(w, "fleetsome", struct {
		Rows  []template.HTML
		Whole bool
	}{rows, whole})
}

// Figure is a number with what it means.
type Figure struct{ Label, Value, Unit, Note string }

// Up is the number of apps that visitors can use, and of all that have a version.
func (p FleetPage) Up() (up, all int) {
	for _, a := range p.Apps {
		if a.Live == nil {
			continue
		}
		all++
		if !a.Health.Down {
			up++
		}
	}
	return up, all
}

// Say is the sentence: "23 of 24 apps are up."
func (p FleetPage) Say() string {
	up, all := p.Up()
	switch {
	case all == 0 && len(p.Apps) == 1:
		return p.Apps[0].Name + " is not online yet."
	case all == 0:
		return fmt.Sprintf("None of your %s is online yet.", plural(len(p.Apps), "app"))
	case all == 1 && up == 1:
		return p.only() + " is up."
	case all == 1:
		return p.only() + " is down."
	case up == all && all < len(p.Apps):
		return fmt.Sprintf("%d apps are up.", all)
	case up == all && all == 2:
		return "Both of your apps are up."
	case up == all:
		return fmt.Sprintf("All %d apps are up.", all)
	}
	return fmt.Sprintf("%d of %d apps are up.", up, all)
}

// only names the one app that has a version.
func (p FleetPage) only() string {
	for _, a := range p.Apps {
		if a.Live != nil && len(p.Apps) > 1 {
			return a.Name
		}
	}
	return "Your app"
}

// Call is the second sentence, about what needs somebody; "" when nothing does.
func (p FleetPage) Call() string {
	n := len(p.Troubled())
	switch n {
	case 0:
		return ""
	case 1:
		return "One needs you."
	}
	s := spell(n)
	return string(s[0]-'a'+'A') + s[1:] + " need you."
}

// Troubled are the apps that need somebody, those that are down first.
func (p FleetPage) Troubled() []App {
	var down, stuck []App
	for _, a := range p.Apps {
		switch {
		case a.Live != nil && a.Health.Down:
			down = append(down, a)
		case a.NeedsYou():
			stuck = append(stuck, a)
		}
	}
	return append(down, stuck...)
}

// Count is how many apps a filter shows.
func (p FleetPage) Count(filter string) (n int) {
	for _, a := range p.Apps {
		if a.Filter() == filter {
			n++
		}
	}
	return n
}

// Filter is which of the filters above the table shows the app.
func (a App) Filter() string {
	switch {
	case a.NeedsYou():
		return "look"
	case a.Working():
		return "busy"
	}
	return "ok"
}

// NeedText explains a need card: what is wrong, and what visitors get.
func (a App) NeedText() string {
	if a.Health.Down {
		if a.Health.Reason != "" {
			return sentence(a.Health.Reason)
		}
		return "It does not answer. Visitors see an error page."
	}
	text := "It has not become healthy."
	if f := a.Latest.Failure; f != nil {
		text = sentence(f.Message)
	} else if a.Latest.Status == paas.Interrupted {
		text = "Cloudsania was restarted in the middle of it."
	}
	if a.Live != nil {
		return text + fmt.Sprintf(" Visitors still see v%d and notice nothing.", a.Live.Number)
	}
	return text + " Nothing is online yet."
}

// NeedState and NeedWord are the need card's status.
func (a App) NeedState() State { return a.Need().State }

// NeedWord is the need card's word.
func (a App) NeedWord(now time.Time) string {
	if a.Health.Down {
		return a.StatusWord(now)
	}
	return a.Need().Say
}

// Last is the newest attempt as the table shows it.
func (a App) Last(now time.Time) *Deploy {
	if a.Latest == nil {
		return nil
	}
	d := &Deploy{Deployment: *a.Latest, Path: a.LatestPath(), Now: now}
	if a.Live != nil {
		d.Before, d.IsLive = a.Live.Number, a.Live.ID == a.Latest.Release
	}
	if !d.Status.Done() {
		d.Next = d.Before + 1
	}
	return d
}

// PalettePage is what the command palette offers; it is fetched when it opens.
type PalettePage struct {
	Shell
	Apps []App
}

// NumberFigure is a count with what it means.
func NumberFigure(label string, n int64, note string) Figure {
	return Figure{Label: label, Value: number(n), Note: note}
}

// BytesFigure is a size with what it means.
func BytesFigure(label string, n int64, note string) Figure {
	value, unit, _ := strings.Cut(bytesOf(n), " ")
	return Figure{Label: label, Value: value, Unit: unit, Note: note}
}

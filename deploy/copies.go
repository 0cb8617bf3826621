package deploy

import (
	"slices"
	"sort"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// wanted says how many copies of each process of a plan are to run, web first. The number belongs to the app
// environment; a process that it does not name has one.
type wanted []struct {
	process string
	copies  int
}

func wantedCopies(p paas.Plan, scale map[string]int) wanted {
	var out wanted
	for _, process := range processTypes(p) {
		n, ok := scale[process]
		if !ok {
			n = 1
		}
		out = append(out, struct {
			process string
			copies  int
		}{process, n})
	}
	return out
}

// none reports whether nothing at all is to run.
func (w wanted) none() bool {
	for _, one := range w {
		if one.copies > 0 {
			return false
		}
	}
	return true
}

// compare tells how what runs differs from what is wanted: the processes of which one more copy is missing, once
// for each copy, and the instances that are too many, the youngest first.
func (w wanted) compare(running []paas.Instance) (missing []string, surplus []paas.Instance) {
	byProcess := map[string][]paas.Instance{}
	for _, inst := range running {
		byProcess[inst.Process] = append(byProcess[inst.Process], inst)
	}
	for _, one := range w {
		have := byProcess[one.process]
		delete(byProcess, one.process)
		for range one.copies - len(have) {
			missing = append(missing, one.process)
		}
		if over := len(have) - one.copies; over > 0 {
			slices.SortStableFunc(have, func(a, b paas.Instance) int { return b.Created.Compare(a.Created) })
			surplus = append(surplus, have[:over]...)
		}
	}
	return missing, surplus
}

// processTypes are the processes of the plan, web first. A plan that names none has a web process.
func processTypes(p paas.Plan) []string {
	var out []string
	for _, pr := range p.Processes {
		if pr.Type != contract.WebProcess && pr.Type != contract.ReleaseProcess {
			out = append(out, pr.Type)
		}
	}
	sort.Strings(out)
	web := func(pr paas.Process) bool { return pr.Type == contract.WebProcess }
	if len(p.Processes) == 0 || slices.ContainsFunc(p.Processes, web) {
		out = append([]string{contract.WebProcess}, out...)
	}
	return out
}

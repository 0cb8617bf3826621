package paas

import (
	"cmp"
	"slices"
	"time"
)

// Life is what every durable noun has: its place in the order of making, and its end. Order is by Seq alone: ids and clocks may lie.
// Something deleted has given its name back and is shown nowhere, but can be brought back until PurgeAfter, when what is left goes.
type Life struct {
	Seq        uint64    // grows with each noun that is made; 0 before it is kept
	Deleted    time.Time `json:",omitzero"` // zero: it is there
	PurgeAfter time.Time `json:",omitzero"` // zero: nothing is kept, or it is there
}

// Order is the place of a noun among those of its kind.
func (l Life) Order() uint64 { return l.Seq }

// SortByAge puts the oldest first.
func SortByAge[T interface{ Order() uint64 }](nouns []T) {
	slices.SortStableFunc(nouns, func(a, b T) int { return cmp.Compare(a.Order(), b.Order()) })
}

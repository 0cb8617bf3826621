package ui

import (
	"fmt"
	"strings"
)

// QR is a code to scan, as one SVG path. The zero value shows nothing.
type QR struct {
	Size int // modules per side, quiet zone included
	Path string
}

// NewQR draws size × size modules; dark tells which are.
func NewQR(size int, dark func(x, y int) bool) QR {
	const quiet = 3
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for x+run < size && dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return QR{Size: size + 2*quiet, Path: path.String()}
}

// Package qr draws QR codes as SVG.
package qr

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

const quiet = 4 // modules of light margin on each side, ISO/IEC 18004

// Code is a QR code as one SVG path of its dark modules in a square viewBox from 0 to Size. The zero value shows
// nothing.
type Code struct {
	Size int // modules per side, quiet zone included
	Path string
}

// Encode makes the code of a text, with error correction of level M. It fails for text that no code can hold.
func Encode(text string) (Code, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return Code{}, fmt.Errorf("encode QR code: %w", err)
	}
	return draw(code.Bounds().Dx(), func(x, y int) bool {
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}), nil
}

// draw joins neighbours of a row, which makes the path a third as long.
func draw(size int, dark func(x, y int) bool) Code {
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
	return Code{Size: size + 2*quiet, Path: path.String()}
}

// SVG is the code as an element of its own, readable on any background.
func (c Code) SVG() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" `+
		`role="img" aria-label="QR code"><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`,
		c.Size, c.Size, c.Size, c.Size, c.Path)
}

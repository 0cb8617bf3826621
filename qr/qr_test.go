package qr

import (
	"fmt"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	got := draw(3, func(x, y int) bool { return y == 1 || x == 0 && y == 0 })
	if want := (Code{Size: 11, Path: "M4 4h1v1h-1zM4 5h3v1h-3z"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A scanner looks for the three finder patterns.
func TestEncodeDrawsFinderPatterns(t *testing.T) {
	code, err := Encode("otpauth://totp/Cloudsania:ada@example.com?issuer=Cloudsania&secret=" + strings.Repeat("A", 32))
	if err != nil {
		t.Fatal(err)
	}
	size := code.Size - 2*quiet
	if size < 21 || (size-17)%4 != 0 {
		t.Fatalf("%d modules a side", size)
	}
	dark := modules(t, code)
	finder := []string{"#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"}
	for _, corner := range [][2]int{{0, 0}, {size - 7, 0}, {0, size - 7}} {
		for y, row := range finder {
			for x, want := range row {
				if dark[[2]int{corner[0] + x, corner[1] + y}] != (want == '#') {
					t.Fatalf("no finder pattern at %v", corner)
				}
			}
		}
	}
}

// modules reads a path back.
func modules(t *testing.T, code Code) map[[2]int]bool {
	t.Helper()
	dark := map[[2]int]bool{}
	for _, part := range strings.Split(strings.TrimSuffix(code.Path, "z"), "z") {
		var x, y, run, back int
		if _, err := fmt.Sscanf(part, "M%d %dh%dv1h-%d", &x, &y, &run, &back); err != nil || run != back {
			t.Fatalf("%q: %v", part, err)
		}
		for n := range run {
			dark[[2]int{x - quiet + n, y - quiet}] = true
		}
	}
	return dark
}

func TestSVG(t *testing.T) {
	code, err := Encode("<script>")
	if err != nil {
		t.Fatal(err)
	}
	svg := code.SVG()
	if !strings.HasPrefix(svg, "<svg ") || !strings.Contains(svg, code.Path) || strings.Contains(svg, "script") || strings.Contains(svg, "style") {
		t.Error(svg)
	}
}

func TestEncodeRefusesWhatDoesNotFit(t *testing.T) {
	if _, err := Encode(strings.Repeat("x", 10_000)); err == nil {
		t.Error("10,000 bytes were encoded")
	}
}

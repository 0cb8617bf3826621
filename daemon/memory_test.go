package daemon

import (
	"os"
	"strings"
	"testing"
)

func TestOnlyCleanPagesOfTheProgramAreDropped(t *testing.T) {
	const smaps = `00400000-01400000 r-xp 00000000 fe:00 12 /usr/local/bin/cloudsania
Rss:                9000 kB
Anonymous:             0 kB
01400000-01500000 r--p 01000000 fe:00 12 /usr/local/bin/cloudsania
Anonymous:            12 kB
01500000-01600000 rw-p 01100000 fe:00 12 /usr/local/bin/cloudsania
Anonymous:             0 kB
7f0000000000-7f0000100000 r-xp 00000000 fe:00 13 /usr/lib/libc.so.6
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:          4096 kB
`
	got := cleanRanges(strings.NewReader(smaps), "/usr/local/bin/cloudsania")
	if len(got) != 1 || got[0] != (addresses{0x400000, 0x1400000}) {
		t.Errorf("ranges to drop: %x", got)
	}
}

// The program goes on after its own pages were dropped, and has them less mapped than before.
func TestDropProgramPages(t *testing.T) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip("no /proc here")
	}
	defer f.Close()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if len(cleanRanges(f, exe)) == 0 {
		t.Fatal("found no mapping of the program")
	}
	for range 3 {
		if err := dropProgramPages(); err != nil {
			t.Fatal(err)
		}
	}
	if processorTime() <= 0 {
		t.Error("no processor time was used")
	}
}

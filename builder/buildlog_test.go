package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/buildpacks/pack/pkg/logging"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

var _ logging.Logger = (*buildLog)(nil)

func TestBuildLog(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a build's line", "[builder] npm ci\n", "npm ci\n"},
		{"an empty line", "[builder] \n", "\n"},
		{"in pieces", "[buil|der] np|m ci\n[builder] done|\n", "npm ci\ndone\n"},
		{"colours", "\x1b[36m[builder]\x1b[0m \x1b[1;32mok\x1b[0m\n", "\x1b[1;32mok\x1b[0m\n"},
		{"a phase that pack coloured", "[\x1b[36mbuilder\x1b[0m] ok\n[\x1b[36mexporter\x1b[0m] Adding layer\n", "ok\n"},
		{"cursor, title and charset", "[builder] \x1b[2K\x1b]0;title\x07a\x1b(Bb\n", "ab\n"},
		{"drawn over and over", "[builder] 10 %\r50 %\r100 %\r\n", "100 %\n"},
		{"control characters", "[builder] a\x00b\x08c\td\n", "abc d\n"},
		{"not UTF-8", "[builder] a\xffb\n", "a�b\n"},
		{"phases of ours", "===> ANALYZING\n[analyzer] Image not found\n===> DETECTING\n[detector] cloudsania/app 1\n===> RESTORING\n===> BUILDING\n", ""},
		{"the end", "===> EXPORTING\n[exporter] Adding layer 'x'\n", "storing the image\n"},
		{"the lifecycle's last word", "[builder] boom\n[builder] ERROR: failed to build: exit status 1\n", "boom\n"},
		{"the explanation", string(recorded(contract.Record{Kind: contract.Failure, Message: "m", Hint: "h"})), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			l := newBuildLog(&out)
			for _, part := range strings.Split(c.in, "|") {
				if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
					t.Fatalf("wrote %d of %d: %v", n, len(part), err)
				}
			}
			if out.String() != c.want {
				t.Errorf("got %q, want %q", out.String(), c.want)
			}
		})
	}
}

// The prefix is pack's own, whatever it looks like.
func TestBuildLogReadsPacksPrefix(t *testing.T) {
	var out strings.Builder
	w := logging.NewPrefixWriter(newBuildLog(&out), "builder")
	_, _ = w.Write(bytes.TrimPrefix(recorded(contract.Record{Kind: contract.Warning, Message: "stale"}), []byte("[builder] ")))
	_, _ = w.Write([]byte("npm ci\n"))
	if out.String() != "warning: stale\nnpm ci\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestBuildLogLimits(t *testing.T) {
	var out strings.Builder
	l := newBuildLog(&out)
	_, _ = l.Write([]byte("[builder] " + strings.Repeat("x", 100<<10) + "\n[builder] next\n"))
	if lines := strings.Split(out.String(), "\n"); len(lines[0]) > maxLineBytes || lines[1] != "next" {
		t.Errorf("a long line became %d bytes, then %q", len(lines[0]), lines[1])
	}
	line := []byte("[builder] " + strings.Repeat("y", 8000) + "\n")
	for range maxLogBytes/8000 + 100 {
		_, _ = l.Write(line)
	}
	if n := out.Len(); n > maxLogBytes+100 {
		t.Errorf("%d bytes were kept", n)
	}
	if !strings.HasSuffix(out.String(), "the output is longer than 16 MB; the rest is not kept\n") {
		t.Error("the end does not say that something is missing")
	}
	_, _ = l.Write(recorded(contract.Record{Kind: contract.Failure, Message: "still found", Hint: "h"}))
	if e := l.explanation(); e == nil || e.Kind != paas.Failed || e.Msg != "still found" || e.Hint != "h" {
		t.Errorf("an explanation after the end of the log: %+v", e)
	}
	for i := range 100 {
		l.Infof("line %d", i)
	}
	if text := l.text(); strings.Count(text, "\n") != keptLines-1 || !strings.HasSuffix(text, "line 99") || l.lastLine() != "line 99" {
		t.Errorf("kept: %s", text)
	}
}

func TestBuildLogWarnings(t *testing.T) {
	var out strings.Builder
	l := newBuildLog(&out)
	for range maxWarnings + 5 {
		_, _ = l.Write(recorded(contract.Record{Kind: contract.Warning, Message: "the lock\x1b[31m is\nstale", Hint: "lock again"}))
	}
	if w := l.warned(); len(w) != maxWarnings || w[0] != "the lock is stale; lock again" {
		t.Errorf("%d warnings: %q", len(w), w)
	}
	if !strings.HasPrefix(out.String(), "warning: the lock is stale; lock again\n") || l.explanation() != nil {
		t.Errorf("log: %q", out.String())
	}
}

// recorded is a record as pack passes it on.
func recorded(r contract.Record) []byte {
	var b bytes.Buffer
	b.WriteString("[builder] ")
	if err := r.Write(&b); err != nil {
		panic(err) // a buffer takes all
	}
	return b.Bytes()
}

func FuzzBuildLog(f *testing.F) {
	f.Add([]byte("[builder] \x1b[32ma\x1b[0m\r\n"))
	f.Add(recorded(contract.Record{Kind: contract.Warning, Message: "a\x1b[31mb\rc"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out strings.Builder
		l := newBuildLog(&out)
		_, _ = l.Write(b)
		_, _ = l.Write([]byte("\n"))
		for line := range strings.Lines(out.String()) {
			if text := strings.TrimSuffix(line, "\n"); terminal.ColouredLine(text, maxLineBytes) != text {
				t.Errorf("not safe to print: %q", text)
			}
		}
	})
}

func TestExplain(t *testing.T) {
	live := context.Background()
	over, cancel := context.WithCancel(live)
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		kind paas.Kind
		msg  string
	}{
		{"the build's own failure", live, &phaseError{err: errors.New("executing lifecycle: failed with status code: 51")}, paas.Failed, "the build failed"},
		{"detection", live, &phaseError{err: errors.New("failed with status code: 20")}, paas.Failed, "the source was not recognised"},
		{"export", live, &phaseError{err: errors.New("failed with status code: 62")}, paas.Internal, "the image could not be made"},
		{"killed", live, &phaseError{err: errors.New("failed with status code: 137")}, paas.Internal, "the image could not be made"},
		{"no engine", live, &phaseError{err: errors.New("Cannot connect to the Docker daemon at unix:///var/run/docker.sock")}, paas.Unavailable, "docker stopped answering during the build"},
		{"full disk", live, &phaseError{err: errors.New("failed with status code: 62"), said: "write /x: no space left on device"}, paas.NoSpace, "the disk is full"},
		{"nearly full disk", live, fmt.Errorf("%w: %w", errDiskFull, errors.New("x")), paas.NoSpace, "the disk is full"},
		{"cancelled", over, &phaseError{err: context.Canceled}, paas.Cancelled, "the build was cancelled"},
		{"too long", live, fmt.Errorf("%w: %w", errTooLong, &paas.Error{Kind: paas.Unavailable, Msg: "docker"}), paas.Failed, "the build took longer than 30 minutes"},
		{"explained", live, &paas.Error{Kind: paas.Failed, Msg: "npm found no package"}, paas.Failed, "npm found no package"},
		{"memory", live, outOfMemory("builder", 400, nil), paas.Failed, "the build needed more than 400 MB of memory"},
		{"memory of the exporter", live, outOfMemory("exporter", 400, nil), paas.Failed, "storing the image needed more than 400 MB of memory"},
		{"anything", live, errors.New("x"), paas.Internal, "internal error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := explain(c.ctx, c.err)
			if p := paas.Public(err); p.Kind != c.kind || p.Msg != c.msg || p.Kind != paas.Internal && p.Hint == "" && c.name != "explained" && c.name != "cancelled" {
				t.Errorf("%+v", p)
			}
		})
	}
}

package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// maxLine bounds one log line; the engine delivers longer ones in parts of 16 KiB, and so does Logs beyond this.
const maxLine = 64 << 10

// maxFrame bounds what the engine may send as one frame.
const maxFrame = 1 << 20

// Logs calls fn for each line, oldest first, with its time, stream and text: valid UTF-8 without its line break, at
// most 64 KiB, in which control characters are the app's. With o.Follow it goes on until the container ends. It returns
// fn's error, if that stops it, or ctx's. A missing container is NotFound.
func (e *Engine) Logs(ctx context.Context, id string, o paas.LogOptions, fn func(paas.LogLine) error) error {
	q := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: o.Follow}
	if o.Tail > 0 {
		q.Tail = strconv.Itoa(o.Tail)
	}
	if !o.Since.IsZero() {
		q.Since = o.Since.UTC().Format(time.RFC3339Nano)
	}
	r, err := e.client.ContainerLogs(ctx, id, q)
	if err != nil {
		return fail(ctx, err, "read logs of container %s", id)
	}
	defer r.Close()
	var stopped error
	err = readLog(r, func(l paas.LogLine) error {
		stopped = fn(l)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return fail(ctx, err, "read logs of container %s", id)
}

// readLog takes the engine's stream apart: frames of a stream number, three zeros, a length and so many bytes. A frame
// is a time, a space and a line, or a part of one that is longer than the engine's buffer; only the last part ends with
// a line break.
func readLog(r io.Reader, fn func(paas.LogLine) error) error {
	br := bufio.NewReaderSize(r, 32<<10)
	lines := map[string]*partialLine{"stdout": {}, "stderr": {}}
	for {
		stream, frame, err := readFrame(br)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		at, text := splitTime(frame)
		p := lines[stream]
		if !p.begun {
			p.begun, p.at = true, at
		}
		text, whole := bytes.CutSuffix(text, []byte("\n"))
		p.text = append(p.text, text...)
		if !whole && len(p.text) < maxLine {
			continue
		}
		if err := p.emit(stream, fn); err != nil {
			return err
		}
	}
	for stream, p := range lines { // the app ended in the middle of a line
		if !p.begun {
			continue
		}
		if err := p.emit(stream, fn); err != nil {
			return err
		}
	}
	return nil
}

// partialLine is what has come so far of a stream's current line.
type partialLine struct {
	begun bool
	at    time.Time // of the first
	text  []byte
}

// emit hands the line over, in parts where it is too long, and begins anew.
func (p *partialLine) emit(stream string, fn func(paas.LogLine) error) error {
	text := bytes.TrimSuffix(p.text, []byte("\r"))
	for {
		head := text[:min(len(text), maxLine)]
		text = text[len(head):]
		if err := fn(paas.LogLine{Time: p.at, Stream: stream, Text: valid(head)}); err != nil {
			return err
		}
		if len(text) == 0 {
			p.begun, p.text = false, p.text[:0]
			return nil
		}
	}
}

// valid replaces what is not UTF-8. A replacement is longer than what it replaces: what then is too much at the end
// goes.
func valid(b []byte) string {
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "")
	}
	return s
}

// readFrame returns io.EOF at the end, also in the middle of a frame: an engine that stops has nothing more to say.
func readFrame(r io.Reader) (stream string, frame []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", nil, endOr(err)
	}
	switch head[0] {
	case 0, 1:
		stream = "stdout"
	case 2:
		stream = "stderr"
	case 3:
		stream = "error"
	default:
		return "", nil, fmt.Errorf("log stream %d is unknown", head[0])
	}
	n := binary.BigEndian.Uint32(head[4:])
	if n > maxFrame {
		return "", nil, fmt.Errorf("a log line of %d bytes is too long", n)
	}
	frame = make([]byte, n)
	if _, err := io.ReadFull(r, frame); err != nil {
		return "", nil, endOr(err)
	}
	if stream == "error" {
		return "", nil, fmt.Errorf("docker: %s", frame)
	}
	return stream, frame, nil
}

func endOr(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// splitTime cuts the time off that the engine puts before each part.
func splitTime(frame []byte) (time.Time, []byte) {
	stamp, text, ok := bytes.Cut(frame, []byte(" "))
	if !ok {
		stamp, text = bytes.TrimSuffix(frame, []byte("\n")), []byte("\n")
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return time.Time{}, frame
	}
	return at, text
}

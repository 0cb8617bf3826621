package api

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(r io.Reader) (events []ServerEvent, err error) {
	er := NewEventReader(r, nil)
	for {
		e, err := er.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

func event1(id, name, data string) ServerEvent {
	return ServerEvent{ID: id, Name: name, Data: []byte(data)}
}

func TestEventReader(t *testing.T) {
	tests := []struct {
		name, in string
		want     []ServerEvent
	}{
		{"one", "data: a\n\n", []ServerEvent{event1("", "", "a")}},
		{"all fields", "id: 7\nevent: log\ndata: a\ndata: b\n\n", []ServerEvent{event1("7", "log", "a\nb")}},
		{"comments and retry are skipped", "retry: 2000\n\n: alive\n\ndata:x\n\n", []ServerEvent{event1("", "", "x")}},
		{"carriage returns", "data: a\r\n\r\ndata: b\r\rdata: c\n\n", []ServerEvent{event1("", "", "a"), event1("", "", "b"), event1("", "", "c")}},
		{"only one space goes", "data:  a\n\n", []ServerEvent{event1("", "", " a")}},
		{"an event without data is none", "event: x\n\ndata: y\n\n", []ServerEvent{event1("", "", "y")}},
		{"cut off at the end", "data: a\n\ndata: b\n", []ServerEvent{event1("", "", "a")}},
		{"cut off in a line", "data: a\n\ndata: b", []ServerEvent{event1("", "", "a")}},
		{"a NUL in an id is ignored", "id: a\x00b\ndata: a\n\n", []ServerEvent{event1("", "", "a")}},
		{"empty data", "data\n\n", []ServerEvent{{}}},
	}
	for _, tt := range tests {
		for how, r := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in))} {
			got, err := readAll(r)
			for i := range got {
				if len(got[i].Data) == 0 {
					got[i].Data = nil
				}
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s, %s: %q, %v; want %q", tt.name, how, got, err, tt.want)
			}
		}
	}
}

func TestEventReaderIsBounded(t *testing.T) {
	if _, err := readAll(strings.NewReader("data: " + strings.Repeat("x", maxEventBytes+10) + "\n\n")); err == nil {
		t.Error("a line without end is read")
	}
	if _, err := readAll(strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000))); err == nil {
		t.Error("an event without end is read")
	}
}

func FuzzEventReader(f *testing.F) {
	f.Add("id: 1\nevent: a\ndata: b\n\n")
	f.Add("data: a\r\rdata: b\r\n\r\n:\n")
	f.Fuzz(func(t *testing.T, in string) {
		whole, err1 := readAll(strings.NewReader(in))
		bytes, err2 := readAll(iotest.OneByteReader(strings.NewReader(in)))
		if !reflect.DeepEqual(whole, bytes) || (err1 == nil) != (err2 == nil) {
			t.Errorf("how the bytes arrive changes what they mean: %q %v, %q %v", whole, err1, bytes, err2)
		}
		for _, e := range whole {
			if strings.ContainsAny(e.ID+e.Name, "\r\n") {
				t.Errorf("a line end got into %q or %q", e.ID, e.Name)
			}
		}
	})
}

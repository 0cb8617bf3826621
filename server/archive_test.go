package server

import (
	"io"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestArchivesHaveALimit(t *testing.T) {
	n, err := io.Copy(io.Discard, &countedBody{r: zeros{}, left: 1 << 20})
	if !paas.IsKind(err, paas.TooLarge) || n > 1<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	_, err = io.Copy(io.Discard, &countedBody{r: io.MultiReader(io.LimitReader(zeros{}, 10), broken{}), left: 1 << 20})
	if !paas.IsKind(err, paas.Invalid) {
		t.Errorf("a sender who is gone: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

package proxy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/cloudsania/cloudsania/disk"
)

var errCorrupt = errors.New("the file is damaged")

// sealed is how our JSON files lie on disk: a checksum tells a whole file from half of one.
type sealed struct {
	Sum  string          `json:"sha256"`
	Body json.RawMessage `json:"body"`
}

// readSealed reads what writeSealed wrote. It wraps fs.ErrNotExist when there is nothing and errCorrupt when it is not
// what was written.
func readSealed(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%w: %v", errCorrupt, err)
	}
	sum := sha256.Sum256(s.Body)
	if hex.EncodeToString(sum[:]) != s.Sum {
		return fmt.Errorf("%w: the checksum differs", errCorrupt)
	}
	if err := json.Unmarshal(s.Body, v); err != nil {
		return fmt.Errorf("%w: %v", errCorrupt, err)
	}
	return nil
}

func writeSealed(path string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"sha256":%q,"body":%s}`+"\n", hex.EncodeToString(sum[:]), body)
	return disk.WriteFile(path, b.Bytes())
}

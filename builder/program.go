package builder

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/cloudsania/cloudsania/paas"
)

// program is our own binary, as the buildpack.
type program struct {
	file   string
	digest string
	err    error // why it cannot be the buildpack; nil when it can
}

// openProgram reads the binary once: its digest names what is made of it.
func openProgram(file string) (program, error) {
	f, err := os.Open(file)
	if err != nil {
		return program{}, fmt.Errorf("open our own binary: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return program{}, fmt.Errorf("read our own binary: %w", err)
	}
	return program{file: file, digest: hex.EncodeToString(h.Sum(nil)), err: checkStatic(f)}, nil
}

// checkStatic: the buildpack runs in images that need not have our C library.
func checkStatic(f io.ReaderAt) error {
	bin, err := elf.NewFile(f)
	if err != nil {
		return &paas.Error{
			Kind: paas.Unavailable,
			Msg:  "this binary cannot be the buildpack: it is no Linux program",
			Err:  err,
		}
	}
	for _, p := range bin.Progs {
		if p.Type == elf.PT_INTERP {
			return &paas.Error{
				Kind: paas.Unavailable,
				Msg:  "this binary cannot be the buildpack: it is not linked statically",
				Hint: "build it with CGO_ENABLED=0",
			}
		}
	}
	return nil
}

func (p program) copyTo(name string) error {
	from, err := os.Open(p.file)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return err
	}
	return to.Close()
}

package disk

import (
	"errors"
	"strings"
	"syscall"

	"github.com/cloudsania/cloudsania/paas"
)

// Full explains an error of a full disk: it becomes a paas.Error of kind NoSpace. Other errors come back as they
// are, and so do those that are a paas.Error already.
func Full(err error) error {
	var explained *paas.Error
	if errors.As(err, &explained) || !IsFull(err) {
		return err
	}
	return &paas.Error{Kind: paas.NoSpace, Msg: "the server's disk is full",
		Hint: "free some space on it and try again; apps keep serving", Err: err}
}

// IsFull reports whether a full disk, an exhausted quota or the largest size of a file caused err. Programs and
// libraries often keep only the text of such an error, so that counts as well.
func IsFull(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(err.Error())
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, errno) || strings.Contains(text, strings.ToLower(errno.Error())) {
			return true
		}
	}
	return false
}

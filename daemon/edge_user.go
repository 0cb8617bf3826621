package daemon

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// account looks up the unprivileged user of the edge; ok is false when the edge runs as we do.
func (s *edgeSupervisor) account() (uid, gid int, ok bool, err error) {
	if s.cfg.EdgeUser == "" || os.Getuid() != 0 {
		return os.Getuid(), os.Getgid(), false, nil
	}
	u, err := user.Lookup(s.cfg.EdgeUser)
	if err != nil {
		return 0, 0, false, &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("there is no user %q for the edge", s.cfg.EdgeUser),
			Hint: "install.sh makes it",
			Err:  err,
		}
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, false, fmt.Errorf("user id of the edge: %w", err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, false, fmt.Errorf("group id of the edge: %w", err)
	}
	return uid, gid, true, nil
}

func (s *edgeSupervisor) uid() (int, error) {
	uid, _, _, err := s.account()
	return uid, err
}

// credential is what the edge is started as. Its directory becomes its own.
func (s *edgeSupervisor) credential() (*run.Credential, error) {
	uid, gid, ok, err := s.account()
	if err != nil || !ok {
		return nil, err
	}
	err = filepath.WalkDir(filepath.Join(s.cfg.Data, "edge"), func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, gid)
	})
	if err != nil {
		return nil, fmt.Errorf("give the edge its directory: %w", err)
	}
	return &run.Credential{UID: uint32(uid), GID: uint32(gid)}, nil
}

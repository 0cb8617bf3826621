package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// Tx is one transaction: everything read in it is of one state, everything changed in it is kept together or not at all, and all of it
// happens at one moment, by one actor. It is valid only within the function that was given it. When a method returns an error, return it:
// what the method had changed by then must not be kept.
type Tx struct {
	bolt    *bolt.Tx
	s       *Store
	now     time.Time
	by      paas.Actor
	request Request
	changed map[Dirty]struct{} // nil in a transaction that only reads
}

// Now is the moment of the transaction, as records keep it.
func (t *Tx) Now() time.Time { return t.now }

// By is who the changes are made by.
func (t *Tx) By() paas.Actor { return t.by }

// errStop ends a scan early.
var errStop = errors.New("stop")

// View runs fn on one consistent state. Changing anything in it is an error.
func (s *Store) View(fn func(*Tx) error) error {
	return s.guard(func() error {
		return s.db.View(func(t *bolt.Tx) error { return fn(&Tx{bolt: t, s: s, now: s.moment()}) })
	})
}

// Change runs fn and makes all of its changes durable, with their events, or none when it returns an error. Of ctx only what WithRequest
// put there is used: a change that has begun is finished. After a write error other than a full disk nobody knows what the kernel kept,
// so nothing more is written until a restart has checked the file.
func (s *Store) Change(ctx context.Context, by paas.Actor, fn func(*Tx) error) error {
	if cause := s.broken.Load(); cause != nil {
		return &paas.Error{Kind: paas.Unavailable, Msg: "the database cannot be written after a disk error",
			Hint: "apps keep serving; check the disk and restart control", Err: *cause}
	}
	request := requestIn(ctx)
	accepted := false // by fn; what fails later is the commit
	changed := map[Dirty]struct{}{}
	err := s.guard(func() error {
		return s.db.Update(func(bt *bolt.Tx) error {
			t := &Tx{bolt: bt, s: s, now: s.moment(), by: by, request: request, changed: changed}
			err := t.claimOnce(request.Once)
			if err == nil {
				err = fn(t)
			}
			accepted = err == nil
			return err
		})
	})
	if err == nil {
		request.Once.committed()
		s.watchers.publish(changed)
		return nil
	}
	if !accepted {
		return noSpace(err)
	}
	if full := noSpace(err); paas.IsKind(full, paas.NoSpace) {
		return full
	}
	s.broken.Store(&err)
	s.log.Error("cannot write the database; nothing more is written until control restarts", "err", err)
	return &paas.Error{Kind: paas.Unavailable, Msg: "the database could not be written",
		Hint: "apps keep serving; check the disk and restart control", Err: err}
}

// update is a change of ours, on nobody's request.
func (s *Store) update(fn func(*Tx) error) error {
	return s.Change(context.Background(), paas.System, fn)
}

// as is the same transaction with another actor.
func (t *Tx) as(by paas.Actor) *Tx {
	other := *t
	other.by = by
	return &other
}

// guard turns a panic of bbolt and a memory fault in the mapped file, as from a disk that went bad under us, into an error.
func (s *Store) guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("reading the database went wrong", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = damaged("reading it went wrong: %v", p)
		}
	}()
	if err := fn(); !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return err
	}
	return &paas.Error{Kind: paas.Unavailable, Msg: "the database is closed", Hint: "control is going down; try again in a moment"}
}

// noSpace gives an error of a full disk its message and returns others as they are.
func noSpace(err error) error {
	var explained *paas.Error
	if errors.As(err, &explained) || !disk.IsFull(err) && !errors.Is(err, berrors.ErrMaxSizeReached) {
		return err
	}
	return &paas.Error{Kind: paas.NoSpace, Msg: "the disk is full: the change was not made, and nothing was lost",
		Hint: "free some space on the disk of the data directory and try again; apps keep serving", Err: err}
}

// find reads the record at key; false when there is none.
func find[T any](t *Tx, b bucket, key string) (T, bool, error) {
	payload, ok, err := t.raw(b, key)
	if err != nil || !ok {
		var none T
		return none, false, err
	}
	v, err := decodeJSON[T](b, key, payload)
	return v, err == nil, err
}

// get is find for an id that somebody named: none is NotFound.
func get[T any](t *Tx, b bucket, key string) (T, error) {
	v, ok, err := find[T](t, b, key)
	if err == nil && !ok {
		err = notFound(string(b), key)
	}
	return v, err
}

func notFound(noun, name string) error {
	return &paas.Error{Kind: paas.NotFound, Msg: fmt.Sprintf("there is no %s %q", noun, paas.Clip(name, 80))}
}

func conflict(hint, format string, args ...any) error {
	return &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// raw is the payload at key, valid only within the transaction.
func (t *Tx) raw(b bucket, key string) ([]byte, bool, error) {
	raw := t.branch(b).Get([]byte(key))
	if raw == nil {
		return nil, false, nil
	}
	payload, err := decodeRecord(b, key, raw)
	return payload, err == nil, err
}

func (t *Tx) branch(b bucket) *bolt.Bucket { return t.bolt.Bucket([]byte(b)) }

func (t *Tx) has(b bucket, key string) bool { return t.branch(b).Get([]byte(key)) != nil }

// put writes a record and tells the watchers of it.
func (t *Tx) put(b bucket, key string, v any) error {
	t.touch(b, key, v)
	return t.keep(b, key, v)
}

// keep is put for what nobody watches: bookkeeping such as the time of last use.
func (t *Tx) keep(b bucket, key string, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", b, err)
	}
	return t.putRaw(b, key, payload)
}

func (t *Tx) putRaw(b bucket, key string, payload []byte) error {
	if len(payload) > maxRecordBytes {
		return &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("this %s is larger than %d MiB", b, maxRecordBytes>>20)}
	}
	return t.branch(b).Put([]byte(key), encodeRecord(b, key, payload))
}

// mark puts a record that is all key.
func (t *Tx) mark(b bucket, key string) error { return t.putRaw(b, key, nil) }

func (t *Tx) delete(b bucket, key string) error {
	t.touch(b, key, nil)
	return t.branch(b).Delete([]byte(key))
}

// each calls fn with every record whose key begins with prefix, in order; fn must not write to the bucket and may return errStop.
func each[T any](t *Tx, b bucket, prefix string, fn func(key string, v T) error) error {
	return t.eachRaw(b, prefix, func(key string, payload []byte) error {
		v, err := decodeJSON[T](b, key, payload)
		if err != nil {
			return err
		}
		return fn(key, v)
	})
}

func (t *Tx) eachRaw(b bucket, prefix string, fn func(key string, payload []byte) error) error {
	c := t.branch(b).Cursor()
	for k, raw := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, raw = c.Next() {
		if done, err := t.visit(b, k, raw, fn); done {
			return err
		}
	}
	return nil
}

// eachDown is eachRaw from the last key to the first. The key after prefix must be a number below the largest one.
func (t *Tx) eachDown(b bucket, prefix string, fn func(key string, payload []byte) error) error {
	return t.eachDownFrom(b, prefix, ^uint64(0), fn)
}

// eachDownFrom visits only keys whose number is below before.
func (t *Tx) eachDownFrom(b bucket, prefix string, before uint64, fn func(key string, payload []byte) error) error {
	c := t.branch(b).Cursor()
	back := c.Prev
	if k, _ := c.Seek([]byte(prefix + number(before))); k == nil {
		back = c.Last // everything is below
	}
	for k, raw := back(); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, raw = c.Prev() {
		if done, err := t.visit(b, k, raw, fn); done {
			return err
		}
	}
	return nil
}

func (t *Tx) visit(b bucket, k, raw []byte, fn func(key string, payload []byte) error) (done bool, err error) {
	payload, err := decodeRecord(b, string(k), raw)
	if err == nil {
		err = fn(string(k), payload)
	}
	if errors.Is(err, errStop) {
		return true, nil
	}
	return err != nil, err
}

// list collects the records whose key begins with prefix.
func list[T any](t *Tx, b bucket, prefix string) ([]T, error) {
	var out []T
	err := each(t, b, prefix, func(_ string, v T) error { out = append(out, v); return nil })
	return out, err
}

// newest reads the records that an index names below prefix, from its end; limit 0 is all.
func newest[T any](t *Tx, index bucket, prefix string, b bucket, limit int) ([]T, error) {
	var out []T
	err := t.eachDown(index, prefix, func(key string, payload []byte) error {
		if limit > 0 && len(out) == limit {
			return errStop
		}
		id, err := decodeJSON[string](index, key, payload)
		if err != nil {
			return err
		}
		v, err := get[T](t, b, id)
		out = append(out, v)
		return err
	})
	return out, err
}

// keys collects the keys that begin with prefix.
func (t *Tx) keys(b bucket, prefix string) ([]string, error) {
	var out []string
	err := t.eachRaw(b, prefix, func(key string, _ []byte) error { out = append(out, key); return nil })
	return out, err
}

// refuseOver is a Conflict when a bucket has its most records.
func (t *Tx) refuseOver(b bucket, most int) error {
	n := t.branch(b).Inspect().KeyN
	if n < most {
		return nil
	}
	return conflict("remove some that are no longer needed", "there are %d of these already: %s", n, b)
}

// born is the life of a noun that is made now.
func (t *Tx) born() (paas.Life, error) {
	n, err := t.next()
	return paas.Life{Seq: n}, err
}

// byAge is list with the oldest first.
func byAge[T interface{ Order() uint64 }](t *Tx, b bucket) ([]T, error) {
	out, err := list[T](t, b, "")
	paas.SortByAge(out)
	return out, err
}

// next counts up the sequence that orders everything.
func (t *Tx) next() (uint64, error) { return t.count("sequence") }

// count adds one to a number of the meta bucket.
func (t *Tx) count(name string) (uint64, error) {
	n, _, err := find[uint64](t, metaBucket, name)
	if err != nil {
		return 0, err
	}
	return n + 1, t.put(metaBucket, name, n+1)
}

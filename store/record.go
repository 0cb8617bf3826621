package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cloudsania/cloudsania/paas"
)

// ErrCorrupt is in the chain of every error that tells of a damaged database.
var ErrCorrupt = errors.New("database is damaged")

const (
	recordFormat   = 1
	recordHeader   = 1 + 4 // format, checksum
	maxRecordBytes = 8 << 20
)

// encodeRecord wraps payload in its envelope.
func encodeRecord(b bucket, key string, payload []byte) []byte {
	raw := make([]byte, recordHeader, recordHeader+len(payload))
	raw[0] = recordFormat
	binary.BigEndian.PutUint32(raw[1:], recordSum(b, key, payload))
	return append(raw, payload...)
}

// decodeRecord returns the payload inside raw (not a copy) when it is what was written at that key of that bucket.
func decodeRecord(b bucket, key string, raw []byte) ([]byte, error) {
	switch {
	case len(raw) < recordHeader:
		return nil, damaged("the record %q of %q is too short", key, b)
	case raw[0] != recordFormat:
		return nil, damaged("the record %q of %q has the unknown format %d", key, b, raw[0])
	}
	payload := raw[recordHeader:]
	if binary.BigEndian.Uint32(raw[1:]) != recordSum(b, key, payload) {
		return nil, damaged("the record %q of %q does not match its checksum", key, b)
	}
	return payload, nil
}

// recordSum covers where the record stands as well as what it says, each part with its length, so that none can take another's place.
func recordSum(b bucket, key string, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var n [8]byte
	sum := uint32(recordFormat)
	for _, part := range [][]byte{[]byte(b), []byte(key), payload} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		sum = crc32.Update(crc32.Update(sum, table, n[:]), table, part)
	}
	return sum
}

func decodeJSON[T any](b bucket, key string, payload []byte) (T, error) {
	var v T
	if err := json.Unmarshal(payload, &v); err != nil {
		return v, damaged("the record %q of %q cannot be read: %w", key, b, err)
	}
	return v, nil
}

func damaged(format string, args ...any) *paas.Error {
	cause := fmt.Errorf(format, args...)
	return &paas.Error{Kind: paas.Unavailable, Msg: "the database is damaged: " + cause.Error(),
		Hint: "apps keep serving; stop control, keep the damaged file, and put a snapshot in its place", Err: errors.Join(ErrCorrupt, errors.Unwrap(cause))}
}

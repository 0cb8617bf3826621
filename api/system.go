package api

import "time"

// Health says that control answers.
type Health struct {
	Status string `json:"status"` // "ok"
}

// System is how this installation stands.
type System struct {
	Version      string    `json:"version"`
	Installation string    `json:"installation"` // id; everything that it makes in Docker has it as a label
	URL          string    `json:"url"`          // of the dashboard
	Started      time.Time `json:"started"`
	Domain       string    `json:"domain"`
	Memory       Memory    `json:"memory"`
	Disk         Disk      `json:"disk"`
	Docker       Docker    `json:"docker"`
	Edges        []Edge    `json:"edges"`
	Builder      Builder   `json:"builder"`
}

// Memory in bytes. Control is the proportional set size of this process.
type Memory struct {
	Control   int64 `json:"control"`
	Total     int64 `json:"total"`
	Available int64 `json:"available"`
}

// Disk is the file system that holds the data directory, in bytes.
type Disk struct {
	Total     int64 `json:"total"`
	Available int64 `json:"available"`
}

// Docker is the container engine.
type Docker struct {
	OK      bool   `json:"ok"`
	Version string `json:"version,omitempty"`
	API     string `json:"api,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Edge is one edge process.
type Edge struct {
	PID          int                    `json:"pid"`
	Version      string                 `json:"version"`
	Generation   uint64                 `json:"generation"`
	Draining     bool                   `json:"draining"` // a successor has its listeners
	Active       int                    `json:"active"`   // requests and streams in progress
	Memory       int64                  `json:"memory"`   // bytes, proportional set size; 0 when unknown
	Certificates map[string]Certificate `json:"certificates,omitempty"`
	Fingerprint  string                 `json:"fingerprint,omitempty"` // SHA-256 of the self-signed authority
}

// Certificate is how a host's certificate stands.
type Certificate struct {
	State   string     `json:"state"` // ok, pending, failed
	Issuer  string     `json:"issuer,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	Error   string     `json:"error,omitempty"`
}

// Builder is how far this server is with getting ready for builds.
type Builder struct {
	Ready   bool   `json:"ready"`
	Step    string `json:"step,omitempty"`
	Message string `json:"message,omitempty"`
	Percent int    `json:"percent"`
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Event is one entry of the audit chain.
type Event struct {
	Seq     uint64            `json:"seq"`
	Time    time.Time         `json:"time"`
	Actor   Actor             `json:"actor"`
	Action  string            `json:"action"`
	Subject string            `json:"subject"`
	App     string            `json:"app,omitempty"` // id of the app it is about
	Detail  map[string]string `json:"detail,omitempty"`
	Hash    string            `json:"hash"`
}

// Events is a page of events, newest first. Before is what to ask for the next page with; 0: that was all.
type Events struct {
	Events []Event `json:"events"`
	Before uint64  `json:"before,omitempty"`
}

// Verified is the result of checking the chain.
type Verified struct {
	OK     bool    `json:"ok"`
	Events uint64  `json:"events"` // how many were checked
	Head   string  `json:"head"`   // hash of the newest
	Breaks []Break `json:"breaks,omitempty"`
}

// Break is a place where the chain does not hold.
type Break struct {
	Seq     uint64 `json:"seq"`
	Problem string `json:"problem"`
}

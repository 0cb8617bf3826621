package api

// Failed is the body of every answer that is not a success.
type Failed struct {
	Error Error `json:"error"`
}

// Error is a failure in plain words. Kind is stable and made for programs; RequestID finds it in the server's log.
type Error struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

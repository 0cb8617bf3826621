package store

import "context"

// Request is what a change was asked for with: it goes into the events of the change.
type Request struct {
	ID       string // as in the log and the answer's header
	Reason   string // that the person gave
	OnBehalf string // id of the person whose token or agent asks; "" for the person themselves
	Once     *Once  // nil: no idempotency key came with it
}

type requestKey struct{}

// WithRequest makes changes under the context part of a request.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

func requestIn(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// leg is what a number of visitors saw, each asking again as soon as it was answered.
type leg struct {
	perSecond float64
	p50, p99  float64 // milliseconds
}

// drive asks for / over so many connections for a time. Any answer but 200 is an error: half of a figure is none.
func drive(ctx context.Context, addr, host string, connections int, d time.Duration) (leg, error) {
	ctx, cancel := context.WithTimeout(ctx, d+time.Minute)
	defer cancel()
	v := newVisitor(addr, host, connections)
	defer v.client.CloseIdleConnections()
	var mu sync.Mutex
	var took sample
	var failed error
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		wg.Go(func() {
			mine, err := v.repeat(ctx, began.Add(d))
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return leg{}, failed
	}
	return leg{perSecond: float64(len(took)) / time.Since(began).Seconds(), p50: took.percentile(50), p99: took.percentile(99)}, nil
}

func (v *visitor) repeat(ctx context.Context, until time.Time) (took sample, err error) {
	for begin := time.Now(); begin.Before(until); begin = time.Now() {
		code, _, err := v.get(ctx, "/")
		if err != nil {
			return nil, err
		}
		if code != http.StatusOK {
			return nil, fmt.Errorf("%s answered with status %d", v.host, code)
		}
		took = append(took, float64(time.Since(begin))/float64(time.Millisecond))
	}
	return took, nil
}

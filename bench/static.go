package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const staticApps = 50

// static adds 50 static apps to the Node app and measures again.
func (s *session) static(ctx context.Context) ([]row, error) {
	a, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, "site")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a site: %w", err)
	}
	var took sample
	for n := range staticApps {
		began := time.Now()
		if err := a.w.site(ctx, dir, fmt.Sprintf("site-%d", n)); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began).Seconds())
	}
	s.say("  %d static apps, a deploy took %.2f s", staticApps, took.median())
	rows, err := s.idle(ctx, a.w, fmt.Sprintf("one Node app and %d static apps", staticApps), withStatic)
	return append(rows, median("a static app of one page, apps create and deploy to its page", seconds, 0, took, "")), err
}

// site makes an app of one page that says its name, and returns when that is seen.
func (w *world) site(ctx context.Context, dir, name string) error {
	page := fmt.Sprintf("<!doctype html>\n<title>%[1]s</title>\n<h1>%[1]s</h1>\n", name)
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(page), 0o644); err != nil {
		return err
	}
	if _, err := w.cli(ctx, "apps", "create", name); err != nil {
		return err
	}
	if _, err := w.cli(ctx, "deploy", name, "--dir", dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := w.visitor(name).sees(ctx, func(body string) bool { return strings.Contains(body, name) })
	return err
}

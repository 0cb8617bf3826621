package main

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/client"
)

// dockerVersion is "" when Docker does not answer.
func dockerVersion(ctx context.Context) string {
	version := ""
	_ = withDocker(ctx, func(ctx context.Context, c *client.Client) error {
		v, err := c.ServerVersion(ctx, client.ServerVersionOptions{})
		version = v.Version
		return err
	})
	return version
}

// builderImages tells whether images that builds need are there already, of any installation on this machine.
func builderImages(ctx context.Context) (there bool, err error) {
	err = withDocker(ctx, func(ctx context.Context, c *client.Client) error {
		list, err := c.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", "cloudsania/build")})
		there = len(list.Items) > 0
		return err
	})
	return there, err
}

func withDocker(ctx context.Context, do func(context.Context, *client.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := client.New(client.FromEnv)
	if err != nil {
		return fmt.Errorf("open Docker: %w", err)
	}
	defer c.Close()
	if _, err := c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return fmt.Errorf("ask Docker: %w", err)
	}
	if err := do(ctx, c); err != nil {
		return fmt.Errorf("ask Docker: %w", err)
	}
	return nil
}

//go:build !race

package runtimes

const slow = false

//go:build !linux

package main

// Builds run on Linux: elsewhere the program is only the command line.
func isBuildpack(string) bool { return false }

func buildpackMain(string) int { return 1 }

package main

import "github.com/cloudsania/cloudsania/builder/buildpack"

func isBuildpack(name string) bool { return buildpack.Is(name) }

func buildpackMain(name string) int { return buildpack.Main(name) }

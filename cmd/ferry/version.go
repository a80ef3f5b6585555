package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is Ferry's version. Port stores it with the integration, and it is a part of the User-Agent by which Port
// knows who wrote an entity.
const release = "0.1.0"

type versionCommand struct{}

func (versionCommand) Run(a *app) error {
	_, err := fmt.Fprintf(a.stdout, "ferry %s%s, %s, %s/%s\n", release, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// commit names what this was built from, where the build knows it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = ", changed since"
			}
		}
	}
	if revision == "" {
		return ""
	}
	return " (" + revision[:min(12, len(revision))] + changed + ")"
}

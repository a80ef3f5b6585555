package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes ferry itself a command for the scripts and for tests that start a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ferry": func() { os.Exit(run()) }, "stubborn": stubborn})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"jira": scriptJira, "port": scriptPort, "lease": scriptLease},
	})
}

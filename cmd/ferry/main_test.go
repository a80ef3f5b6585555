package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// quickExit spares each process that is built with the race detector the second it sleeps before it exits.
const quickExit = "atexit_sleep_ms=0"

// TestMain makes ferry itself a command for the scripts and for tests that start a process.
func TestMain(m *testing.M) {
	if err := os.Setenv("GORACE", quickExit); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"ferry": func() { os.Exit(run()) }, "stubborn": stubborn})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", quickExit)
			e.Values[siteOfScript{}], e.Values[portOfScript{}], e.Values[testOfScript{}] = &siteOfScript{}, &portOfScript{}, e.T()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"jira": scriptJira, "port": scriptPort, "lease": scriptLease, "site": scriptSite, "sealed": scriptSealed, "logins": scriptLogins,
			"freeport": scriptFreeport, "taken": scriptTaken, "http": scriptHTTP, "terminate": scriptTerminate,
			"deliver": scriptDeliver, "edit": scriptEdit, "hook": scriptHook, "database": scriptDatabase, "holds": scriptHolds, "kafka": scriptKafka,
		},
	})
}

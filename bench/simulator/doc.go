// Package simulator runs the simulated Jira and the simulated Port in processes of their own, so that
// what a benchmark measures of Ferry is Ferry's alone.
//
// A benchmark calls [Serve] first of all: in the processes that [Start] makes of its own executable,
// it serves and does not return until it is told to stop.
package simulator

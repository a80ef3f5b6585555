// Command live measures `ferry run` against what it promises: how fast webhooks are acknowledged that
// are on the disk, how much later Port has a change than the round trips to Jira and Port take, how long
// hundreds and thousands of changes take, what they cost in requests, and memory.
//
// Ferry runs in a process of its own, PostgreSQL in another; the simulated Jira and Port and what
// delivers run here, over real HTTP on the loopback interface, and share the machine with it.
//
//	go run ./bench/live
//
// It prints a row a measurement, with the goal beside it. Webhooks that measure how fast they are
// acknowledged are sent by this program, with bodies that the simulated Jira has made and signed; all
// others by the simulated Jira itself, 20 at a time, as Jira does.
package main

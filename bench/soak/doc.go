// Command soak kills ferry for as long as it is asked to, and looks whether anything was lost.
//
// For each seed it serves a simulated Jira and a simulated Port, starts real `ferry run` processes
// between them, and lets a company work in Jira: thousands of issues change, move, come and go,
// while Jira delivers its webhooks as it does, twice now and then, out of order, again where
// nobody answered. Meanwhile ferry is killed with SIGKILL at random moments and started again, and
// Jira and Port throttle, fail, cut connections and hang. With PostgreSQL there are several replicas
// on one database.
//
// When the company rests and everything is delivered, Port must within seconds hold what a ferry
// with an empty store makes of that Jira and an empty Port, and keep it.
//
//	go run ./bench/soak -seeds 30 -database both
//
// A seed decides everything that is random here; what the scheduler of the machine does is not
// decided by it. What failed keeps its folder: what was done in Jira, the log of each replica, what was
// asked of Port, and both Ports.
package main

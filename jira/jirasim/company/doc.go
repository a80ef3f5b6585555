// Package company makes up a company that uses Jira: projects, people and issues
// with titles, statuses and histories that a person would recognise, and then lets
// it go on working. It fills a simulated Jira for demonstrations and tests.
//
//	c := company.Found(1, time.Now(), 3000)
//	server := jirasim.New(jirasim.Config{})
//	c.Settle(server)
//	for range ticker.C {
//		fmt.Println(c.Work(server, random, time.Now()).Text)
//	}
//
// Everything follows from the seed and the time at which the company is founded.
// The company, its people and their addresses are invented; the addresses end in
// example.com, which belongs to nobody (RFC 2606).
package company

// Package jirasim is a simulated Jira Cloud: an [http.Handler] that answers as
// Jira's REST API v3 does, awkward sides included.
//
// It keeps projects, issues and people in memory and serves
//
//	GET  /rest/api/3/serverInfo, /myself, /mypermissions
//	GET  /rest/api/3/project/search, /project/{idOrKey}
//	GET  /rest/api/3/search/jql          POST the same
//	POST /rest/api/3/search/approximate-count
//	GET  /rest/api/3/issue/{idOrKey}
//	POST /rest/api/3/issue/bulkfetch
//	GET  /_edge/tenant_info
//
// also below the prefix /ex/jira/{cloudId} of Atlassian's gateway. What Jira has
// removed answers 410 with Jira's own words, another method 405, everything else 404
// with an HTML page.
//
// A small site:
//
//	site := jirasim.New(jirasim.Config{Email: "me@example.com", Token: "secret"})
//	site.AddProject(jirasim.Project{Key: "PAY", Name: "Payments"})
//	site.AddIssue(jirasim.Issue{Key: "PAY-1", Summary: "Refund fails", Status: "To Do"})
//	server := httptest.NewServer(site)
//
// A test that must not touch a socket uses [Server.Transport] instead.
//
// People change the site with [Server.Update], [Server.Move], [Server.Delete] and
// the project verbs; [Server.Inject] brings trouble: throttling, HTML where JSON
// was due, cut bodies, a token that died, an index that lost issues.
// [Server.Requests] and [Server.Count] say what was asked.
//
// Everything random comes from [Config.Seed]. No goroutine is ever started.
package jirasim

// Package jirasim is a simulated Jira, Cloud or Data Center: an [http.Handler] that
// answers as Jira's REST API does, awkward sides included.
//
// It keeps projects, issues and people in memory. As Cloud it serves
//
//	GET  /rest/api/3/serverInfo, /myself, /mypermissions
//	GET  /rest/api/3/project/search, /project/{idOrKey}[/version, /component]
//	GET  /rest/api/3/search/jql          POST the same
//	POST /rest/api/3/search/approximate-count
//	GET  /rest/api/3/issue/{idOrKey}
//	POST /rest/api/3/issue/bulkfetch
//	GET  /rest/api/3/users/search, /worklog/updated
//	GET  /rest/agile/1.0/board[/{id}/sprint, /{id}/epic]
//	GET  /rest/software/1.0/board/{id}/backlog
//	GET  /rest/api/3/webhook             POST, DELETE the same; PUT /webhook/refresh
//	GET  /_edge/tenant_info
//
// also as version 2 and as latest, and below the prefix /ex/jira/{cloudId} of
// Atlassian's gateway. As Data Center ([Config.Deployment]) it serves version 2 alone,
// below [Config.ContextPath], with people by name and key and texts as wiki markup:
//
//	GET  /rest/api/2/serverInfo, /myself, /mypermissions
//	GET  /rest/api/2/project, /project/{idOrKey}[/version, /components]
//	GET  /rest/api/2/user/search, /worklog/updated
//	GET  /rest/agile/1.0/board[/{id}/sprint, /{id}/epic, /{id}/backlog]
//	GET  /rest/api/2/search               POST the same
//	GET  /rest/api/2/issue/{idOrKey}
//	POST /rest/oauth2/latest/token
//
// Administrators' webhooks are kept, with GET, POST, PUT and DELETE, under
//
//	/rest/webhooks/1.0/webhook[/{id}]         of Cloud, and of Data Center before version 10
//	/rest/jira-webhook/1.0/webhooks[/{id}]    of Data Center from version 10 on
//
// What Jira has removed answers 410 with Jira's own words, another method 405,
// everything else 404 with an HTML page.
//
// Logins are API tokens with and without scopes, bearer tokens, passwords, and OAuth
// apps ([Server.AddApp], [Server.Consent]) with refresh tokens that rotate and expire.
// [Server.AuthServer] and [Server.Gateway] are Atlassian's other hosts,
// [Server.Hosts] all of them in one RoundTripper. [Config.Limits] are rate limits that
// are really counted; [Server.Violations] are the requests that came although a 429 had
// said to wait.
//
// Boards are those of [Server.AddBoard], components those that issues name. Versions,
// worklogs and sprints it does not keep: their lists are empty.
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
// was due, cut bodies, lost answers, a token that died, an index that lost issues.
// [Server.Requests] and [Server.Count] say what was asked. [Config.IndexLag] and
// [Config.IndexLoss] are a search index that is behind and forgetful at all times.
//
// What the verbs change, the registered webhooks are told of, and through [Server.Emit]
// of what the site does not keep: sprints, boards, versions, comments, worklogs. It is
// queued until [Server.Deliver] runs, which delivers as Jira does: signed, so many at a
// time, repeated for an hour if need be, and if told to, twice, never or out of order.
// [Server.Settled] waits for the end of it, [Server.Deliveries] says what became of each.
//
// Everything random comes from [Config.Seed]. No goroutine is started but by
// [Server.Deliver], which waits for its own before it returns.
package jirasim

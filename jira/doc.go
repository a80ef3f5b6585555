// Package jira is a client for Jira Cloud and Jira Data Center. It returns
// Jira's JSON untouched, obeys Jira's limits, and takes no silence for an answer.
//
//	auth, err := jira.Automatic("sam@acme.example", token)
//	…
//	client, err := jira.New("https://acme.atlassian.net", auth, jira.Config{})
//	…
//	for page, err := range client.SearchIssues(ctx, jira.IssueQuery{JQL: "project = KEY ORDER BY id"}) {
//		if err != nil {
//			return err
//		}
//		for _, issue := range page.Items {
//			…
//		}
//	}
//
// A complete program, which lists issues and keeps a webhook, is
// ferry/jira/examples/watch.
//
// # Logging in
//
// [Automatic] finds out what a user name and a token are good for: an API token
// at the site, a scoped token or a service account's at Atlassian's gateway, a
// personal access token or a password at Data Center. [Basic] and [Bearer] try
// nothing: they are used at the address that was given. [TokenFile] reads a
// bearer token from a file that somebody else keeps fresh. [OAuth] logs in as an
// app whose refresh token changes with each use; the next one is in the
// [TokenStore] before it is used. [ClientCredentials] are a service account's. An
// [Auth] of your own may implement [Renewer].
//
// A site of Cloud has two addresses: its own, https://acme.atlassian.net, and one
// at the gateway, https://api.atlassian.com/ex/jira/<cloudId>. Where the
// credentials need the gateway, the client finds it ([Client.CloudID]). Whether
// another address is a Cloud site or Data Center, /rest/api/2/serverInfo tells
// ([Client.Deployment]). Both is found out with the first call and remembered.
//
// Credentials go to these addresses and nowhere else: links and redirects in
// answers are not followed to another host. Neither errors nor logs nor a printed
// client show them.
//
// Jira answers a dead token with status 200 and an empty list on many paths. The
// client looks at the header that tells it apart in every answer, and returns
// [ErrNotLoggedIn] instead of the list.
//
// [Client.Check] says before the work begins who we are, what is at the address,
// and what of a list of abilities the account, the scopes and the site allow.
//
// # Listings
//
// A listing is an iter.Seq2 of pages and an error, which comes once and last.
// Only a listing that ended without an error is complete. [Page.Cursor] resumes
// it in a later call. Whatever would make a listing go in circles, or end
// before its end, is an error: a page token that comes twice, a page that does
// not advance, pages without end, an answer without the list.
//
// The quick way to read a whole site: [Client.SearchIssues] for ids, 5000 a
// page at Cloud, one page after the other, and meanwhile [Client.BulkFetch] of 100
// ids a call, several calls at once. Where reading is metered (see below), pages
// of 100 with the fields wanted take longer and cost half.
//
// # Queries
//
// Issues are selected by JQL, Jira's query language. Jira refuses a query that
// restricts nothing, such as a bare ORDER BY. It reads dates by the minute, in
// the time zone of the account ([User.TimeZone]); relative ones such as -90m mean
// the same everywhere. [Quote] makes a literal of any text, so that what comes
// from elsewhere cannot change a query. A query of the user's, with another
// restriction beside it, belongs in parentheses and without its ORDER BY
// ([CutOrderBy]).
//
// # Items
//
// Objects are [encoding/json.RawMessage], byte for byte as served, with one key
// added to projects and issues: "__siteUrl", the address under which people open
// the site ([Client.SiteURL]). The links inside may point to the gateway, from
// which no address for people can be made.
//
// # Data Center
//
// The same methods work at Data Center, Jira Server included, below any context
// path: give [New] the address people open, "https://jira.acme.example/jira".
// Config.TLS takes a certificate authority of your own, Config.Proxy a proxy.
// What differs: projects come in one answer; issues are walked by their place in
// the list, in windows below the 10,000 that newer versions serve, so that the
// caller's order may not be kept; [Client.BulkFetch] asks the index and then, one
// by one, for what the index did not give; [IssueQuery.Reconcile] is refused;
// accounts are known by [User.Key].
//
// # Webhooks
//
// [Client.EnsureWebhook] registers where Jira sends its events, from whatever is
// registered already, and tells what it did; below it are the calls for the two
// families, admin webhooks ([Client.Webhooks] and others) and the dynamic webhooks
// of OAuth apps, which end after 30 days ([Client.DynamicWebhooks] and others).
//
// [VerifySignature], or [VerifyJWT] for the webhooks of OAuth apps, proves that a
// delivery is Jira's, and [ParseEvent] says which objects it touches. What they
// look like is for a call to say: deliveries come late, twice, out of order or not
// at all.
//
// # Limits
//
// A client has ten requests in flight at most, and keeps two of these places for
// calls that are urgent ([Client.Urgent]), which also go first wherever calls wait, nine for each
// of the others; an attempt may take 30 seconds, an answer have 64 MiB. [Config]
// changes this.
//
// What Jira says of its limits is heeded, in all the forms of its headers. A 429
// about a quota holds back all calls until the quota begins anew, one about a
// burst those to the same endpoint, one about an issue the writes to that issue;
// one without a reason those to the same endpoint, for longer each time. After a
// 429 half as many requests may be in flight there, and after successes one more
// at a time; as many as were too much are tried again ever more rarely. An answer
// that says that nothing remains holds back what would be refused. Of the points of an
// hour, which Jira counts where the login is OAuth, the last tenth is spread over
// the rest of the hour; urgent calls need not wait for it. What Jira tells of
// limits that it does not enforce yet is not heeded.
// [Client.Stats] tells what was sent, what came, and what the client waits for.
//
// # Failures
//
// Calls may be repeated, all but those that register a webhook: these only where
// Jira has surely not done it. Repeated are connections that break, bodies that
// are cut, 429, 500, 502, 503, 504, and web pages where JSON belongs; after what
// Jira asked for, or after a growing random wait. Where a wait is longer than the
// context allows the call returns at once with the error that it would have
// waited for, of kind [ErrThrottled] if that was a 429. Refused credentials are
// renewed once where they can be, and never repeated.
//
// Failures of calls are *[Error], and answer errors.Is for [ErrNotFound],
// [ErrUnauthorized], [ErrForbidden], [ErrThrottled], [ErrNotLoggedIn],
// [ErrInvalidGrant], [ErrNotJira] and [ErrNoWebhooks].
//
// The package needs the standard library alone. [ferry/jira/jirasim] is a
// simulated Jira, Cloud or Data Center, to test against. Each REST operation that
// is used is listed in docs/jira-operations.md, with the scopes it takes.
package jira

// Package jira is a client for the REST API of Jira Cloud that returns Jira's
// JSON untouched.
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
// # Credentials
//
// A site of Jira Cloud has two addresses: its own, https://acme.atlassian.net, for
// API tokens without scopes, and one at Atlassian's gateway,
// https://api.atlassian.com/ex/jira/<cloudId>, for scoped tokens and OAuth.
// [Automatic] takes a token, with the e-mail of its account or without, and finds
// out at which address and in which way it is good; at Data Center too, where it
// may be a personal access token or a password. [Basic] and [Bearer] are the two
// ways alone, at the address given to [New]. [TokenFile] follows a token that
// another program keeps up to date in a file. [OAuth] is an app that a person has
// let in, and [ClientCredentials] a service account: both renew their tokens, and
// OAuth keeps each in a [TokenStore] before it is used. Whoever needs another way
// implements [Auth], or [Renewer].
//
// Credentials go to the site, to its gateway and to the token endpoint, of each
// kind only where it belongs, and nowhere else: links and redirects in answers
// are not followed to another host. Neither errors nor logs nor a printed client
// show them. A refusal says what to do about it: which scope the token lacks,
// that the app is to be authorized again ([ErrInvalidGrant]), that Data Center
// wants a CAPTCHA solved.
//
// Jira answers a dead token with status 200 and an empty list on many paths. The
// client looks at the header that tells it apart in every answer, and returns
// [ErrNotLoggedIn] instead of the list.
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
// page, one page after the other, and meanwhile [Client.BulkFetch] of 100 ids a
// call, several calls at once.
//
// # Queries
//
// Issues are selected by JQL, Jira's query language. Jira refuses a query that
// restricts nothing, such as a bare ORDER BY. It reads dates by the minute, in
// the time zone of the account ([User.TimeZone]); relative ones such as -90m mean
// the same everywhere. [Quote] makes a literal of any text, so that what comes
// from elsewhere cannot change a query. A query of the user's, with another
// restriction beside it, belongs in parentheses and without its ORDER BY.
//
// # Items
//
// Objects are [encoding/json.RawMessage], byte for byte as served, with one key
// added to projects and issues: "__siteUrl", the address under which people open
// the site ([Client.SiteURL]). The links inside may point to the gateway, from
// which no address for people can be made.
//
// # Webhooks
//
// [Client.EnsureWebhook] registers where Jira sends its events, from whatever is
// registered already, and tells what it did. [VerifySignature], or [VerifyJWT]
// for the webhooks of OAuth apps, proves that a delivery is Jira's, and
// [ParseEvent] says which objects it touches. What they look like is for a call
// to say: deliveries come late, twice, out of order or not at all.
//
// # Limits and failures
//
// Calls may be repeated, all but those that register a webhook: these only where
// Jira has surely not done it. Repeated are connections that break, bodies that
// are cut, 429, 500, 502, 503, 504, and web pages where JSON belongs; after what
// Jira asked for, or after a growing random wait. Where a wait is longer than the
// context allows the call returns at once with the error that it would have
// waited for, of kind [ErrThrottled] if that was a 429. Bad credentials are never
// repeated.
//
// A client has ten requests in flight at most, and keeps two of these places for
// calls that are urgent, which also go first wherever calls wait; an attempt may
// take 30 seconds. [Config] changes this.
//
// What Jira says of its limits is heeded, in all the forms of its headers. A 429
// about a quota holds back all calls until the quota begins anew, one about a
// burst those to the same endpoint, one about an issue the writes to that issue;
// one without a reason those to the same endpoint, for longer each time. After a
// 429 half as many requests may be in flight there, and after successes one more
// at a time. An answer that says that nothing remains holds back what would be
// refused. Of the points of an hour, which Jira counts where the login is OAuth,
// the last tenth is spread over the rest of the hour; urgent calls need not wait
// for it. What Jira tells of limits that it does not enforce yet is not heeded.
// [Client.Stats] tells what was sent, what came, and what the client waits for.
//
// Failures of calls are *[Error], and answer errors.Is for [ErrNotFound],
// [ErrUnauthorized], [ErrForbidden], [ErrThrottled], [ErrNotLoggedIn],
// [ErrNotJira] and [ErrNoWebhooks].
//
// The package needs the standard library alone. [ferry/jira/jirasim] is a
// simulated Jira to test against.
package jira

package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// BulkQuery names issues to read.
type BulkQuery struct {
	IDs    []string // ids or keys, at most 100
	Fields []string // none means "*navigable"
	Expand []string
	Direct bool // at Data Center: each issue by itself from the database, none from the index
}

// maxBulk is how many issues one call reads. Atlassian allows more under
// conditions, and 400 is the answer where they are not met.
const maxBulk = 100

// Bulk is what [Client.BulkFetch] found.
type Bulk struct {
	// Issues come in the order of their ids, with "__siteUrl" added; they share
	// one buffer. An issue that was asked for and is neither here nor in
	// Errors does not exist or is not visible to the account.
	Issues []json.RawMessage

	// Errors are issues that Jira could not read this time; ask again.
	Errors []BulkError

	// Indexed: some of the issues are as a search index has them, which may be
	// behind. Only at Data Center.
	Indexed bool
}

// BulkError is one issue of a [Bulk] that could not be read.
type BulkError struct{ ID, Message string }

// bulkBody is what bulkfetch takes. Unlike search it wants expand as a list.
type bulkBody struct {
	IDs    []string `json:"issueIdsOrKeys"`
	Fields []string `json:"fields,omitempty"`
	Expand []string `json:"expand,omitempty"`
}

// BulkFetch reads up to 100 issues straight from Jira's database. No ids give
// an empty answer without asking.
//
// Data Center has no such call. There the issues are searched for by id, and
// those that the index does not give are read one by one from the database, so
// that what is absent is absent there too. Urgent calls, Direct and up to three issues are read
// one by one at once.
//
//jira:operation GET /rest/api/3/issue/{issueIdOrKey} https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-get
//jira:operation POST /rest/api/2/search https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/search-searchUsingSearchRequest
//jira:operation POST /rest/api/3/issue/bulkfetch https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulkfetch-post
func (c *Client) BulkFetch(ctx context.Context, query BulkQuery) (Bulk, error) {
	if len(query.IDs) == 0 {
		return Bulk{}, nil
	}
	q := &call{
		method: http.MethodPost,
		path:   "/rest/api/3/issue/bulkfetch",
		body:   bulkBody{query.IDs, query.Fields, query.Expand},
	}
	if len(query.IDs) > maxBulk {
		return Bulk{}, q.fail(fmt.Errorf("%d issues at once: Jira takes at most %d", len(query.IDs), maxBulk))
	}
	via, err := c.via(ctx, q)
	if err != nil {
		return Bulk{}, err
	}
	site, err := c.SiteURL(ctx)
	if err != nil {
		return Bulk{}, err
	}
	if via.deployment == DataCenter {
		return c.bulkByIssue(ctx, query, site)
	}
	return c.bulk(ctx, q, site)
}

// bulkErrors is what an answer holds beside its issues.
type bulkErrors struct {
	IssueErrors []struct {
		ID           string `json:"id"`
		ErrorMessage string `json:"errorMessage"`
	} `json:"issueErrors"`
}

func (c *Client) bulk(ctx context.Context, q *call, site string) (Bulk, error) {
	var issues []json.RawMessage
	var envelope bulkErrors
	q.decode = func(body []byte) (err error) {
		envelope = bulkErrors{}
		issues, err = decodeList(body, "issues", &envelope)
		q.points = len(issues)
		return err
	}
	if err := c.do(ctx, q); err != nil {
		return Bulk{}, err
	}
	found := Bulk{Issues: addSiteURL(issues, site)}
	for _, e := range envelope.IssueErrors {
		found.Errors = append(found.Errors, BulkError{ID: e.ID, Message: tidy(e.ErrorMessage)})
	}
	return found, nil
}

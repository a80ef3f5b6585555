package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// windowWalk lists what a JQL selects at Data Center, where a search has a page
// for every offset but lets nobody look beyond its first 10,000 results. What is
// more than that is listed in windows of the time of creation, which never
// changes.
//
// A window is read in the order of keys. While that goes on, issues come and go,
// and what follows moves to other offsets. So each page begins with the last
// issue of the page before: if another one stands there that is not known
// either, something before it has gone, and the walk steps back until it meets
// what it knows.
//
// Behind one address are several nodes, each with an index of its own. A window
// that gave fewer issues than every one of its answers counted is walked again
// (https://support.atlassian.com/jira/kb/inconsistent-paginated-api-search-result-while-using-jql).
// An index may go on counting issues that were deleted and cannot be given any
// more; a few of those are put up with, where walking again brings nothing.
type windowWalk struct {
	client             *Client
	body               *offsetSearch
	site               string // to put into the items, or ""
	size               int    // of a page
	restriction, order string

	window  window
	unsure  bool // whether the window is small enough is to be asked first
	at      int  // offset of what comes next
	guard   pageGuard
	same    int             // pages in a row that were equal
	earlier map[string]bool // given out before a window was cut
	seen    map[string]bool // met in this window
	least   int             // the smallest count in this walk of the window
	partial bool            // the walk began in the middle of the window
	walks   int             // of this window, before this one
	known   int             // what those had found
	back    int             // steps back in this window
	total   int             // of the whole list, -1 unknown
	done    bool
}

const (
	maxWalks = 3   // of one window
	maxBack  = 100 // steps back in one window
	maxSame  = 3   // equal pages in a row
	fewLost  = 10  // issues that may be counted and not given, or
	lostPart = 100 // one in so many
)

// newWindowWalk begins a walk, where the query's cursor says.
func (c *Client) newWindowWalk(query IssueQuery, site string) (*windowWalk, error) {
	body := &offsetSearch{Fields: query.Fields, Expand: query.Expand, Validate: true}
	w := &windowWalk{client: c, body: body, site: site, size: cmp.Or(query.PageSize, 100), total: -1}
	if len(query.Fields) == 0 {
		body.Fields = []string{"id"}
	}
	if query.idsOnly() {
		w.size = cmp.Or(query.PageSize, 1000)
	}
	if len(query.Reconcile) > 0 {
		return nil, w.fail(errors.New("no search at Data Center looks at issues afresh: leave Reconcile empty"))
	}
	w.restriction, w.order = CutOrderBy(query.JQL)
	w.enter(window{})
	return w, w.resume(query.Cursor)
}

// fail is an error of the walk that no answer brought.
func (w *windowWalk) fail(err error) error { return offsetCall(w.body).fail(err) }

// enter begins another window.
func (w *windowWalk) enter(to window) {
	w.window, w.walks, w.known, w.back, w.partial = to, 0, 0, 0, false
	w.rewind()
	w.seen = map[string]bool{}
	w.body.JQL = w.jql()
}

// rewind begins the window again.
func (w *windowWalk) rewind() { w.at, w.least, w.guard = 0, -1, pageGuard{} }

// jql is the question for the window. The caller's order can be kept where the
// list is not cut, with the key after it to decide between equals.
func (w *windowWalk) jql() string {
	const byKey = "ORDER BY key ASC"
	restriction, order := w.restriction, byKey
	if w.window.whole() && w.order != "" {
		order = w.order
		if !ordersByKey(order) {
			order += ", key ASC"
		}
	}
	if clause := w.window.clause(); clause != "" {
		if strings.TrimSpace(restriction) != "" {
			clause = "(" + restriction + ") AND " + clause
		}
		restriction = clause
	}
	if restriction != "" && !strings.HasSuffix(restriction, " ") {
		restriction += " "
	}
	return restriction + order
}

// ordersByKey reports whether an ORDER BY has the key, which may stand there
// once only, under any of its names.
func ordersByKey(order string) bool {
	words := strings.FieldsFunc(strings.ToLower(order), func(r rune) bool {
		return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '"' || r == '\''
	})
	return slices.ContainsFunc(words, func(word string) bool {
		return word == "key" || word == "id" || word == "issuekey" || word == "issue"
	})
}

// cursor tells where to go on after an issue: the window, the offset, and the
// issue that stands before it.
func (w *windowWalk) cursor(last string) string {
	return fmt.Sprintf("%d.%d.%d.%s", w.window.from, w.window.to, w.at, last)
}

func (w *windowWalk) resume(cursor string) error {
	if cursor == "" {
		return nil
	}
	var at int
	var in window
	var last string
	n, err := fmt.Sscanf(strings.ReplaceAll(cursor, ".", " "), "%d %d %d %s", &in.from, &in.to, &at, &last)
	if n < 3 || at < 0 || in.from < 0 || in.to < 0 || at > 0 && err != nil {
		return w.fail(fmt.Errorf("%q is no cursor of an issue search at Data Center", cursor))
	}
	w.enter(in)
	w.unsure = !in.whole()
	if at > 0 {
		w.at, w.partial, w.seen[last] = at, true, true
	}
	return nil
}

// each gives out the pages of the walk. There is always one, and the last has no
// cursor.
func (w *windowWalk) each(ctx context.Context, yield func(Page) bool) error {
	for !w.done {
		fresh, err := w.step(ctx)
		if err != nil {
			return err
		}
		if len(fresh.Items) == 0 && !w.done {
			continue
		}
		if w.site != "" {
			fresh.Items = addSiteURL(fresh.Items, w.site)
		}
		if w.done {
			fresh.Cursor = ""
		}
		if !yield(fresh) {
			return nil
		}
	}
	return nil
}

// step asks once and goes on, back, or into another window.
func (w *windowWalk) step(ctx context.Context) (Page, error) {
	start := max(0, w.at-1)
	limit := w.client.window.size()
	if w.at > 0 && limit-start < 2 {
		return Page{}, w.narrow() // another walk has learnt that the site allows less
	}
	w.body.StartAt, w.body.Max = start, min(w.size+w.at-start, limit-start)
	if w.unsure && w.at == 0 {
		w.body.Max = 0
	}
	p, err := w.client.offsetPage(ctx, w.body)
	if w.client.window.learn(err) {
		return Page{}, w.narrow()
	}
	if err != nil {
		return Page{}, err
	}
	if w.window.whole() {
		w.total = *p.Total
	}
	if *p.Total > limit {
		return Page{}, w.narrow()
	}
	if w.unsure && w.body.Max == 0 {
		w.unsure = false
		if *p.Total > 0 {
			return Page{}, nil
		}
	}
	return w.take(p, start)
}

// narrow goes on with the first half of the window.
func (w *windowWalk) narrow() error {
	half, ok := w.window.half()
	if !ok {
		return w.fail(ErrCrowded)
	}
	if w.earlier == nil {
		w.earlier = map[string]bool{}
	}
	maps.Copy(w.earlier, w.seen)
	w.enter(half)
	w.unsure = true
	return nil
}

// take takes in a page that was asked for from an offset on.
func (w *windowWalk) take(p offsetPage, start int) (Page, error) {
	total := *p.Total
	ids, err := issueIDs(p.issues)
	if err != nil {
		return Page{}, w.fail(err)
	}
	if len(ids) == 0 && start < total {
		return Page{}, w.stuck(start)
	}
	if w.at > 0 && (len(ids) == 0 || !w.seen[ids[0]]) {
		return Page{}, w.stepBack()
	}
	if err := w.check(p.issues); err != nil {
		return Page{}, err
	}
	before := w.at
	w.at = start + len(ids)
	if w.at <= before && w.at < total {
		return Page{}, w.stuck(w.at)
	}
	if w.least < 0 || total < w.least {
		w.least = total
	}
	page := Page{Items: w.fresh(p.issues, ids), Total: w.total}
	last := ""
	if len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	if w.at >= total {
		if err := w.leave(); err != nil {
			return Page{}, err
		}
	}
	page.Cursor = w.cursor(last)
	return page, nil
}

// check refuses a site that sends the same page for ever. Now and then it may
// come twice in a row, where as much came before it as the walk went on.
func (w *windowWalk) check(issues []json.RawMessage) error {
	err := w.guard.check(issues)
	if errors.Is(err, errNoAdvance) && w.same < maxSame {
		w.same++
		return nil
	}
	w.same = 0
	if err != nil {
		return w.fail(err)
	}
	return nil
}

// fresh are the issues that were not given out yet.
func (w *windowWalk) fresh(issues []json.RawMessage, ids []string) []json.RawMessage {
	var fresh []json.RawMessage
	for i, id := range ids {
		if !w.seen[id] && !w.earlier[id] {
			fresh = append(fresh, issues[i])
		}
		w.seen[id] = true
	}
	return fresh
}

// stepBack goes to where the walk may still know what stands there.
func (w *windowWalk) stepBack() error {
	if w.back++; w.back > maxBack {
		return w.fail(errNoAdvance)
	}
	w.at, w.guard = max(0, w.at-1-w.size), pageGuard{}
	if w.at == 0 {
		w.partial = false
	}
	return nil
}

// stuck: nothing came although more was counted. Some sites answer so beyond
// their result window, instead of with an error.
func (w *windowWalk) stuck(reached int) error {
	if reached >= 1000 && w.client.window.shrink(reached) {
		return w.narrow()
	}
	return w.fail(errNoAdvance)
}

// leave ends a walk of the window: with the next window, with the end, or with
// another walk where this one was too short.
func (w *windowWalk) leave() error {
	if short := w.least - len(w.seen); short > 0 && !w.partial {
		w.walks++
		if w.walks < maxWalks && len(w.seen) > w.known {
			w.known = len(w.seen)
			w.rewind()
			return nil
		}
		if short > max(fewLost, w.least/lostPart) {
			return w.fail(ErrShort)
		}
	}
	if w.window.to == 0 {
		w.done = true
		return nil
	}
	w.enter(w.window.next())
	w.unsure = true
	return nil
}

// issueIDs are the ids of issues.
func issueIDs(issues []json.RawMessage) ([]string, error) {
	ids := make([]string, len(issues))
	for i, raw := range issues {
		if ids[i] = memberText(raw, "id"); ids[i] == "" {
			return nil, notJira("answered an issue without an id")
		}
	}
	return ids, nil
}

package jirasim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// User is one person or app.
type User struct {
	AccountID   string
	DisplayName string
	Email       string // "" is not shown, as the privacy settings of most people have it
	TimeZone    string // "" is the site's
	Type        string // atlassian, app or customer; "" is atlassian
	Inactive    bool
	// Name and Key are what Data Center has in place of the account id, which stays
	// what everything here is called by. "": the account id, and the next JIRAUSER10100.
	Name, Key string
}

// AddUser adds a person, or replaces the one with the same account id.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	event := "user_created"
	if s.users[u.AccountID] != nil {
		event = "user_updated"
	}
	s.putUser(u)
	s.parts.clear()
	s.tellUser(event, u.AccountID)
}

func (s *Server) putUser(u User) {
	u.DisplayName = cmp.Or(u.DisplayName, u.AccountID)
	u.TimeZone = cmp.Or(u.TimeZone, "Etc/UTC")
	u.Type = cmp.Or(u.Type, "atlassian")
	if known := s.users[u.AccountID]; known != nil {
		u.Key = cmp.Or(u.Key, known.Key)
	}
	u.Name = cmp.Or(u.Name, u.AccountID)
	u.Key = cmp.Or(u.Key, fmt.Sprintf("JIRAUSER%d", 10100+len(s.users)))
	s.users[u.AccountID] = &u
}

func (s *Server) ensureUser(accountID string) {
	if accountID != "" && s.users[accountID] == nil {
		s.putUser(User{AccountID: accountID})
	}
}

// spellings are what JQL accepts for the person.
func (u *User) spellings() []string {
	all := []string{u.AccountID, u.DisplayName}
	if u.Email != "" {
		all = append(all, u.Email)
	}
	if u.Name != u.AccountID {
		all = append(all, u.Name)
	}
	return append(all, u.Key)
}

// user writes the person, or null for nobody.
func (p *page) user(accountID string) {
	if accountID == "" {
		p.raw("null")
		return
	}
	p.part(userFragment, accountID, (*page).writeUser)
}

func (p *page) writeUser(accountID string) {
	u := p.s.users[accountID]
	if p.s.config.Deployment == DataCenter {
		p.dataCenterUser(u)
		return
	}
	p.raw(`{"self":`)
	p.link(p.api, "/user?accountId=", pathEscape(accountID))
	p.raw(`,"accountId":`)
	p.str(accountID)
	if u.Email != "" {
		p.raw(`,"emailAddress":`)
		p.str(u.Email)
	}
	p.raw(`,"avatarUrls":`)
	picture := fmt.Sprintf("https://secure.gravatar.com/avatar/%032x?d=https%%3A%%2F%%2Favatar-management--avatars.us-west-2.prod.public.atl-paas.net%%2Finitials%%2F%s-%d.png",
		digest(accountID), initials(u.DisplayName), digest(accountID)%7)
	p.avatars(func(string) { p.raw(picture) })
	p.raw(`,"displayName":`)
	p.str(u.DisplayName)
	p.raw(`,"active":`)
	p.flag(!u.Inactive)
	p.raw(`,"timeZone":`)
	p.str(u.TimeZone)
	p.raw(`,"accountType":`)
	p.str(u.Type)
	p.raw(`}`)
}

// listUsers answers GET /rest/api/3/users/search: everybody, also who is not active.
func (s *Server) listUsers(c *call) *answer {
	return s.usersPage(c, func(*User) bool { return true })
}

// findUsers answers GET /rest/api/2/user/search of Data Center, which wants a text to
// look for, and finds everybody by a point.
func (s *Server) findUsers(c *call) *answer {
	text := strings.ToLower(c.query.Get("username"))
	if text == "" {
		return refuse(http.StatusBadRequest, "The username query parameter was not provided")
	}
	return s.usersPage(c, func(u *User) bool {
		return (!u.Inactive || c.query.Get("includeInactive") == "true") &&
			(text == "." || strings.Contains(strings.ToLower(u.Name+"\n"+u.DisplayName+"\n"+u.Email), text))
	})
}

// usersPage answers with a page of those people, by account id, as a bare array. It
// takes the permission to browse users; nobody in particular is shown nobody.
func (s *Server) usersPage(c *call, wanted func(*User) bool) *answer {
	startAt, limit, refused := c.span(1000)
	switch {
	case refused != nil:
		return refused
	case slices.Contains(s.config.Denied, "USER_PICKER"):
		return refuse(http.StatusForbidden, "You do not have permission to browse users.")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []string
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		if !c.identity.anonymous() && wanted(s.users[id]) {
			found = append(found, id)
		}
	}
	from := min(startAt, len(found))
	p := s.newPage(c)
	p.raw(`[`)
	for i, id := range found[from:min(from+limit, len(found))] {
		p.comma(i)
		p.user(id)
		p.cost += identityCost
	}
	p.raw(`]`)
	return jsonAnswer(p)
}

// avatars writes the four sizes; write is given Jira's word for the size.
func (p *page) avatars(write func(size string)) {
	sizes := [...][2]string{{"48x48", ""}, {"24x24", "small"}, {"16x16", "xsmall"}, {"32x32", "medium"}}
	p.raw(`{`)
	for i, size := range sizes {
		p.comma(i)
		p.raw(`"` + size[0] + `":"`)
		write(size[1])
		p.raw(`"`)
	}
	p.raw(`}`)
}

func digest(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64()
}

// initials are the capital letters that stand in for a picture; only plain ones,
// because they become part of a URL.
func initials(name string) string {
	var letters []byte
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' && len(letters) < 2 {
			letters = append(letters, c)
		}
	}
	return cmp.Or(string(letters), "X")
}

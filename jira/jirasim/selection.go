package jirasim

import "strings"

// selection is what a request's fields ask of each issue.
type selection struct {
	envelope       envelope
	all, navigable bool
	named, not     map[string]bool
	known          []int // the places in issueFields
}

type envelope int

const (
	idOnly    envelope = iota // {"id"}
	keyed                     // expand, id, self, key
	withField                 // the same and fields
)

// bare selections are paged by thousands: nothing has to be loaded for them.
func (s selection) bare() bool { return s.envelope != withField }

// whole is the selection where an issue has its key and its fields in any case, as
// in bulkfetch.
func (s selection) whole() selection {
	s.envelope = withField
	return s
}

// selectFields reads a list of fields: names, *all, *navigable, and -name to take
// one away. With none, otherwise applies; with nothing but some taken away, they
// are taken from *navigable. A name that no field has is ignored, as by Jira.
func selectFields(list []string, otherwise string) selection {
	s := selection{named: map[string]bool{}, not: map[string]bool{}}
	if len(list) == 0 {
		list = []string{otherwise}
	}
	positive := false
	for _, name := range list {
		name = strings.TrimSpace(name)
		if less, ok := strings.CutPrefix(name, "-"); ok {
			s.not[less] = true
			continue
		}
		positive = true
		s.take(name)
	}
	if !positive {
		s.take("*navigable")
	}
	for i := range issueFields {
		if s.wants(issueFields[i].name) {
			s.known = append(s.known, i)
		}
	}
	return s
}

func (s *selection) take(name string) {
	switch name {
	case "id":
	case "key", "issuekey":
		s.envelope = max(s.envelope, keyed)
	case "*all":
		s.all, s.envelope = true, withField
	case "*navigable":
		s.navigable, s.envelope = true, withField
	default:
		s.named[name], s.envelope = true, withField
	}
}

func (s selection) wants(name string) bool {
	if s.not[name] {
		return false
	}
	return s.all || s.named[name] || s.navigable && !notNavigable[name]
}

// everything tells that nothing at all is left out.
func (s selection) everything() bool { return s.all && len(s.not) == 0 }

// notNavigable are the fields that the issue navigator cannot show.
var notNavigable = map[string]bool{
	"comment": true, "worklog": true, "attachment": true, "timetracking": true, "issuerestriction": true,
}

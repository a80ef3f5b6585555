package company

import (
	"slices"
	"sync"
)

// A trade is what one project does, and how.
type trade struct {
	key, name, about string
	share            int      // of the company's issues, out of the sum of all shares
	flow             []string // statuses from the first to the last; see category
	themes           []theme
	label            voice
}

// The categories of Jira; the names are those that jirasim takes.
const (
	toDo       = "To Do"
	inProgress = "In Progress"
	done       = "Done"
)

// category is To Do for the first status of a flow, Done for the last, and In
// Progress for all between. A status has the same category wherever it is used.
func (t *trade) category(status string) string {
	switch slices.Index(t.flow, status) {
	case 0:
		return toDo
	case len(t.flow) - 1:
		return done
	}
	return inProgress
}

func (t *trade) last() string { return t.flow[len(t.flow)-1] }

// theme finds what an issue with these components is about.
func (t *trade) theme(components []string) *theme {
	for i := range t.themes {
		if slices.Contains(components, t.themes[i].name) {
			return &t.themes[i]
		}
	}
	return &t.themes[0]
}

// trades of the company, read from the word files once.
var trades = sync.OnceValue(func() []*trade {
	all := []*trade{
		{key: "PAY", name: "Payments", share: 14, about: "Takes the customers' money, and gives it back.",
			flow: []string{"To Do", "In Progress", "In Review", "Ready for Release", "Done"}},
		{key: "APP", name: "Mobile App", share: 16, about: "The shop in the pocket, on iOS and Android.",
			flow: []string{"To Do", "In Progress", "In Review", "In Beta", "Done"}},
		{key: "WEB", name: "Web Shop", share: 18, about: "The shop in the browser.",
			flow: []string{"To Do", "In Progress", "In Review", "Ready for Release", "Done"}},
		{key: "DATA", name: "Data Platform", share: 11, about: "What happened, and what will.",
			flow: []string{"To Do", "In Progress", "Validating", "Done"}},
		{key: "PLAT", name: "Platform", share: 12, about: "Clusters, pipelines and everything developers stand on.",
			flow: []string{"Backlog", "In Progress", "In Review", "Done"}},
		{key: "SEC", name: "Security", share: 7, about: "Keeps the others out of the newspapers.",
			flow: []string{"Triage", "Investigating", "Fixing", "Verifying", "Closed"}},
		{key: "SHIP", name: "Shipping", share: 9, about: "From the shelf to the door, and sometimes back.",
			flow: []string{"To Do", "In Progress", "On Trial", "Done"}},
		{key: "CARE", name: "Customer Care", share: 6, about: "Answers, by chat, letter and telephone.",
			flow: []string{"Open", "In Progress", "Waiting for Customer", "Resolved"}},
		{key: "OPS", name: "Store Operations", share: 7, about: "Tills, lines, doors and lights of forty stores.",
			flow: []string{"Open", "In Progress", "Waiting for Vendor", "Resolved"}},
	}
	files := []string{"pay", "app", "web", "data", "plat", "sec", "ship", "care", "ops"}
	for i, t := range all {
		words := readWords(files[i])
		t.themes, t.label = words.themes, voice{words.own}
		for j := range t.themes {
			t.themes[j].voice = append(t.themes[j].voice, shared())
		}
	}
	return all
})

func tradeOf(project string) *trade {
	all := trades()
	i := slices.IndexFunc(all, func(t *trade) bool { return t.key == project })
	if i < 0 {
		return nil
	}
	return all[i]
}

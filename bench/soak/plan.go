package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ferry/jira/jirasim"
)

// plan is what a seed decides.
type plan struct {
	seed     uint64
	database database
	replicas int
	random   *rand.Rand

	issues int           // of the company when it is founded
	events int           // about so many changes are made
	span   time.Duration // in which they are

	resync bool // ferry does a resync at each start
	early  bool // changes begin before the first resync has ended
	lossy  bool // Jira loses some deliveries; a resync finds what they told of
	gap    bool // Jira gives up on what it cannot deliver while all are down; a catch-up finds it
	gentle bool // the last to live end by SIGTERM

	everything bool // the mapping selects every issue, not only those that are not done
	create     bool // createMissingRelatedEntities
	cascade    bool // deleteDependentEntities

	delivery jirasim.Delivery
	indexLag time.Duration
	latency  time.Duration // of Jira and Port

	strikes  []strike
	troubles []spell
}

// strike ends some of the replicas, and starts them again.
type strike struct {
	at     time.Duration // after the changes began
	leader bool          // the one that has the lease is among them
	others int           // of the others
	down   time.Duration // until they are started again
}

// spell is a time in which a side is in trouble.
type spell struct {
	at, lasts time.Duration
	jira      bool    // else Port
	share     float64 // of its requests
}

// draw makes the plan of a seed.
func draw(seed uint64, database database, replicas int) *plan {
	r := rand.New(rand.NewPCG(seed, 0x50a4))
	p := &plan{
		seed: seed, database: database, replicas: 1, random: r,
		issues: 150 + r.IntN(650), events: 800 + r.IntN(2200), span: between(r, 900*time.Millisecond, 1800*time.Millisecond),
		resync: r.IntN(2) == 0, early: r.IntN(4) == 0, gentle: r.IntN(4) == 0,
		everything: r.IntN(3) == 0, create: r.IntN(2) == 0,
		latency: between(r, 0, 8*time.Millisecond),
	}
	if database == onPostgres {
		p.replicas = replicas
	}
	p.lossy, p.gap = p.resync && r.IntN(3) == 0, !p.resync && r.IntN(2) == 0
	// What is done is not wanted, and yet others relate to it.
	p.create = p.create || !p.everything
	if r.IntN(3) == 0 {
		p.indexLag = between(r, 50*time.Millisecond, 400*time.Millisecond)
	}
	p.delivery = jirasim.Delivery{
		Timeout: 5 * time.Second, Retries: 200, MinBackoff: 30 * time.Millisecond, MaxBackoff: 250 * time.Millisecond,
		Duplicate: 0.05, Disorder: 0.15, MaxDelay: between(r, 50*time.Millisecond, 400*time.Millisecond),
	}
	if p.lossy {
		p.delivery.Lose = 0.03
	}
	p.drawStrikes()
	p.drawTroubles()
	// What is done and others relate to is not wanted, and could not go.
	p.cascade = r.IntN(2) == 0 || !p.everything
	return p
}

func (p *plan) drawStrikes() {
	r := p.random
	for range 2 + r.IntN(4) {
		s := strike{at: between(r, 0, p.span), down: between(r, 0, 400*time.Millisecond)}
		switch r.IntN(4) {
		case 0: // a follower
			s.others = 1
		case 1: // all at once
			s.leader, s.others = true, p.replicas-1
		default:
			s.leader, s.others = true, r.IntN(p.replicas)
		}
		s.leader = s.leader || p.replicas == 1
		p.strikes = append(p.strikes, s)
	}
	slices.SortFunc(p.strikes, func(a, b strike) int { return int(a.at - b.at) })
}

// drawTroubles leaves some time for the end of what waits because of them.
func (p *plan) drawTroubles() {
	r := p.random
	for range r.IntN(4) {
		at := between(r, 0, p.span*2/3)
		p.troubles = append(p.troubles, spell{
			at: at, lasts: min(between(r, 100*time.Millisecond, 600*time.Millisecond), p.span*3/4-at),
			jira: r.IntN(2) == 0, share: 0.03 + 0.3*r.Float64()*r.Float64(),
		})
	}
}

func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// style says in words which kind of seed this is.
func (p *plan) style() string {
	var words []string
	for word, is := range map[string]bool{
		"resyncs": p.resync, "early": p.early, "lossy": p.lossy, "gap": p.gap, "gentle": p.gentle,
		"everything": p.everything, "no stubs": !p.create, "keep dependents": !p.cascade, "lag": p.indexLag > 0, "trouble": len(p.troubles) > 0,
	} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func (p *plan) String() string {
	return fmt.Sprintf("%d replicas, %d issues, about %d events in %s; %s; latency %s, index lag %s, delivered up to %s late; strikes %v, troubles %+v",
		p.replicas, p.issues, p.events, p.span.Round(time.Millisecond), p.style(), p.latency.Round(time.Millisecond),
		p.indexLag.Round(time.Millisecond), p.delivery.MaxDelay.Round(time.Millisecond), p.strikes, p.troubles)
}

// mapping is what the seed lets ferry make of Jira. It leaves out the number of issues of a project,
// which no event tells of, and people, of whom Port would keep those that nobody names any more.
func (p *plan) mapping() string {
	jql := `""`
	if !p.everything {
		jql = "statusCategory != Done"
	}
	return fmt.Sprintf(`
deleteDependentEntities: %t
createMissingRelatedEntities: %t
resources:
  - kind: project
    selector:
      query: "true"
    port:
      entity:
        mappings:
          identifier: .key
          title: .name
          blueprint: '"jiraProject"'
  - kind: issue
    selector:
      query: "true"
      jql: %s
    port:
      entity:
        mappings:
          identifier: .key
          title: .fields.summary
          blueprint: '"jiraIssue"'
          properties:
            status: .fields.status.name
            issueType: .fields.issuetype.name
            components: .fields.components | map(.name)
            priority: .fields.priority.name
            labels: .fields.labels
            created: .fields.created
            updated: .fields.updated
            resolutionDate: .fields.resolutiondate
          relations:
            project: .fields.project.key
            parentIssue: .fields.parent.key
            subtasks: .fields.subtasks | map(.key)
`, p.cascade, p.create, jql)
}

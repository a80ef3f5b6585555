package jirasim

import (
	"math/rand/v2"
	"strings"
)

// description writes the description as a document of Atlassian's format (ADF).
//
// The API's version 2 writes it as text.
func (p *page) description(r *record) {
	switch {
	case p.api == apiV2 && r.Description != "":
		p.str(r.Description)
	case p.api == apiV2 && r.Filler > 0:
		at := p.fillerAt(r)
		p.str(p.s.prose()[at : at+min(r.Filler, len(p.s.prose())/2)])
	case r.Description != "":
		p.document(strings.Split(r.Description, "\n\n"))
	case r.Filler > 0:
		p.filler(r)
	default:
		p.raw("null")
	}
}

const (
	paragraphBegins = `{"type":"paragraph","content":[{"type":"text","text":`
	paragraphEnds   = `}]}`
)

func (p *page) document(paragraphs []string) {
	p.raw(`{"type":"doc","version":1,"content":[`)
	for i, text := range paragraphs {
		p.comma(i)
		p.raw(paragraphBegins)
		p.str(text)
		p.raw(paragraphEnds)
	}
	p.raw(`]}`)
}

// paragraph is about how long one is in a made-up description.
const paragraph = 400

// filler writes a description of about r.Filler bytes. It is cut from the prose at a
// place that the id decides: nothing is stored, and every answer is the same.
func (p *page) filler(r *record) {
	p.raw(`{"type":"doc","version":1,"content":[`)
	at := p.fillerAt(r)
	for left, i := r.Filler, 0; left > 0; i++ {
		text := p.s.prose()[at : at+min(left, paragraph)]
		p.comma(i)
		p.raw(paragraphBegins + `"`)
		p.raw(text)
		p.raw(`"` + paragraphEnds)
		left -= len(text) + len(paragraphBegins) + len(paragraphEnds) + 3
		at = (at + len(text)) % (len(p.s.prose()) / 2)
	}
	p.raw(`]}`)
}

func (p *page) fillerAt(r *record) int {
	return int(uint64(r.ID) * 2654435761 % uint64(len(p.s.prose())/2))
}

// proseWords need no escaping in JSON.
var proseWords = strings.Fields(`the a service request customer payment card bucket retry queue when after before
	fails returns expects logs deploys reads writes page button timeout region cluster token account user order
	invoice refund event schema migration index cache latency alert runbook owner team release branch review
	pipeline build test report limit batch worker node pod image secret rotation access policy role audit`)

// writeProse makes the text that made-up descriptions are cut from.
func writeProse(seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 0x9705e))
	var b strings.Builder
	for b.Len() < 64<<10 {
		b.WriteString(proseWords[random.IntN(len(proseWords))])
		b.WriteString(map[bool]string{true: ". ", false: " "}[random.IntN(12) == 0])
	}
	return b.String()
}

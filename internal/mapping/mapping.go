package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Mapping is a mapping as it can be used: its switches and the resources
// that are right. Port's defaults hold for what is not given.
type Mapping struct {
	DeleteDependentEntities      bool    // also delete what relates to a deleted entity; default true
	CreateMissingRelatedEntities bool    // Port makes stubs for relations to nothing; default true
	EnableMergeEntity            bool    // write only the mapped keys of an entity; default true
	EntityDeletionThreshold      float64 // share of all entities, 0 to 1, that one run may delete; default 0.9

	Resources []*Resource // the usable ones, in the mapping's order
	SetAside  []SetAside  // the others
	Warnings  []string    // each "name:line:col: key.path: sentence"

	// Hash changes when, and only when, something that makes entities
	// changes: kinds, selectors, expressions, their order, merging. Comments,
	// layout and the switches of deletion do not count.
	Hash string
}

// A SetAside is a resource that cannot be used. What its blueprint holds in
// Port must not be touched while it is so.
type SetAside struct {
	Index     int    // in resources, from 0
	Line      int    // where it begins, from 1
	Kind      string // as written; "" where there is none
	Reasons   []string
	Blueprint string // the blueprint's name if the expression is a literal, else ""
}

// A Resource is one compiled entry of resources. It is immutable and safe for
// use by many goroutines at once.
type Resource struct {
	Index     int // in resources, from 0; the order in which claims are folded
	Kind      string
	Line      int             // where it begins, from 1
	Selector  json.RawMessage // the selector as a JSON object, for the kind's own keys
	Blueprint string          // the blueprint's name if the expression is a literal, else ""

	selector   *program
	expansion  *expansion // nil without itemsToParse
	identifier field
	blueprint  *program
	single     []*field // title, icon, team: those that are mapped, in this order
	properties []*field // sorted by name; nil where there is no such key
	relations  []*field // likewise

	keys  string // Entity.Keys
	reads Paths
}

// place is where a field stands in an entity.
type place int

const (
	inIdentifier place = iota
	inTitle
	inIcon
	inTeam
	inProperties
	inRelations
)

// A field is one mapped key: an expression or a search object.
type field struct {
	kind    place
	name    string // as in the mapping
	path    string // "properties.status"
	encoded []byte // what stands before the value: `"status":`
	program *program
	search  *search // instead of program
}

// String names the resource as a person counts it: "resource 4 (issue)".
func (r *Resource) String() string { return resourceName(r.Index, r.Kind) }

// String names the resource as a person counts it.
func (a SetAside) String() string { return resourceName(a.Index, a.Kind) }

func resourceName(index int, kind string) string {
	if kind == "" {
		return fmt.Sprintf("resource %d", index+1)
	}
	return fmt.Sprintf("resource %d (%s)", index+1, kind)
}

// Searches tells whether the resource names its entities by search objects.
func (r *Resource) Searches() bool { return r.identifier.search != nil }

// Reads gives the parts of an item that selector, itemsToParse and every other
// expression look at. Keys that Ferry adds to an item ("__…") are among them.
func (r *Resource) Reads() Paths { return r.reads }

// keySet writes the names of a body's keys, sorted, between commas. A comma
// inside a name is written %2C, and a percent sign %25.
func (r *Resource) keySet() string {
	var keys []string
	for _, f := range slices.Concat(r.single, r.properties, r.relations) {
		keys = append(keys, keyEscaper.Replace(f.path))
	}
	slices.Sort(keys)
	return strings.Join(keys, ",")
}

var (
	keyEscaper   = strings.NewReplacer("%", "%25", ",", "%2C")
	keyUnescaper = strings.NewReplacer("%25", "%", "%2C", ",")
)

func splitKeys(keys string) []string {
	if keys == "" {
		return nil
	}
	names := strings.Split(keys, ",")
	for i, name := range names {
		names[i] = keyUnescaper.Replace(name)
	}
	return names
}

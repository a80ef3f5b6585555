// Package mapping turns one Jira object into the entities it should be in
// Port, by the mapping that people write in Port's own language: YAML or JSON
// around jq expressions.
//
// [Parse] reads a mapping, says everything that is wrong with it at once, and
// compiles every expression. [Resource.Reads] says which parts of an item a
// resource reads, so that only those are asked of Jira and only those are
// built by [Decode]. [Resource.Map] is then a pure function from an item to an
// [Outcome]: no file, no network, no environment. Nothing outside this package
// knows jq.
//
// # What becomes null, and what keeps
//
// An expression of a title, icon, team, property or relation that fails gives
// null, and is counted. An expression on which the existence of an entity
// rests (selector, itemsToParse, identifier, blueprint) that fails gives a
// [Fault], and so does any expression that runs out of its limits: the caller
// then leaves what it has of the item as it is. Only a clean false, null or
// empty list takes an entity away.
//
// # Two differences from the incumbent's schema
//
// The YAML scalar true in the place of an expression is the text "true"; the
// incumbent makes "True" of it, which is no jq. And one wrong resource, or one
// of an unknown kind, is set aside alone instead of spoiling the whole mapping.
package mapping

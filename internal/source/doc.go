// Package source knows Jira's kinds: how each is listed, read by id and matched, and what of a
// resource's selector changes the question that is put to Jira.
//
// A [Reading] is a kind plus those parts of a selector. [Plan] groups the resources of a mapping
// into readings, so that what several resources want is read once. Within a reading the
// resources differ in what they select; each distinct question of that sort is a [Query].
package source

// Package ingest makes the catalogue equal to what the mapping makes of Jira. It never talks to
// Port.
//
// A run takes the readings of the plan one after another. Of each it
//
//  1. lists what every query selects (a sweep of ids for issues, pages of whole items for
//     projects) and checks that the listing is complete;
//  2. reads what was listed by id, maps it and applies it, while the listing still goes on;
//  3. judges what a complete listing no longer holds: [judge] asks Jira about each such item
//     directly, and only what is proved gone, or proved to have left the selector, loses its
//     claims.
//
// A catch-up does the same, but of what was listed it reads only what is not known yet or has
// changed within a window.
package ingest

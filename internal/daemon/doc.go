// Package daemon decides what runs when. A [Sync] is one run: it reads Jira into the catalogue
// and makes Port equal to it, both at the same time, then deletes what is proved gone, and says
// what it did. With Follow it goes on, catching up at a steady beat.
package daemon

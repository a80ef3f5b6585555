// Package catalog is Ferry's store: the table of entities that should be in Port, and what is
// needed to keep it true. Its tables are described in schema.sql; read that first.
//
// Two halves of Ferry meet here and nowhere else. Ingest reads Jira and calls [Store.Listed],
// [Store.Take] and [Store.Apply]; it never asks what Port has. Deliver sends what
// [Store.Undelivered] and [Store.Unwanted] give and reports with [Store.Delivered] and
// [Store.Removed]; it never asks what Jira has. What is pending is the difference between an
// entity's version and its delivered version: there is no queue beside the rows.
//
// # Newer never loses to older
//
// No clock decides. Every read of Jira is numbered by [Store.NextRead] when its request
// starts, and an item keeps the number of the read that last spoke of it. Two rules follow:
//
//  1. Apply refuses what a lower-numbered read says of an item. If read b began after read a,
//     b's answer is at least as new as the moment b began; a's may be older than that.
//     Applied in either order, b's stays.
//  2. Numbers begin with the lease's epoch, so everything a lost holder still sends is lower
//     than everything its successor has applied; and Apply refuses a foreign epoch outright.
//
// An item that is gone keeps its row and number (a tombstone), so that rule 1 also protects a
// deletion from an earlier read that still saw the item. A tombstone is dropped at the end of the
// first full run that began after it: a read begun before it would have to outlast that whole run.
//
// A dirty row is cleared only if its count of hints is the one that was taken before the read
// began: a hint that came while the read was under way asks for another read.
//
// Delivered records the version that was sent, not the newest: a change that came while its
// predecessor was on the wire stays undelivered.
//
// # Writing
//
// There is one writer. Callers that wait for it share one transaction ([writer.write]), each in
// a savepoint of its own, so that many small changes cost one flush to disk.
//
// In a SQLite file the writer also puts down the hints of the [Inbox]. In PostgreSQL every process
// does, on a connection of its own ([receiving]), beside the one that has the lease ([lease]) and
// writes the rest. They meet in the rows of dirty, where each statement is right whichever comes
// first: a hint adds to the count, and whoever clears a row names the count that it has seen.
package catalog

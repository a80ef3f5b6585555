// Package deliver makes Port equal to the catalogue. It never asks what Jira has.
//
// What is to be done is what [catalog.Store] says is undelivered or unwanted: the package keeps
// no list of its own that could disagree with it. A run calls [Deliverer.Upserts] while ingest
// goes on, then [Deliverer.Deletes]; a process that is killed in between is continued by the
// next one from the same rows.
//
// # Upserts
//
// One goroutine, the feeder, reads the rows in order, makes their bodies and packs them into
// bulks by blueprint; the workers send the bulks and record what Port answered. An entity is in
// one bulk at a time. Memory is bounded by one page of rows, one open bulk for each blueprint
// and one bulk for each worker, however far Port is behind.
//
// Right before an entity is first sent it is settled who made it: what others have in Port is
// enriched and never deleted, and after the sending Port may not tell any more; see makers.go.
//
// What Port will not take is recorded with a reason and not sent again until the next run or a
// change. What it may take later, because a related entity is missing, waits in the feeder
// until others were delivered; see waiting.go.
//
// # Deletes
//
// Upserts go first. Then what is unwanted, and was not made by others, is deleted if the brake
// lets it and Port still names us as its source, and what the cascade took along is delivered again; see delete.go.
package deliver

// Package hooks is where Jira's webhooks come in, and what keeps them registered.
//
// A delivery is a hint: it says which item was touched, never how it is now. The [Receiver] proves
// that it comes from Jira, reduces it to ids, puts these down on the disk and answers. What a
// forger could reach by it, if all proof failed, is a read.
//
// The [Registrar] sees to it that Jira has a webhook that leads here, and that it is right: at the
// start, and again every few minutes, for a person may remove it and an app's ends after 30 days.
// Where it cannot, it says so, and Ferry lives by its schedule.
//
// Neither is needed for Ferry to be right. They make it quick.
package hooks

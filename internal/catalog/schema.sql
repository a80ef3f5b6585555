-- The catalogue. One process writes it: the one that holds the integration's lease. Others put
-- hints into dirty and deliveries into delivery. SQLite runs this text as it is; PostgreSQL runs
-- it with INTEGER read as BIGINT, without WITHOUT ROWID, with texts that compare by their bytes,
-- and with a table for keys that its indexes cannot hold. Times are milliseconds since 1970, UTC.

-- store: which schema this is. A store of another schema is not opened.
CREATE TABLE IF NOT EXISTS store (
	version INTEGER NOT NULL
);

-- integration: one Jira site feeding one Port integration identifier.
-- epoch counts the leases taken; site and account are the Jira every run must read, and as whom;
-- mapping is the text of the one that was last applied.
CREATE TABLE IF NOT EXISTS integration (
	id         INTEGER PRIMARY KEY,
	identifier TEXT NOT NULL UNIQUE,
	epoch      INTEGER NOT NULL,
	site       TEXT NOT NULL DEFAULT '',
	account    TEXT NOT NULL DEFAULT '',
	mapping    TEXT NOT NULL DEFAULT ''
);

-- moment: when something last was, or is due next, by name. What is periodic is a row here.
CREATE TABLE IF NOT EXISTS moment (
	integration INTEGER NOT NULL,
	name        TEXT NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (integration, name)
);

-- delivery: the last deliveries of webhooks, without their bodies, for people to look at.
CREATE TABLE IF NOT EXISTS delivery (
	integration INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	replica     TEXT NOT NULL,
	n           INTEGER NOT NULL,
	identifier  TEXT NOT NULL,
	event       TEXT NOT NULL,
	touched     INTEGER NOT NULL,
	answer      INTEGER NOT NULL,
	reason      TEXT NOT NULL,
	PRIMARY KEY (integration, at, replica, n)
);

-- resource: the resources of the mapping by their place, which is how claims name them. A claim
-- of a resource that the mapping has no more has a negative number: it is a stray.
CREATE TABLE IF NOT EXISTS resource (
	integration INTEGER NOT NULL,
	position    INTEGER NOT NULL,
	kind        TEXT NOT NULL,
	identity    TEXT NOT NULL,
	PRIMARY KEY (integration, position)
);

-- reading: a kind plus what changes the question put to Jira, by number. asked: the mapping has
-- it. Hints that come before there is a mapping wait under a reading of their kind's own.
CREATE TABLE IF NOT EXISTS reading (
	integration INTEGER NOT NULL,
	id          INTEGER NOT NULL,
	name        TEXT NOT NULL,
	kind        TEXT NOT NULL DEFAULT '',
	asked       INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1)),
	PRIMARY KEY (integration, id),
	UNIQUE (integration, name)
);

-- keyset: the keys a body sets, by number, so that a key no longer made can be sent as null.
CREATE TABLE IF NOT EXISTS keyset (
	integration INTEGER NOT NULL,
	id          INTEGER NOT NULL,
	keys        TEXT NOT NULL,
	PRIMARY KEY (integration, id),
	UNIQUE (integration, keys)
);

-- run: one resync; whole: it read everything, and was no catch-up.
CREATE TABLE IF NOT EXISTS run (
	integration INTEGER NOT NULL,
	id          INTEGER NOT NULL,
	started     INTEGER NOT NULL,
	ended       INTEGER NOT NULL DEFAULT 0,
	state       TEXT NOT NULL CHECK (state IN ('running', 'completed', 'partial', 'failed')),
	mapping     TEXT NOT NULL,
	account     TEXT NOT NULL,
	whole       INTEGER NOT NULL DEFAULT 1 CHECK (whole IN (0, 1)),
	PRIMARY KEY (integration, id),
	CHECK ((state = 'running') = (ended = 0))
);

-- listing: one question of a run ("which issues does this JQL select?") and how far it came.
-- bit is its place in the `listed` masks of the items of its reading and parent.
CREATE TABLE IF NOT EXISTS listing (
	integration INTEGER NOT NULL,
	run         INTEGER NOT NULL,
	reading     INTEGER NOT NULL,
	parent      TEXT NOT NULL,
	bit         INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 61),
	query       TEXT NOT NULL,
	state       TEXT NOT NULL CHECK (state IN ('running', 'complete', 'incomplete', 'failed')),
	found       INTEGER NOT NULL DEFAULT 0,
	expected    INTEGER NOT NULL DEFAULT 0,
	reason      TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (integration, run, reading, parent, bit)
);

-- item: one Jira object as one reading gives it. Raw items are not stored.
-- read is the number of the read that last spoke of it; gone marks a tombstone;
-- run and listed say which listings of which run held it; container is the Jira
-- project it lies in, where the kind has one; fresh is when Jira was last asked, not its index,
-- which queries select it.
CREATE TABLE IF NOT EXISTS item (
	integration INTEGER NOT NULL,
	reading     INTEGER NOT NULL,
	parent      TEXT NOT NULL,
	id          TEXT NOT NULL,
	read        INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	run         INTEGER NOT NULL,
	listed      INTEGER NOT NULL,
	gone        INTEGER NOT NULL CHECK (gone IN (0, 1)),
	container   TEXT NOT NULL,
	fresh       INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (integration, reading, parent, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_gone ON item (integration, read) WHERE gone = 1;

-- claim: the n-th entity that one resource makes of one item.
-- refs holds the identifiers it relates to, one a line.
CREATE TABLE IF NOT EXISTS claim (
	integration INTEGER NOT NULL,
	reading     INTEGER NOT NULL,
	parent      TEXT NOT NULL,
	item        TEXT NOT NULL,
	resource    INTEGER NOT NULL,
	n           INTEGER NOT NULL,
	entity      INTEGER NOT NULL,
	keyset      INTEGER NOT NULL,
	searching   INTEGER NOT NULL CHECK (searching IN (0, 1)),
	refs        TEXT NOT NULL,
	body        TEXT NOT NULL,
	PRIMARY KEY (integration, reading, parent, item, resource, n)
);
CREATE INDEX IF NOT EXISTS claim_entity ON claim (entity);

-- entity: what should be in Port. version counts the changes of its body; delivered is
-- the version Port has, 0 for none, less than 0 if Port may have one; refused the version Port
-- would not take, less than 0 in the runs after that. An entity
-- without claims should not be in Port, unless others made it there: then its row stays, and
-- has nothing left to do once delivered is version. origin: who made it there; '' until Port
-- took it or it was found to be theirs.
-- born, changed, made, sent name the runs in which that last happened. since is when Jira told of
-- the first change that Port does not have yet; 0: Port has all. live: somebody waits to see it there.
CREATE TABLE IF NOT EXISTS entity (
	id          INTEGER PRIMARY KEY,
	integration INTEGER NOT NULL,
	blueprint   TEXT NOT NULL,
	identifier  TEXT NOT NULL,
	search      INTEGER NOT NULL CHECK (search IN (0, 1)),
	searching   INTEGER NOT NULL CHECK (searching IN (0, 1)),
	reading     INTEGER NOT NULL,
	claims      INTEGER NOT NULL CHECK (claims >= 0),
	version     INTEGER NOT NULL CHECK (version >= 1),
	delivered   INTEGER NOT NULL DEFAULT 0 CHECK (delivered <= version),
	refused     INTEGER NOT NULL DEFAULT 0 CHECK (refused <= version),
	keyset      INTEGER NOT NULL DEFAULT 0,
	origin      TEXT NOT NULL DEFAULT '' CHECK (origin IN ('', 'ours', 'theirs')),
	born        INTEGER NOT NULL,
	changed     INTEGER NOT NULL,
	made        INTEGER NOT NULL DEFAULT 0,
	sent        INTEGER NOT NULL DEFAULT 0,
	since       INTEGER NOT NULL DEFAULT 0,
	live        INTEGER NOT NULL DEFAULT 0 CHECK (live IN (0, 1)),
	UNIQUE (integration, blueprint, identifier)
);
CREATE INDEX IF NOT EXISTS entity_undelivered ON entity (integration, id)
	WHERE claims > 0 AND delivered <> version AND refused <> version;
CREATE INDEX IF NOT EXISTS entity_unwanted ON entity (integration, id) WHERE claims = 0 AND (origin <> 'theirs' OR delivered <> version);
CREATE INDEX IF NOT EXISTS entity_refused ON entity (integration, id) WHERE refused > 0;
CREATE INDEX IF NOT EXISTS entity_live ON entity (integration, id) WHERE live = 1;
CREATE INDEX IF NOT EXISTS entity_searching ON entity (integration, id) WHERE searching = 1;

-- ref: which entity relates to which identifier.
CREATE TABLE IF NOT EXISTS ref (
	integration INTEGER NOT NULL,
	target      TEXT NOT NULL,
	entity      INTEGER NOT NULL,
	PRIMARY KEY (integration, target, entity)
) WITHOUT ROWID;

-- dirty: an item that must be read again. No payload: the row says which, Jira says what.
-- told is when it was first said, 0 if a listing said it; expect is the earliest `updated` of
-- Jira's that the answer must show, 0 for any, -1 if it should not be there.
CREATE TABLE IF NOT EXISTS dirty (
	integration INTEGER NOT NULL,
	reading     INTEGER NOT NULL,
	parent      TEXT NOT NULL,
	id          TEXT NOT NULL,
	hints       INTEGER NOT NULL CHECK (hints > 0),
	priority    INTEGER NOT NULL,
	seq         INTEGER NOT NULL,
	due         INTEGER NOT NULL,
	attempts    INTEGER NOT NULL,
	run         INTEGER NOT NULL,
	listed      INTEGER NOT NULL,
	told        INTEGER NOT NULL DEFAULT 0,
	expect      INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (integration, reading, parent, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dirty_order ON dirty (integration, reading, parent, priority, seq);

-- aside: what failed for good until something changes, shown to people.
CREATE TABLE IF NOT EXISTS aside (
	integration INTEGER NOT NULL,
	about       TEXT NOT NULL,
	subject     TEXT NOT NULL,
	kind        TEXT NOT NULL,
	reason      TEXT NOT NULL,
	run         INTEGER NOT NULL,
	since       INTEGER NOT NULL,
	PRIMARY KEY (integration, about, subject)
) WITHOUT ROWID;

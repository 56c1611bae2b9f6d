-- Schema 1. Released migrations are never edited: a change is a new step in migrations.cpp.
--
-- Texts are stored as they are; an address is stored twice: as people read it, and as a key that sorts as addresses do
-- (X'04' and four bytes, X'06' and sixteen: IPv4 first, then by value). Times are milliseconds since 1970, UTC.

PRAGMA application_id = 1718186033;  -- "fip1"

-- Which guest holds which address; before and after that, our stock and quarantine.
CREATE TABLE lease (
    address_key    BLOB NOT NULL PRIMARY KEY,
    address        TEXT NOT NULL,
    provider       TEXT NOT NULL,
    pool           TEXT NOT NULL,
    state          TEXT NOT NULL
        CHECK (state IN ('warming', 'warm', 'pending', 'active', 'releasing', 'cooling', 'away')),
    guest_kind     TEXT CHECK (guest_kind IN ('libvirt', 'proxmox')),  -- with guest_id: NULL in stock and reservations
    guest_id       TEXT CHECK ((guest_id IS NULL) = (guest_kind IS NULL)),
    guest_name     TEXT NOT NULL,
    origin         TEXT NOT NULL,
    slot           TEXT NOT NULL,
    ordinal        INTEGER NOT NULL,
    mac            TEXT,
    is_mac_asked   INTEGER NOT NULL CHECK (is_mac_asked IN (0, 1)),
    is_adopted     INTEGER NOT NULL CHECK (is_adopted IN (0, 1)),
    stay           TEXT NOT NULL CHECK (stay IN ('here', 'left', 'arriving')),
    hostname       TEXT NOT NULL,
    is_name_chosen INTEGER NOT NULL CHECK (is_name_chosen IN (0, 1)),
    rdns           TEXT NOT NULL CHECK (rdns IN ('none', 'pending', 'set', 'failed', 'clearing')),
    rdns_tries     INTEGER NOT NULL,
    rdns_due       INTEGER NOT NULL,
    since          INTEGER NOT NULL,
    cooling_until  INTEGER,
    routed_at      INTEGER,
    retry_at       INTEGER,
    -- Place among the candidates, see provider_address.rank; NULL: held, no candidate.
    rank           INTEGER AS (CASE state WHEN 'warm' THEN 0 WHEN 'warming' THEN 2
                                         WHEN 'cooling' THEN 3 WHEN 'releasing' THEN 3 END) VIRTUAL
) STRICT, WITHOUT ROWID;

-- A NIC's place holds one address, also when two processes hand one out at the same time.
CREATE UNIQUE INDEX lease_held ON lease (guest_id, guest_kind, slot, ordinal)
    WHERE guest_id IS NOT NULL AND state IN ('pending', 'active', 'away');
CREATE INDEX lease_guest ON lease (guest_id, guest_kind) WHERE guest_id IS NOT NULL;
CREATE INDEX lease_name ON lease (guest_name) WHERE guest_name != '';
CREATE INDEX lease_mac ON lease (mac) WHERE mac IS NOT NULL;

-- What each provider said of its addresses at the last read.
CREATE TABLE provider_address (
    address_key BLOB NOT NULL,
    provider    TEXT NOT NULL,
    address     TEXT NOT NULL,
    server      TEXT,
    mac         TEXT,
    reverse     TEXT,
    missing     INTEGER NOT NULL,
    -- Order in which addresses are given away: 0 warm, 1 no lease row, 2 warming, 3 cooling or releasing, NULL held.
    -- A copy of lease.rank that only the triggers below write, so that finding one of few free addresses among a
    -- million held ones is one look into provider_address_free.
    rank        INTEGER DEFAULT 1,
    PRIMARY KEY (address_key, provider)
) STRICT, WITHOUT ROWID;

CREATE INDEX provider_address_free ON provider_address (provider, rank, address_key) WHERE rank IS NOT NULL;
CREATE INDEX provider_address_mac ON provider_address (mac) WHERE mac IS NOT NULL;

CREATE TRIGGER lease_added AFTER INSERT ON lease BEGIN
    UPDATE provider_address SET rank = NEW.rank WHERE address_key = NEW.address_key;
END;
CREATE TRIGGER lease_changed AFTER UPDATE ON lease WHEN NEW.rank IS NOT OLD.rank BEGIN
    UPDATE provider_address SET rank = NEW.rank WHERE address_key = NEW.address_key;
END;
CREATE TRIGGER lease_erased AFTER DELETE ON lease BEGIN
    UPDATE provider_address SET rank = 1 WHERE address_key = OLD.address_key;
END;
CREATE TRIGGER provider_address_added AFTER INSERT ON provider_address BEGIN
    UPDATE provider_address SET rank = lease.rank FROM lease
    WHERE lease.address_key = NEW.address_key
      AND provider_address.address_key = NEW.address_key AND provider_address.provider = NEW.provider;
END;

-- Our dealings with each provider, shared by all processes.
CREATE TABLE provider (
    name          TEXT NOT NULL PRIMARY KEY,
    synced_at     INTEGER,
    synced_boot   TEXT NOT NULL,
    backoff_until INTEGER,
    failures      INTEGER NOT NULL,
    last_error    TEXT NOT NULL,
    server_key    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Remarks about guests: who waits, who was not seen. `place` keeps the order of first insertion.
CREATE TABLE guest_note (
    place      INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('waiting', 'absent', 'held_back', 'incoming')),
    guest_kind TEXT NOT NULL CHECK (guest_kind IN ('libvirt', 'proxmox')),
    guest_id   TEXT NOT NULL,
    slot       TEXT NOT NULL,
    name       TEXT NOT NULL,
    pool       TEXT NOT NULL,
    text       TEXT NOT NULL,
    wall       INTEGER NOT NULL,
    boot       INTEGER NOT NULL,
    boot_id    TEXT NOT NULL,
    UNIQUE (guest_id, guest_kind, kind, slot)
) STRICT;

-- A few named values; an empty one has no row.
CREATE TABLE named_value (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

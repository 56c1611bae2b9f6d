-- Schema 2: what the guard must remember, and starts that were faster than the daemon. As schema.sql: never edited
-- once released.

ALTER TABLE lease ADD COLUMN bridge TEXT NOT NULL DEFAULT '';  -- where its NIC hung last; '': not known
ALTER TABLE provider ADD COLUMN server_macs TEXT NOT NULL DEFAULT '';  -- of the server's own interfaces, one blank between

-- SQLite cannot change a CHECK: the same table with more kinds.
CREATE TABLE new_guest_note (
    place      INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('waiting', 'absent', 'held_back', 'incoming', 'claimed', 'swapping',
                                             'restarting')),
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
INSERT INTO new_guest_note SELECT place, kind, guest_kind, guest_id, slot, name, pool, text, wall, boot, boot_id
    FROM guest_note;
DROP TABLE guest_note;
ALTER TABLE new_guest_note RENAME TO guest_note;

-- Virtual MACs that may leave. One that a list lacked stays until `grace` after the first such list (missing_*).
CREATE TABLE guard_mac (
    provider        TEXT NOT NULL,
    mac             TEXT NOT NULL,
    addresses       TEXT NOT NULL,  -- in order, one blank between
    missing_wall    INTEGER,
    missing_boot    INTEGER CHECK ((missing_boot IS NULL) = (missing_wall IS NULL)),
    missing_boot_id TEXT CHECK ((missing_boot_id IS NULL) = (missing_wall IS NULL)),
    PRIMARY KEY (provider, mac)
) STRICT, WITHOUT ROWID;

-- Who tried to send what the guard stopped.
CREATE TABLE blocked_sender (
    uplink     TEXT NOT NULL,
    port       TEXT NOT NULL,  -- '': the host itself
    mac        TEXT NOT NULL,
    is_raw     INTEGER NOT NULL CHECK (is_raw IN (0, 1)),
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    detail     TEXT NOT NULL,
    frames     INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    PRIMARY KEY (uplink, port, mac)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocked_sender_last ON blocked_sender (last);

-- Schema 3: starts that a hook of Proxmox queued. As schema.sql: never edited once released.

-- SQLite cannot change a CHECK: the same table with one kind more.
CREATE TABLE new_guest_note (
    place      INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('waiting', 'absent', 'held_back', 'incoming', 'claimed', 'swapping',
                                             'restarting', 'queued_start')),
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

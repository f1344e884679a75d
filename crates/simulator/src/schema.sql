CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row an item of any kind. The columns after `protection` repeat what is looked up or added up; the settings are the truth.
CREATE TABLE items (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    external_ref TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    protection TEXT NOT NULL,
    unique_name TEXT,
    reseller TEXT,
    customer TEXT,
    tenant TEXT,
    plan TEXT,
    storage INTEGER,
    licences INTEGER,
    clients INTEGER,
    credits INTEGER,
    settings TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX items_by_kind ON items (kind);
CREATE UNIQUE INDEX items_by_id ON items (kind, id);
CREATE UNIQUE INDEX items_by_reference ON items (kind, external_ref) WHERE external_ref IS NOT NULL;
CREATE UNIQUE INDEX items_by_name ON items (kind, unique_name) WHERE unique_name IS NOT NULL;
CREATE INDEX items_by_reseller ON items (reseller, kind, storage, licences, clients, credits) WHERE reseller IS NOT NULL;
CREATE INDEX items_by_customer ON items (customer, kind) WHERE customer IS NOT NULL;
CREATE INDEX items_by_tenant ON items (tenant) WHERE tenant IS NOT NULL;
CREATE INDEX items_by_plan ON items (plan) WHERE plan IS NOT NULL;
CREATE INDEX items_by_licences ON items (kind, licences) WHERE licences IS NOT NULL;

-- What was removed with mode=retain: the platform keeps its backups.
CREATE TABLE archive (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    removed_at INTEGER NOT NULL,
    settings TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    external_ref TEXT,
    status INTEGER NOT NULL,
    fields TEXT NOT NULL
) STRICT;

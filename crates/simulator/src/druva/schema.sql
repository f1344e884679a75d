-- What was asked for over Druva's wire: each change is a task that takes effect later. `applied_at` is null until it has;
-- a `silent` one never says so.
CREATE TABLE druva_tasks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    customer TEXT NOT NULL,
    tenant TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    applied_at INTEGER,
    silent INTEGER NOT NULL,
    job TEXT NOT NULL,
    output TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX druva_tasks_open ON druva_tasks (due_at) WHERE applied_at IS NULL;

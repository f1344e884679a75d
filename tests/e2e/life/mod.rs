//! The life of every kind, from YAML to the platform and back: made, changed, set back, switched off, let go, deleted, seen.

mod estate;
mod following;
mod held;
mod letting_go;
mod seeing;

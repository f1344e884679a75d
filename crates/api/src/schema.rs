//! Schema fragments for types that aren't ours.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::bounds::DURATION;

/// A list of standard conditions, keyed by type, with the bounds and texts that the standard type leaves out.
pub fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 32,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the state of this object.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 63, "description": "Which aspect. The types are listed in docs/conditions.md."},
                "status": {"type": "string", "maxLength": 7, "pattern": "^(True|False|Unknown)$", "description": "Whether it is so: True, False or Unknown."},
                "reason": {"type": "string", "maxLength": 63, "description": "Why, in one word out of a closed list. The reasons are listed in docs/conditions.md."},
                "message": {"type": "string", "maxLength": 4096, "description": "What is so, why, and what to do, for a person."},
                "lastTransitionTime": {"type": "string", "format": "date-time", "description": "When the status last changed."},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0, "description": "The metadata.generation that this condition speaks about."},
            },
        },
    })
}

/// A duration as Go writes it: `5m`, `24h`, `1h30m`.
pub fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "maxLength": 32, "pattern": DURATION })
}

//! CEL rules used by more than one kind.

use kube::core::Rule;

/// Names become label values, and the name part of label keys.
pub fn name_fits_a_label() -> Rule {
    Rule::new("size(self.metadata.name) <= 63")
        .message("metadata.name is longer than 63 characters, and it has to fit into a label: choose a shorter name")
}

/// Credentials travel with every request, so only https, except on this very machine.
pub fn endpoint_is_safe() -> Rule {
    Rule::new(r"self.matches('^https://[^\\s@/?#]+(/[^\\s@?#]*)?$') || self.matches('^http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]+)?(/[^\\s@?#]*)?$')")
        .message("the endpoint must be an https URL without user, query or fragment, because credentials travel with every request (http is accepted for 127.0.0.1, localhost and [::1] only): write it as https://host/path")
}

//! Recording a change before it is sent, so that a crash at any moment leaves a trace of it. I8.

use super::{Step, View, unmarked};
use crate::api::shared::{ChangeStep, Intent};

/// The step itself when it changes nothing or is recorded already; otherwise the note that precedes it. A creation needs no
/// note where the object itself carries our claim.
pub fn written_down(view: &View<'_>, step: Step) -> Step {
    if let Step::Create {
        document, fields, ..
    } = &step
        && unmarked::is_noted_before(view)
    {
        let noted = |intent: &Intent| intent.step == ChangeStep::Create;
        return if view.progress.intent.as_ref().is_some_and(noted) {
            step
        } else {
            Step::RecordIntent(unmarked::intent(view, document, fields.clone()))
        };
    }
    let Some((kind, fields)) = step
        .mutation()
        .filter(|(kind, _)| *kind != ChangeStep::Create)
    else {
        return step;
    };
    let noted = |intent: &Intent| intent.step == kind && intent.fields == fields;
    if view.progress.intent.as_ref().is_some_and(noted) {
        return step;
    }
    Step::RecordIntent(Intent {
        id: format!("{}-{}", view.declared.generation, view.now().as_second()),
        step: kind,
        at: view.now().round(jiff::Unit::Second).unwrap_or(view.now()),
        fields,
        operation: None,
        parent: None,
        names: Vec::new(),
        request_hash: None,
    })
}

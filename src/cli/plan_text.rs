//! A plan for people: a line for each action, what is refused and why, and the totals.

use std::fmt::Write as _;

use super::terminal;
use crate::preview::{Action, ActionKind, Change, Ending, Preview, QuotaChange, Row};

/// Fields of a creation that are shown; JSON has them all.
const FIELDS_SHOWN: usize = 6;

/// The whole text.
pub fn text(preview: &Preview) -> String {
    let mut text = String::new();
    let told: Vec<&Row> = preview
        .objects
        .iter()
        .filter(|row| !row.is_unchanged())
        .collect();
    let width = told
        .iter()
        .map(|row| title(row).len())
        .max()
        .unwrap_or_default();
    for row in told {
        for (first, rest) in lines(row) {
            let rest = terminal::line(&rest);
            let _ = writeln!(text, "{:width$}  {first:15}  {rest}", title(row));
        }
    }
    if !preview.quotas.is_empty() {
        let _ = writeln!(text, "\n{}", quotas(&preview.quotas).trim_end());
    }
    for note in &preview.notes {
        let note = terminal::line(note.trim_end_matches('.'));
        let _ = writeln!(text, "\nNote: {note}.");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", totals(preview));
    text
}

fn title(row: &Row) -> String {
    terminal::line(&format!("{}/{}", row.kind.to_lowercase(), row.name))
}

/// The description of a row: a word, and the text after it.
fn lines(row: &Row) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for action in &row.actions {
        lines.extend(of_action(action));
    }
    match &row.ending {
        Ending::Refused { rule, message } => {
            let named = message.contains(&format!("(rule {rule})"));
            let rule = if named {
                String::new()
            } else {
                format!(" ({rule})")
            };
            lines.push(("REFUSED", format!("{message}{rule}")));
        }
        Ending::Waiting { message, .. } => lines.push(("waits", message.clone())),
        Ending::Settled => {}
    }
    if !row.actions.is_empty() {
        lines.extend(row.remarks.iter().map(|remark| ("note", remark.clone())));
    }
    lines
}

fn of_action(action: &Action) -> Vec<(&'static str, String)> {
    let word = action.action.as_str();
    let id = action.external_id.as_deref().unwrap_or_default();
    match action.action {
        ActionKind::Create => {
            let told: Vec<String> = action.fields.iter().take(FIELDS_SHOWN).map(new).collect();
            let more = match action.fields.len().saturating_sub(FIELDS_SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            vec![(word, told.join(", ") + &more)]
        }
        ActionKind::Adopt => vec![(word, format!("{id}, unchanged"))],
        ActionKind::Delete => vec![(word, format!("{id}, with its data"))],
        ActionKind::Release => vec![(word, format!("{id} stays on the platform unchanged"))],
        ActionKind::Suspend | ActionKind::Activate | ActionKind::SendWelcomeMail => {
            vec![(word, id.to_owned())]
        }
        ActionKind::Update | ActionKind::Move | ActionKind::MoveClient => {
            let reverts = if action.reverts {
                "  (changed on the platform)"
            } else {
                ""
            };
            action
                .fields
                .iter()
                .map(|change| (word, difference(change) + reverts))
                .collect()
        }
    }
}

fn new(change: &Change) -> String {
    format!("{}: {}", change.field, change.to.as_deref().unwrap_or("-"))
}

fn difference(change: &Change) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    format!(
        "{}: {} -> {}",
        change.field,
        shown(&change.from),
        shown(&change.to)
    )
}

/// The resellers with figures that change.
fn quotas(rows: &[QuotaChange]) -> String {
    let head = ["RESELLER", "MEASURE", "ALLOTTED", "GRANTED", "FREE"].map(str::to_owned);
    let both = |[before, after]: &[Option<String>; 2]| {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        if before == after {
            shown(after)
        } else {
            format!("{} -> {}", shown(before), shown(after))
        }
    };
    let mut table = vec![head];
    table.extend(rows.iter().map(|row| {
        [
            row.reseller.clone(),
            row.measure.clone(),
            both(&row.allotted),
            both(&row.granted),
            both(&row.free),
        ]
        .map(|cell| terminal::line(&cell))
    }));
    let mut widths = [0; 5];
    for row in &table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut text = String::new();
    for row in &table {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(text, "{}", cells.join("   ").trim_end());
    }
    text
}

fn totals(preview: &Preview) -> String {
    let order = [
        ("create", "to create"),
        ("adopt", "to adopt"),
        ("update", "to update"),
        ("move", "to move"),
        ("suspend", "to suspend"),
        ("activate", "to activate"),
        ("moveClient", "clients to move"),
        ("sendWelcomeMail", "mails to send"),
        ("delete", "to delete"),
        ("release", "to release"),
        ("refused", "refused"),
        ("waiting", "waiting"),
        ("unchanged", "unchanged"),
    ];
    let told: Vec<String> = order
        .iter()
        .filter_map(|(word, shown)| {
            let count = preview.totals.get(word)?;
            Some(format!("{count} {shown}"))
        })
        .collect();
    if preview.unknown() > 0 {
        format!(
            "No whole plan, since a platform couldn't be observed: {}.",
            told.join(", ")
        )
    } else if preview.has_changes() || preview.has_refusals() {
        format!("Plan: {}.", told.join(", "))
    } else {
        format!("Nothing changes on the platform: {}.", told.join(", "))
    }
}

//! Charts as SVG inside the page: bars whose lengths are shares of the width, so that they fit a phone and paper, with a title,
//! a description and labels for those who don't see them.

use std::fmt::Write as _;

use super::escape::escaped;

/// One bar.
pub struct Bar {
    /// Whose.
    pub label: String,
    /// Its length, in any unit.
    pub amount: u64,
    /// What it amounts to, for people.
    pub shown: String,
}

/// Pixels a bar takes, with its label above.
const STEP: usize = 38;
/// Those of them that are between it and the next.
const GAP: usize = 7;

/// Bars one below the other, with the text that says the same.
pub fn bars(id: &str, title: &str, bars: &[Bar]) -> String {
    if bars.is_empty() {
        return format!(
            "<figure><figcaption><h3>{}</h3><p>There are no figures.</p></figcaption></figure>\n",
            escaped(title)
        );
    }
    let most = bars.iter().map(|bar| bar.amount).max().unwrap_or(0).max(1);
    let listed: Vec<String> = bars
        .iter()
        .map(|bar| format!("{}: {}", bar.label, bar.shown))
        .collect();
    let mut text = format!(
        "<figure><figcaption><h3>{title}</h3></figcaption>\n<svg role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" width=\"100%\" height=\"{height}\">\n<title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{described}</desc>\n",
        title = escaped(title),
        height = bars.len() * STEP - GAP,
        described = escaped(&listed.join("; ")),
    );
    for (at, bar) in bars.iter().enumerate() {
        let top = at * STEP;
        // Tenths of a percent, without floating point; what is there is seen.
        let share = u128::from(bar.amount) * 1000 / u128::from(most);
        let share = if bar.amount > 0 { share.max(4) } else { 0 };
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            "<text x=\"0\" y=\"{label}\">{name}</text><text class=\"figure\" x=\"100%\" y=\"{label}\" text-anchor=\"end\">{shown}</text><rect class=\"track\" x=\"0\" y=\"{bar_top}\" width=\"100%\" height=\"10\" rx=\"3\"/><rect class=\"bar\" x=\"0\" y=\"{bar_top}\" width=\"{whole}.{tenth}%\" height=\"10\" rx=\"3\"/>",
            label = top + 15,
            name = escaped(&short(&bar.label)),
            shown = escaped(&bar.shown),
            bar_top = top + 21,
            whole = share / 10,
            tenth = share % 10,
        );
    }
    text.push_str("</svg></figure>\n");
    text
}

/// So much of a label as fits beside its figure.
fn short(label: &str) -> String {
    const FITS: usize = 28;
    if label.chars().count() <= FITS {
        return label.to_owned();
    }
    let begin: String = label.chars().take(FITS - 1).collect();
    format!("{begin}…")
}

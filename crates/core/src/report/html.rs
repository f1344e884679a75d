//! One page without anything from elsewhere: no script, no picture, no font. Serves R-D40.

use std::fmt::Write as _;

use super::{
    cell::Cell,
    chart::{Bar, bars},
    columns::Subject,
    escape::escaped,
    make::{Group, Heading, Report, Table},
};

const STYLE: &str = include_str!("style.css");

/// Columns of names that aren't broken into lines where there is room to scroll.
const RESOURCES: [&str; 6] = ["month", "namespace", "name", "platform", "reseller", "sku"];

/// The column that says of how many it can be judged whether they meet their objective.
const HELD: &str = "dataSourcesHeld";

/// Nothing is loaded and nothing runs, whatever a name says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page.
pub fn html(report: &Report) -> String {
    page(title(report.subject), &about(report), |page| {
        tiles(page, report);
        match (report.subject, &report.sources) {
            (Subject::Health | Subject::Sources, Some(sources)) => {
                let caption = sources_caption(report, sources);
                section(page, "Data sources", &caption, |page| {
                    table(page, sources, None, "source");
                });
            }
            _ => charts(page, report),
        }
        if report.subject != Subject::Sources {
            customers(page, report);
        }
    })
}

/// A whole page around its body.
pub(super) fn page(title: &str, about: &str, body: impl FnOnce(&mut String)) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p class=\"about\">{about}</p>\n",
        title = escaped(title),
        about = escaped(about),
    );
    body(&mut page);
    page.push_str("<footer><p>Made by holdfast report. Sizes are binary (1 Ki is 1024 bytes), times are UTC. A dash means that nothing is known.</p></footer>\n</main>\n</body>\n</html>\n");
    page
}

/// The customers, and their sums.
fn customers(page: &mut String, report: &Report) {
    let caption = format!(
        "{} customers, {}.",
        report.table.rows.len(),
        order(report.subject)
    );
    section(page, "Customers", &caption, |page| {
        table(page, &report.table, Some(&report.total), "customer");
    });
    let headings = &report.table.headings;
    for (title, kind, groups) in [
        ("By reseller", "reseller", &report.by_reseller),
        ("By platform", "platform", &report.by_platform),
    ] {
        sums(page, title, kind, headings, groups);
    }
}

fn title(subject: Subject) -> &'static str {
    match subject {
        Subject::Usage => "Backup consumption",
        Subject::Customers => "Backup customers",
        Subject::Health => "Backup health",
        Subject::Sources => "Data sources",
    }
}

fn about(report: &Report) -> String {
    let when = match (&report.period.from, &report.period.to, report.subject) {
        (None, None, Subject::Usage) => "Storage as last reported, credits of 90 days".to_owned(),
        (None, None, Subject::Customers) => "All customers".to_owned(),
        (None, None, Subject::Health | Subject::Sources) => "The last 30 days".to_owned(),
        (from, to, _) => format!(
            "Whole months, {} to {}",
            from.as_ref()
                .map_or("the first known", super::Month::as_str),
            to.as_ref().map_or("now", super::Month::as_str),
        ),
    };
    let filters = report
        .filters
        .iter()
        .map(|(name, value)| format!("; {name} {value}"));
    format!(
        "{when}{}. {}. Made {}.",
        filters.collect::<String>(),
        report.basis.told(),
        Cell::Time(report.at).shown()
    )
}

fn order(subject: Subject) -> &'static str {
    match subject {
        Subject::Usage => "those that store most first",
        Subject::Customers => "by name",
        Subject::Health | Subject::Sources => "those with most to mend first",
    }
}

fn sources_caption(report: &Report, sources: &Table) -> String {
    format!(
        "{} of the {} data sources named here miss what their plan promises; they come first. {}",
        report.missed,
        sources.rows.len(),
        report.basis.which_sources(),
    )
}

/// The sums at a glance.
fn tiles(page: &mut String, report: &Report) {
    page.push_str("<dl class=\"tiles\">\n");
    let mut tile = |title: &str, shown: &str| {
        // Writing to a String never fails.
        let _ = writeln!(
            page,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            escaped(title),
            escaped(shown)
        );
    };
    tile("Customers", &report.total.customers.to_string());
    if report.subject != Subject::Customers {
        tile("With figures", &report.total.known.to_string());
    }
    let sums = report.table.headings.iter().zip(&report.total.sums);
    let held = sums.clone().find(|(heading, _)| heading.name == HELD);
    let held = held.map(|(_, held)| held.shown());
    for (heading, sum) in sums.filter(|(heading, _)| heading.name != HELD) {
        // Those that can't be judged neither meet it nor miss it.
        let of = held
            .as_ref()
            .filter(|_| heading.name == "dataSourcesMeeting");
        let shown = of.map_or_else(|| sum.shown(), |held| format!("{} of {held}", sum.shown()));
        if *sum != Cell::Empty {
            tile(&sentence(heading.title), &shown);
        }
    }
    if report.sources.is_some() {
        tile("Missing it", &report.missed.to_string());
    }
    page.push_str("</dl>\n");
}

/// A heading in capitals as a word of a sentence.
fn sentence(title: &str) -> String {
    match title {
        "OK" => "Successful".to_owned(),
        "MEETING" => "Meeting objective".to_owned(),
        title => {
            let (first, rest) = title.split_at(1);
            format!("{first}{}", rest.to_lowercase())
        }
    }
}

fn charts(page: &mut String, report: &Report) {
    if report.subject != Subject::Usage {
        return;
    }
    let stored = |label: &str, bytes: u64| Bar {
        label: label.to_owned(),
        amount: bytes,
        shown: Cell::Size(bytes).shown(),
    };
    let months = report.months.iter();
    let storage: Vec<Bar> = months
        .clone()
        .filter_map(|(month, figures)| Some(stored(month, figures.storage?)))
        .collect();
    let credits = months.filter_map(|(month, figures)| {
        let milli = figures.credits?;
        Some(Bar {
            label: month.clone(),
            amount: milli,
            shown: Cell::Credits(milli).shown(),
        })
    });
    let credits: Vec<Bar> = credits.collect();
    let top: Vec<Bar> = report
        .top
        .iter()
        .map(|(name, bytes)| stored(name, *bytes))
        .collect();
    let resellers: Vec<Bar> = report
        .resellers
        .iter()
        .map(|(name, bytes)| {
            let name = if name.is_empty() { "no reseller" } else { name };
            stored(name, *bytes)
        })
        .collect();
    page.push_str("<h2>At a glance</h2>\n<div class=\"charts\">\n");
    page.push_str(&bars("storage", "Most stored, by month", &storage));
    page.push_str(&bars("credits", "Credits used, by month", &credits));
    page.push_str(&bars("top", "Customers that store most", &top));
    page.push_str(&bars("resellers", "Storage, by reseller", &resellers));
    page.push_str("</div>\n");
}

pub(super) fn section(
    page: &mut String,
    title: &str,
    caption: &str,
    body: impl FnOnce(&mut String),
) {
    let _ = write!(
        page,
        "<section>\n<h2>{title}</h2>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{title}\">\n<table>\n<caption><span>{caption}</span></caption>\n",
        title = escaped(title),
        caption = escaped(caption),
    );
    body(page);
    page.push_str("</table>\n</div>\n</section>\n");
}

/// Headings, rows and the sum below them. The cell of the column `head` is the head of its row.
pub(super) fn table(page: &mut String, table: &Table, total: Option<&Group>, head: &str) {
    page.push_str("<thead><tr>");
    let figures: Vec<bool> = (0..table.headings.len())
        .map(|at| table.rows.iter().map(|row| &row[at]).any(Cell::is_figure))
        .collect();
    for (heading, figure) in table.headings.iter().zip(&figures) {
        let class = if *figure { " class=\"n\"" } else { "" };
        let _ = write!(
            page,
            "<th scope=\"col\"{class} title=\"{}\">{}</th>",
            escaped(heading.doc),
            escaped(heading.title)
        );
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    let head = table
        .headings
        .iter()
        .position(|heading| heading.name == head)
        .unwrap_or(0);
    for row in &table.rows {
        page.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let missed = table.headings[at].name == "missed" && *cell != Cell::List(Vec::new());
            let dated = matches!(cell, Cell::Time(_) | Cell::Day(_));
            let class = match (figures[at], missed) {
                (true, _) => " class=\"n\"",
                _ if dated => " class=\"d\"",
                (_, true) => " class=\"missed\"",
                _ if RESOURCES.contains(&table.headings[at].name) => " class=\"k\"",
                _ => "",
            };
            let (open, close) = if at == head {
                ("th scope=\"row\"", "th")
            } else {
                ("td", "td")
            };
            let shown = match cell {
                Cell::List(words) if !words.is_empty() => words.join(", "),
                cell => cell.shown(),
            };
            let shown = escaped(&shown);
            let _ = write!(page, "<{open}{class}>{shown}</{close}>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n");
    if let Some(total) = total {
        page.push_str("<tfoot><tr>");
        for (at, (sum, figure)) in total.sums.iter().zip(&figures).enumerate() {
            let class = if *figure { " class=\"n\"" } else { "" };
            let shown = if *sum == Cell::Empty {
                String::new()
            } else {
                sum.shown()
            };
            let _ = match at {
                0 if shown.is_empty() => write!(page, "<th scope=\"row\">Total</th>"),
                0 => write!(
                    page,
                    "<th scope=\"row\"{class}>Total: {}</th>",
                    escaped(&shown)
                ),
                _ => write!(page, "<td{class}>{}</td>", escaped(&shown)),
            };
        }
        page.push_str("</tr></tfoot>\n");
    }
}

fn whose<'a>(group: &'a Group, none: &'a str) -> &'a str {
    if group.name.is_empty() {
        none
    } else {
        &group.title
    }
}

/// Sums by reseller or platform.
fn sums(page: &mut String, title: &str, kind: &str, headings: &[Heading], groups: &[Group]) {
    let summed: Vec<usize> = (0..headings.len())
        .filter(|at| groups.iter().any(|group| group.sums[*at] != Cell::Empty))
        .collect();
    let caption = format!("Each customer counts once, with the {kind} directly in charge.");
    let caption = if kind == "platform" {
        String::from("Each customer counts once.")
    } else {
        caption
    };
    section(page, title, &caption, |page| {
        let _ = write!(
            page,
            "<thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"n\">CUSTOMERS</th><th scope=\"col\" class=\"n\">WITH FIGURES</th>",
            kind.to_uppercase()
        );
        for at in &summed {
            let _ = write!(
                page,
                "<th scope=\"col\" class=\"n\">{}</th>",
                escaped(headings[*at].title)
            );
        }
        page.push_str("</tr></thead>\n<tbody>\n");
        for group in groups {
            let name = whose(group, "none");
            let _ = write!(
                page,
                "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>",
                escaped(name),
                group.customers,
                group.known
            );
            for at in &summed {
                let _ = write!(
                    page,
                    "<td class=\"n\">{}</td>",
                    escaped(&group.sums[*at].shown())
                );
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody>\n");
    });
}

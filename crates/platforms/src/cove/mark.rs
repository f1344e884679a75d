//! Our claim in the customer reference (`ExternalCode`), the only free text that a partner has: behind a bar, as tools for
//! ticketing systems do it, with everything else in it kept byte for byte; and in the name of a partner that was just made.

use crate::estate::Claim;

/// What separates our claim from the rest.
const BAR: char = '|';

/// Whether a text is a claim of Holdfast, ours or another's.
fn is_claim(text: &str) -> bool {
    let coded = text.strip_prefix("hf-");
    coded.is_some_and(|coded| {
        coded.len() == 26
            && coded
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    })
}

/// A customer reference, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reference {
    /// What others have written, byte for byte.
    pub(super) foreign: String,
    /// The claim in it.
    pub(super) claim: Option<Claim>,
}

impl Reference {
    /// Takes a customer reference apart. The claim may stand anywhere: other tools append, too.
    pub(super) fn read(code: &str) -> Self {
        let parts: Vec<&str> = code.split(BAR).collect();
        let Some(at) = parts.iter().position(|part| is_claim(part.trim())) else {
            return Self {
                foreign: code.to_owned(),
                claim: None,
            };
        };
        let claim = Claim::new(parts[at].trim());
        let others: Vec<&str> = parts
            .iter()
            .enumerate()
            .filter_map(|(place, part)| (place != at).then_some(*part))
            .collect();
        Self {
            foreign: others.join("|"),
            claim: Some(claim),
        }
    }

    /// The customer reference as it is written; `None` where it would be empty, which isn't known to be possible.
    pub(super) fn written(&self) -> Option<String> {
        match (&self.claim, self.foreign.is_empty()) {
            (None, true) => None,
            (None, false) => Some(self.foreign.clone()),
            (Some(claim), true) => Some(claim.to_string()),
            (Some(claim), false) => Some(format!("{}{BAR}{claim}", self.foreign)),
        }
    }

    /// Whether N-able's N-central manages the partner: at least ten characters, a dash, and a GUID. Other tools may have
    /// appended to it. Source: the filters of scripts by an employee of the vendor.
    pub(super) fn is_of_n_central(&self) -> bool {
        self.foreign.split(BAR).any(is_of_n_central)
    }
}

fn is_of_n_central(part: &str) -> bool {
    let Some((before, guid)) = part.trim().rsplit_once(" - ") else {
        return false;
    };
    let groups: Vec<&str> = guid.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    before.chars().count() >= 10
        && lengths == [8, 4, 4, 4, 12]
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The name under which a partner is created: a second request gives it its own.
pub(super) fn provisional(name: &str, claim: &Claim) -> String {
    format!("{name} [{claim}]")
}

/// The claim in such a name, also where the service has appended something to it, as it does to names of resellers.
pub(super) fn claim_in(name: &str) -> Option<Claim> {
    let begins = name
        .rmatch_indices(" [")
        .map(|(place, opening)| place + opening.len());
    let mut within = begins.filter_map(|begin| name.get(begin..)?.split_once(']'));
    within.find_map(|(text, _)| is_claim(text).then(|| Claim::new(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: &str = "hf-abcdefghijklmnopqrstuvwxyz";

    #[test]
    fn what_others_have_written_stays_byte_for_byte() {
        for foreign in ["CWM:4711", " CWM:4711 | PSA 7 ", "a|b|", "|", "hf-short"] {
            let read = Reference::read(foreign);
            assert_eq!((read.foreign.as_str(), &read.claim), (foreign, &None));
            let marked = Reference {
                claim: Some(Claim::new(CLAIM)),
                ..read
            };
            let written = marked.written().expect("something");
            assert_eq!(Reference::read(&written), marked, "{written}");
        }
        let appended = Reference::read(&format!("CWM:1|{CLAIM} | PSA:2"));
        assert_eq!(appended.foreign, "CWM:1| PSA:2");
        assert_eq!(appended.claim, Some(Claim::new(CLAIM)));
        assert_eq!(Reference::read("").written(), None);
        assert_eq!(Reference::read(CLAIM).written().as_deref(), Some(CLAIM));
    }

    #[test]
    fn n_central_is_recognised_by_the_form_alone() {
        let of = |code: &str| Reference::read(code).is_of_n_central();
        assert!(of("0123456789abc - 0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert!(!of("short - 0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert!(!of("0123456789abc - 4711"));
        assert!(of(
            "0123456789abc - 0f8fad5b-d9cb-469f-a165-70867728950e|CWM:4711"
        ));
        assert!(!of("CWM:4711"));
    }

    #[test]
    fn a_name_that_was_given_first_tells_its_claim() {
        let claim = Claim::new(CLAIM);
        let name = provisional("Fabrikam [DE]", &claim);
        assert_eq!(claim_in(&name), Some(claim.clone()));
        let appended = format!("{name} (ops@fabrikam.example)");
        assert_eq!(claim_in(&appended), Some(claim));
        assert_eq!(claim_in("Fabrikam [DE]"), None);
        assert_eq!(claim_in("Fabrikam"), None);
    }
}

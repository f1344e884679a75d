//! When a tenant's quota is in effect: one answer for the ledger and for status.

use jiff::Timestamp;

use crate::{api::Moment, estate::Settings};

/// From when and until when a quota is in effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    from: Option<Moment>,
    until: Option<Moment>,
}

/// Where an instant lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It hasn't begun. What is granted for it is kept free.
    Ahead,
    /// It is in effect.
    InEffect,
    /// It has ended, and takes nothing any more.
    Over,
}

impl Window {
    /// Of what a platform's object holds. R-D33: a quota ends on its own date, and with the licence.
    pub fn of(settings: &Settings) -> Self {
        Self::read(|path| settings.text(path))
    }

    /// Of what a spec says, and of what the platform holds where it says nothing.
    pub fn of_spec(spec: &Settings, held: Option<&Settings>) -> Self {
        Self::read(|path| match spec.get(path) {
            Some(_) => spec.text(path),
            None => held.and_then(|held| held.text(path)),
        })
    }

    fn read<'a>(text: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        let instant = |path| text(path).and_then(Moment::parse);
        let ends = [instant("quota.endsAt"), instant("licenceExpiresAt")];
        Self {
            from: instant("quota.effectiveAt"),
            until: ends.into_iter().flatten().min(),
        }
    }

    /// Where an instant lies.
    pub fn phase(self, now: Timestamp) -> Phase {
        let now = Moment::At(now);
        if self.until.is_some_and(|until| until <= now) {
            Phase::Over
        } else if self.from.is_some_and(|from| from > now) {
            Phase::Ahead
        } else {
            Phase::InEffect
        }
    }

    /// When that changes next, by the clock alone.
    pub fn next_change(self, now: Timestamp) -> Option<Timestamp> {
        match self.phase(now) {
            Phase::Ahead => self.from?.time(),
            Phase::InEffect => self.until?.time(),
            Phase::Over => None,
        }
    }

    /// When it will be over.
    pub fn ends(self, now: Timestamp) -> Option<Timestamp> {
        self.until?.time().filter(|until| *until > now)
    }
}

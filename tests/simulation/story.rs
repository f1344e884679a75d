//! What happens in one run, decided beforehand by the seed: what users, consoles, processes and the weather do, and when.

use std::{fmt, time::Duration};

use crate::{
    cast::{CAST, Role, Spec, phone, spec},
    chance::Chance,
    platform::{Nature, Texts, Unsaid, Weather},
    processes::When,
};
use holdfast_core::estate::Creation;

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Act {
    /// A user applies a resource with this spec.
    Apply(Role, Spec),
    /// A user deletes a resource.
    Delete(Role),
    /// A user brings back, from a backup, what was deleted last: without its status, with its finalizers or without.
    Restore(Role, bool),
    /// A user takes our annotation off.
    Unmark(Role),
    /// A user takes our labels off, or writes another value into one of them.
    Relabel(Role, bool),
    /// A user strips all finalizers, and deletes.
    Strip(Role),
    /// A user asks for a new object in place of one that has gone.
    Recreate(Role),
    /// A user sets how the whole platform is managed.
    Manage(&'static str),
    /// A user sets how many deletions may begin within an hour.
    Safety(u64),
    /// A user deletes the Secret with the credential, or brings it back.
    Secret(bool),
    /// A user deletes the namespace with everything in it.
    EndNamespace,
    /// A person at the console edits an object.
    ConsoleEdit(String),
    /// A person at the console removes an object.
    ConsoleDelete,
    /// A person at the console switches one off or on.
    ConsoleSwitch(bool),
    /// An object can't be read any more, or can be again.
    Spoil(bool),
    /// An operator is killed; it is started again under the same or another identity.
    Kill(usize),
    Start(usize),
    /// An operator dies at the n-th changing request from now on, to the API server or to the platform.
    KillAt {
        operator: usize,
        requests: u64,
        when: When,
    },
    /// What an operator sends and receives waits until it rejoins.
    Isolate(usize),
    Rejoin(usize),
    /// The clocks on the wall are set by so many seconds.
    Clock(i64),
    /// An operator ends in order.
    Stop(usize),
    /// The platform's faults from now on.
    Platform(Weather),
    /// The API server's faults from now on: per mille of the requests that fail, and that are carried out and not answered;
    /// and the greatest delay of a watch.
    Cluster {
        fails: u64,
        loses: u64,
        delay: Duration,
    },
    /// Every watch is closed; with a gap they have to list again.
    CloseWatches(bool),
    /// A request for a sweep.
    Sweep,
}

/// One run.
#[derive(Clone)]
pub struct Story {
    pub seed: u64,
    pub nature: Nature,
    pub operators: usize,
    pub acts: Vec<(Duration, Act)>,
}

/// One line for each thing that happens.
impl fmt::Debug for Story {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "seed {}, {} operators, {:?}",
            self.seed, self.operators, self.nature
        )?;
        let mut acts = self.acts.iter();
        acts.try_for_each(|(pause, act)| writeln!(out, "{pause:?}: {act:?}"))
    }
}

impl Story {
    /// The story of a seed.
    pub fn of(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let creations = [
            Creation::ByReference,
            Creation::AskFirst,
            Creation::UniqueName,
            Creation::ListAndMark,
        ];
        let creation = *chance.pick(&creations);
        let texts = [
            Texts::AsSent,
            Texts::AsSent,
            Texts::Trimmed,
            Texts::UpperCase,
            Texts::SingleBlanks,
        ];
        let mut texts = *chance.pick(&texts);
        // A name in another form carries no claim any more, and is no longer the name.
        if !matches!(creation, Creation::ByReference | Creation::AskFirst) {
            texts = Texts::AsSent;
        }
        let silent = Chance::new(seed ^ 0x511e);
        let listed = creation == Creation::ListAndMark;
        let nature = Nature {
            creation,
            texts,
            ignores: chance.hits(150).then_some("profile.website"),
            lists_lag: Duration::from_secs(chance.below(4) * chance.below(8)),
            suspends: chance.hits(700),
            // Without a claim on it, the object of a re-used id is told from ours by its name alone, which may have changed.
            reuses_ids: matches!(creation, Creation::ByReference | Creation::AskFirst)
                && chance.hits(400),
            unsaid: Unsaid {
                names_unique: listed && silent.hits(500),
                marks_new: listed && silent.hits(500),
            },
        };
        let operators = 1 + usize::try_from(chance.below(3)).expect("small");
        let length = 16 + chance.below(40);
        let mut acts: Vec<(Duration, Act)> = (0..length)
            .map(|_| (pause(&chance), act(&chance, operators)))
            .collect();
        // What others refer to is there in most stories.
        for role in CAST.into_iter().take(3).filter(|_| chance.hits(700)) {
            acts.insert(0, (pause(&chance), Act::Apply(role, spec(role, &chance))));
        }
        if chance.hits(40) {
            acts.push((pause(&chance), Act::EndNamespace));
        }
        Self {
            seed,
            nature,
            operators,
            acts,
        }
    }
}

fn pause(chance: &Chance) -> Duration {
    let pause = if chance.hits(300) {
        chance.below(400)
    } else {
        chance.below(30_000)
    };
    Duration::from_millis(pause)
}

fn act(chance: &Chance, operators: usize) -> Act {
    let role = *chance.pick(&CAST);
    let operator = usize::try_from(chance.below(operators as u64)).expect("small");
    match chance.below(100) {
        0..34 => Act::Apply(role, spec(role, chance)),
        34..42 => Act::Delete(role),
        42..45 => Act::Restore(role, chance.hits(500)),
        45 => Act::Unmark(role),
        46 => Act::Relabel(role, chance.hits(500)),
        47..49 => Act::Strip(role),
        49 => Act::Recreate(role),
        50 => Act::Manage(chance.pick::<&str>(&["Manage", "Observe", "Paused"])),
        51..56 => Act::ConsoleEdit(phone(chance)),
        56 => Act::Spoil(chance.hits(600)),
        57..60 => Act::ConsoleDelete,
        60..63 => Act::ConsoleSwitch(chance.hits(500)),
        63..65 => Act::Kill(operator),
        65..70 => Act::KillAt {
            operator,
            requests: chance.below(12),
            when: if chance.hits(500) {
                When::Before
            } else {
                When::After
            },
        },
        70..75 => Act::Start(operator),
        75..77 => Act::Isolate(operator),
        77 => Act::Rejoin(operator),
        78..80 => Act::Stop(operator),
        80..88 => Act::Platform(weather(chance)),
        88..94 => Act::Cluster {
            fails: chance.below(150),
            loses: chance.below(100),
            delay: Duration::from_millis(chance.below(3000)),
        },
        94..96 => Act::CloseWatches(chance.hits(500)),
        96 => Act::Clock(i64::try_from(chance.below(7200)).expect("small") - 3600),
        97 => Act::Safety(*chance.pick(&[0, 1, 2, 1000])),
        98 => Act::Secret(chance.hits(500)),
        _ => Act::Sweep,
    }
}

fn weather(chance: &Chance) -> Weather {
    let rate = |most: u64| {
        if chance.hits(500) {
            chance.below(most)
        } else {
            0
        }
    };
    Weather {
        refuses: rate(400),
        loses: rate(300),
        late: rate(300),
        slow: Duration::from_millis(rate(7000)),
        queues: Duration::from_millis(rate(25_000)),
        garbles: rate(200),
        partial: rate(300),
    }
}

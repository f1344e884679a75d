//! The operators' processes as the network sees them: alive, cut off for good, isolated for a while, or due to die at a request.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// How long a process that was isolated may need until its watches have told it everything.
const CATCHING_UP: Duration = Duration::from_secs(15);

/// On which side of a request a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The request is never sent.
    Before,
    /// It is carried out, and nobody learns of the answer.
    After,
}

#[derive(Default)]
struct State {
    cut: BTreeSet<String>,
    isolated: BTreeSet<String>,
    /// Since when, or when it was isolated last, and until when.
    isolations: BTreeMap<String, (Instant, Option<Instant>)>,
    /// By process: the changing requests that are left to it, and how it dies at the last one.
    fuses: BTreeMap<String, (u64, When)>,
    died: usize,
}

/// All processes. Clones are the same ones.
#[derive(Clone)]
pub struct Processes {
    state: Arc<Mutex<State>>,
    woken: watch::Sender<()>,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            state: Arc::default(),
            woken: watch::channel(()).0,
        }
    }
}

impl Processes {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }

    /// From now on nothing of this process is heard, and it hears nothing.
    pub fn cut(&self, actor: &str) {
        self.lock().cut.insert(actor.to_owned());
    }

    pub fn is_cut(&self, actor: &str) -> bool {
        self.lock().cut.contains(actor)
    }

    /// What this process sends and receives waits until it is isolated no more.
    pub fn isolate(&self, actor: &str) {
        let mut state = self.lock();
        if state.isolated.insert(actor.to_owned()) {
            let isolation = (Instant::now(), None);
            state.isolations.insert(actor.to_owned(), isolation);
        }
    }

    /// What has waited goes on.
    pub fn rejoin(&self, actor: &str) {
        let mut state = self.lock();
        if state.isolated.remove(actor)
            && let Some((_, until)) = state.isolations.get_mut(actor)
        {
            *until = Some(Instant::now());
        }
        drop(state);
        self.woken.send_replace(());
    }

    /// How much older than usual what this process knows may be, because it is isolated or was until a moment ago.
    pub fn staleness(&self, actor: &str) -> Duration {
        let state = self.lock();
        match state.isolations.get(actor) {
            Some((since, until)) if until.is_none_or(|until| until.elapsed() < CATCHING_UP) => {
                since.elapsed()
            }
            _ => Duration::ZERO,
        }
    }

    /// The process dies at the n-th changing request from now, to the API server or to the platform.
    pub fn die_at(&self, actor: &str, requests: u64, when: When) {
        self.lock().fuses.insert(actor.to_owned(), (requests, when));
    }

    /// The process dies at no request any more.
    pub fn live_on(&self, actor: &str) {
        self.lock().fuses.remove(actor);
    }

    /// How many have died at a request.
    pub fn died(&self) -> usize {
        self.lock().died
    }

    /// Waits while the process is isolated, and for ever when it is cut off.
    pub async fn reachable(&self, actor: &str) {
        let mut woken = self.woken.subscribe();
        loop {
            woken.mark_unchanged();
            let (cut, isolated) = {
                let state = self.lock();
                (state.cut.contains(actor), state.isolated.contains(actor))
            };
            if cut {
                std::future::pending::<()>().await;
            }
            if !isolated {
                return;
            }
            let _ = woken.changed().await;
        }
    }

    /// Counts a changing request. `Some` when it is the last one: cut off at once when it dies before it, and for the caller
    /// to cut off when it has been carried out.
    pub fn count(&self, actor: &str) -> Option<When> {
        let mut state = self.lock();
        let (left, when) = state.fuses.get_mut(actor)?;
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let when = *when;
        state.fuses.remove(actor);
        state.died += 1;
        if when == When::Before {
            state.cut.insert(actor.to_owned());
        }
        Some(when)
    }
}

//! Progress bars on stderr, while a person is looking.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use innkeeper_engine::{Phase, Progress};

/// One bar for the phase that a cycle is in.
pub(crate) struct Bars {
    current: Mutex<Option<(Phase, ProgressBar)>>,
    visible: bool,
}

impl Bars {
    /// Bars, unless they are not wanted or stderr is not a terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            current: Mutex::new(None),
            visible: !quiet && stderr().is_terminal(),
        }
    }

    /// Takes the last bar away.
    pub(crate) fn clear(&self) {
        if let Some((_, bar)) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Phase, ProgressBar)>> {
        // A bar is only drawn; whatever a panicking thread left of it is good enough.
        self.current
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn at(&self, phase: Phase, done: u64, total: Option<u64>) {
        if !self.visible {
            return;
        }
        let mut current = self.lock();
        match &*current {
            Some((shown, bar)) if *shown == phase => bar.set_position(done),
            other => {
                if let Some((_, bar)) = other {
                    bar.finish_and_clear();
                }
                *current = Some((phase, bar(phase, done, total)));
            }
        }
    }
}

fn bar(phase: Phase, done: u64, total: Option<u64>) -> ProgressBar {
    let what = match phase {
        Phase::Guests => "reading guests",
        Phase::Sponsors => "reading sponsors",
        Phase::Groups => "reading groups",
        Phase::Verdicts => "judging guests",
        Phase::Steps => "carrying out steps",
    };
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template("{msg:>20} {bar:30} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.set_position(done);
    bar
}

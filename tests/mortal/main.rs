//! Innkeeper, with one more thing: it dies where it is told to, at the Nth boundary that it comes to.
//!
//! A boundary is the moment right before or right after a commit to the database or a request to Graph. Both are told of
//! by an event of their own, in the one place that commits and the one place that sends, so a new step has its
//! boundaries without being listed anywhere.
//!
//! `MORTAL_DIES_AT` is the number of the boundary; without it the process lives. `MORTAL_WRITES` names a file that gets
//! a line for each boundary passed.

use std::fmt::{Debug, Write as _};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

struct Fate {
    passed: Mutex<Passed>,
    dies_at: Option<u64>,
}

struct Passed {
    number: u64,
    file: Option<File>,
}

impl<S: Subscriber> Layer<S> for Fate {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut passed = self.passed.lock().expect("nobody panics here");
        passed.number += 1;
        let mut name = Name(String::new());
        event.record(&mut name);
        if let Some(file) = &mut passed.file {
            writeln!(file, "{}", name.0).expect("the file takes a line");
        }
        if self.dies_at == Some(passed.number) {
            // No destructor, no flush, no farewell to the database.
            std::process::abort();
        }
    }
}

struct Name(String);

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").expect("a string takes text");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a binary, and one for tests only"
)]
fn main() -> ExitCode {
    let dies_at = std::env::var("MORTAL_DIES_AT").ok();
    let writes = std::env::var("MORTAL_WRITES").ok();
    let fate = Fate {
        passed: Mutex::new(Passed {
            number: 0,
            file: writes.map(|path| {
                let file = OpenOptions::new().create(true).append(true).open(path);
                file.expect("the file can be written")
            }),
        }),
        dies_at: dies_at.map(|number| number.parse().expect("a number")),
    };
    let is_boundary = |of: &Metadata<'_>| of.target().ends_with("::boundary");
    tracing_subscriber::registry()
        .with(fate.with_filter(filter_fn(is_boundary)))
        .init();
    innkeeper::main()
}

//! Anchors: the head of a journal, written down where whoever can rewrite the database cannot.
//!
//! Invariants: what goes wrong here is told and never keeps a cycle from going on; it takes a bounded time whatever the
//! other side does, and little more once a stop is asked for. The webhook is sent no token.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use innkeeper_domain::journal::{Anchor, Anchors};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::{Journal, Webhook};
use crate::exit::UsageError;
use crate::hook;

/// How long a place may take, every attempt together.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may go on taking once a stop is asked for: the last anchor matters as much as the others.
const GRACE: Duration = Duration::from_secs(3);

/// Whose turn it is with the file: a disk that hangs holds one thread, and not one more each cycle.
static TURN: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// Writes an anchor to every place configured, side by side; what went wrong.
pub(crate) async fn write(
    places: &Journal,
    anchor: &Anchor,
    stop: &CancellationToken,
) -> Vec<anyhow::Error> {
    let Journal {
        anchor_file,
        anchor_url,
    } = places;
    let file = async {
        let path = anchor_file.as_ref()?;
        let written = bounded(append(path, anchor), stop).await;
        let told = || {
            let path = path.display();
            format!("the anchor was not written to {path} (journal.anchor_file)")
        };
        written.with_context(told).err()
    };
    let url = async {
        let webhook = anchor_url.as_ref()?;
        let sent = bounded(post(webhook, anchor), stop).await;
        let told = "the anchor was not sent (journal.anchor_url)";
        sent.context(told).err()
    };
    let (file, url) = tokio::join!(file, url);
    file.into_iter().chain(url).collect()
}

/// Waits for a place, but not for ever.
async fn bounded(place: impl Future<Output = Result<()>>, stop: &CancellationToken) -> Result<()> {
    let stopped = async {
        stop.cancelled().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        ended = timeout(PATIENCE, place) => match ended {
            Ok(ended) => ended,
            Err(_) => bail!("it took longer than {} seconds", PATIENCE.as_secs()),
        },
        () = stopped => bail!("a stop was asked for, and it was not done {} seconds later", GRACE.as_secs()),
    }
}

/// Adds a line, on a thread that nobody has to wait for: a file on a network disk may take its time, or never come back.
async fn append(path: &Path, anchor: &Anchor) -> Result<()> {
    let line = format!("{}\n", serde_json::to_string(anchor)?);
    let turn = TURN.clone().lock_owned().await;
    let (done, written) = oneshot::channel();
    let file = path.to_owned();
    let write = move || {
        let mut opened = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)?;
        opened.write_all(line.as_bytes())?;
        opened.sync_all()
    };
    std::thread::spawn(move || {
        let ended = write();
        drop(turn);
        // Whoever waited may have given up.
        let _ = done.send(ended);
    });
    Ok(written.await??)
}

async fn post(webhook: &Webhook, anchor: &Anchor) -> Result<()> {
    hook::post(webhook, anchor).await
}

/// The anchors of a file, one a line.
pub(crate) fn read(path: &Path) -> Result<Vec<Anchor>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| UsageError(format!("{} cannot be read: {error}", path.display())))?;
    let mut anchors = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let anchor: Option<Anchor> = serde_json::from_str(line).ok();
        let anchor = anchor.filter(|anchor| Anchors::default().add(anchor));
        anchors.push(anchor.ok_or_else(|| {
            UsageError(format!(
                "{}:{number} is no anchor, which has the form {{\"tenant_id\":..,\"seq\":..,\"hash\":..,\"at\":..}}",
                path.display()
            ))
        })?);
    }
    Ok(anchors)
}

/// All of them, by tenant and number.
pub(crate) fn all(written: &[Anchor]) -> Anchors {
    let mut anchors = Anchors::default();
    for anchor in written {
        anchors.add(anchor);
    }
    anchors
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_that_never_answers_is_given_up_and_sooner_when_a_stop_is_asked_for() {
        let stop = CancellationToken::new();
        let began = Instant::now();
        let error = bounded(pending(), &stop).await.expect_err("it hangs");
        assert!(error.to_string().contains("longer than 30 seconds"));
        assert_eq!(began.elapsed(), PATIENCE);

        stop.cancel();
        let began = Instant::now();
        let error = bounded(pending(), &stop).await.expect_err("it hangs");
        assert!(error.to_string().contains("a stop was asked for"));
        assert_eq!(began.elapsed(), GRACE);
        let in_time = async {
            sleep(GRACE / 2).await;
            Ok(())
        };
        bounded(in_time, &stop).await.expect("it is done in time");
    }
}

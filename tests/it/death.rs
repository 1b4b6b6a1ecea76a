//! Dead at every boundary: right before and right after each commit and each request, of a cycle that has something of
//! every kind to do, and of undoing it. Whoever comes next finishes; each effect happens once, and all records agree.
//!
//! The boundaries are not listed here. `mortal` counts those that it comes to, and the tests go on to the next one until
//! it comes to its end alive.

use std::collections::BTreeSet;

use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::Call;
use innkeeper_store::Store;
use innkeeper_testdb::postgres_url;
use serde_json::json;

use crate::eventful::{Eventful, change, finish_cycle, tenant_id};
use crate::tenant::shown;

const UNDO: [&str; 7] = ["undo", "last", "--yes", "--reason", "a test", "--by", "jo"];

async fn finish_undo(eventful: &Eventful) {
    let again = eventful.tenant.run(&UNDO).await;
    assert!(again.status.success(), "{}", shown(&again));
    let none = eventful.tenant.run(&UNDO).await;
    assert!(none.status.success(), "{}", shown(&none));
}

/// Runs a command without dying, then dying at every `step`th boundary from the `first` on.
async fn die_everywhere(
    eventful: &mut Eventful,
    arguments: &[&str],
    finish: impl AsyncFn(&Eventful),
    (first, step): (usize, usize),
) {
    eventful.turn_back().await;
    let (_, boundaries) = eventful.mortal(arguments, None).await;
    finish(eventful).await;
    let undisturbed = eventful.account().await;
    let (undisturbed, mails) = undisturbed.without_mails();

    let mut number = first;
    loop {
        eventful.turn_back().await;
        let (status, passed) = eventful.mortal(arguments, Some(number)).await;
        if status.success() {
            // Each run comes to about as many, since calls go side by side.
            assert!(number + 8 > boundaries.len(), "{number} of {boundaries:?}");
            return;
        }
        let at = format!(
            "boundary {number}: {}",
            passed.last().map_or("none", String::as_str)
        );
        assert_eq!(passed.len(), number, "{at}");
        eventful.let_the_lease_run_out().await;
        finish(eventful).await;
        let (account, sent) = eventful.account().await.without_mails();
        assert_eq!(account, undisturbed, "{at}");
        // Only a mail that was on its way already can be sent again.
        let is_mail = |of: &String| of.contains("sendMail") || of.contains("/invitations");
        let may_repeat = passed.iter().any(is_mail);
        assert!(
            sent == mails || (may_repeat && sent == mails + 1),
            "{at}: {sent} mails instead of {mails}"
        );
        number += step;
    }
}

/// The calls that were intended for anybody.
async fn calls(eventful: &Eventful) -> BTreeSet<usize> {
    let store = Store::open(eventful.tenant.database())
        .await
        .expect("it opens");
    let mut tx = store.read().await.expect("it can be read");
    let mut calls = BTreeSet::new();
    for guest in eventful
        .tenant
        .get("truth")
        .await
        .as_array()
        .expect("users")
    {
        let id = guest["id"].as_str().expect("an id").parse().expect("an id");
        let of_guest = tx
            .intents_of(tenant_id(), GuestId(id))
            .await
            .expect("intents");
        calls.extend(of_guest.iter().map(|row| place(&row.intent.call)));
    }
    calls
}

/// How many kinds of calls there are.
const CALLS: usize = 16;

/// A call's place among all. A new kind of call needs one, and a step of its kind in the tests of this file.
fn place(call: &Call) -> usize {
    match call {
        Call::Flag => 0,
        Call::Notify { .. } => 1,
        Call::RemoveFromGroup { .. } => 2,
        Call::Disable => 3,
        Call::Enable => 4,
        Call::Delete => 5,
        Call::Restore => 6,
        Call::AddToGroup { .. } => 7,
        Call::AddSponsor { .. } => 8,
        Call::RemoveSponsor { .. } => 9,
        Call::ResendInvitation { .. } => 10,
        Call::RemoveAppRole { .. } => 11,
        Call::AddAppRole { .. } => 12,
        Call::Mark { .. } => 13,
        Call::Unmark { .. } => 14,
        Call::SetManager { .. } => 15,
    }
}

/// A cycle with everything in it that is there to be undone.
async fn to_be_undone(database: String) -> Eventful {
    let mut eventful = Eventful::on(database).await;
    eventful.turn_back().await;
    eventful.tenant.apply().await;
    // Somebody takes away what undoing then has to give back.
    let sponsorless = json!({ "sponsors": [], "manager": null });
    change(&eventful.tenant, &eventful.sponsored, sponsorless).await;
    eventful.go_on_from_here();
    eventful
}

async fn die_in_a_cycle(database: String, from: (usize, usize)) {
    let mut eventful = Eventful::on(database).await;
    die_everywhere(&mut eventful, &["apply"], finish_cycle, from).await;
}

async fn die_while_undoing(database: String, from: (usize, usize)) {
    let mut eventful = to_be_undone(database).await;
    die_everywhere(&mut eventful, &UNDO, finish_undo, from).await;
}

fn sqlite() -> String {
    "sqlite://innkeeper.db".to_owned()
}

#[tokio::test]
async fn every_kind_of_call_has_a_step_in_what_dies_here() {
    let eventful = to_be_undone(sqlite()).await;
    eventful.mortal(&UNDO, None).await;
    assert_eq!(calls(&eventful).await, (0..CALLS).collect());
}

/// Side by side, since most of the time is waiting for processes and the disk.
#[tokio::test]
async fn a_cycle_that_dies_at_any_boundary_leaves_nothing_undone_and_nothing_done_twice() {
    let quarter = |first| die_in_a_cycle(sqlite(), (first, 4));
    tokio::join!(quarter(1), quarter(2), quarter(3), quarter(4));
}

#[tokio::test]
async fn an_undo_that_dies_at_any_boundary_leaves_nothing_undone_and_nothing_done_twice() {
    let half = |first| die_while_undoing(sqlite(), (first, 2));
    tokio::join!(half(1), half(2));
}

#[tokio::test]
async fn a_death_on_postgres_leaves_nothing_undone_and_nothing_done_twice() {
    let (some, others) = ((3, 9), (2, 9));
    tokio::join!(
        async { die_in_a_cycle(postgres_url().await, some).await },
        async { die_while_undoing(postgres_url().await, others).await },
    );
}

//! What is let go after its time, and what never is.

use innkeeper_domain::approve::Answer;
use innkeeper_domain::ids::{CaseId, IntentId, ObservationId, PlanId};
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_domain::journal::{Anchors, Event, Fault};
use innkeeper_domain::observation::{Counts, Doubt, Health, Observation};
use innkeeper_domain::policy::{Notice, RuleName};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_domain::watch::Watched;
use innkeeper_store::{DecisionRow, PlanRow, Store};
use roaring::RoaringTreemap;
use serde_json::json;

use crate::databases::{at, begin, guest, on_both, tenant, with_guests};

on_both! {
    old_observations_and_plans_go_and_those_that_count_stay
    a_plan_goes_with_what_was_decided_about_it_and_stays_while_that_counts
    the_personal_data_of_removed_guests_goes_and_the_chain_stays_whole
    the_journal_is_found_by_time
}

async fn old_observations_and_plans_go_and_those_that_count_stay(store: Store) {
    let mut tx = begin(&store).await;
    for day in 0..6 {
        let health = if day < 2 {
            Health::Healthy
        } else {
            Health::Unhealthy {
                reasons: vec![Doubt::Empty],
            }
        };
        let observation = Observation {
            id: ObservationId::derived(&[&[day]]),
            started: at(day.into()),
            finished: at(day.into()),
            counts: Counts::default(),
            health,
            watched: Watched(0),
        };
        tx.start_observation(tenant(), observation.id, observation.started)
            .await
            .expect("noted");
        tx.finish_observation(tenant(), &observation)
            .await
            .expect("noted");
        let plan = PlanRow {
            id: PlanId::derived(&[&[day]]),
            observation: observation.id,
            policy_hash: "abc".into(),
            plan_hash: "def".into(),
            made: at(day.into()),
            approved: true,
            steps: 0,
            refusals: json!([]),
            backlog: json!([]),
            body: "[]".into(),
        };
        tx.save_plan(tenant(), &plan).await.expect("kept");
    }
    // One at a time, the oldest first.
    let pruned = tx.prune_observations(tenant(), at(100), 1).await;
    assert_eq!(pruned.expect("pruned"), 1);
    let pruned = tx.prune_observations(tenant(), at(3), 100).await;
    assert_eq!(pruned.expect("pruned"), 1);
    let pruned = tx.prune_observations(tenant(), at(100), 100).await;
    assert_eq!(pruned.expect("pruned"), 2);
    let left = tx.observations(tenant(), 9).await.expect("read");
    let left: Vec<_> = left.into_iter().map(|row| row.started).collect();
    assert_eq!(
        left,
        [at(5), at(1)],
        "the newest, and the newest healthy one"
    );
    let pruned = tx.prune_plans(tenant(), at(100), 100).await;
    assert_eq!(pruned.expect("pruned"), 5);
    let last = tx.last_plan(tenant()).await.expect("read");
    assert_eq!(last.map(|plan| plan.made), Some(at(5)));
}

async fn a_plan_goes_with_what_was_decided_about_it_and_stays_while_that_counts(store: Store) {
    let mut tx = begin(&store).await;
    for day in 0..4 {
        let plan = PlanRow {
            id: PlanId::derived(&[&[day]]),
            observation: ObservationId::derived(&[&[day]]),
            policy_hash: "abc".into(),
            plan_hash: "def".into(),
            made: at(day.into()),
            approved: false,
            steps: 1,
            refusals: json!([]),
            backlog: json!([]),
            body: "[]".into(),
        };
        tx.save_plan(tenant(), &plan).await.expect("kept");
        let step = Step {
            guest: guest(0).guest.id,
            case: CaseId::derived(&[b"case"]),
            rule: RuleName::from("inactive"),
            stage: 1,
            effect: Effect::Disable,
            due: at(day.into()),
            because: "inactive_days = 97".into(),
        };
        tx.save_waiting(tenant(), plan.id, &[step])
            .await
            .expect("kept");
    }
    let decision = |day: u8, answer, expires| DecisionRow {
        plan: PlanId::derived(&[&[day]]),
        answer,
        at: at(day.into()),
        by: "olga".into(),
        reason: "as agreed".into(),
        expires,
    };
    for decided in [
        decision(0, Answer::Approved, Some(at(2))),
        decision(1, Answer::Rejected, None),
    ] {
        tx.decide_plan(tenant(), &decided).await.expect("decided");
    }
    // The approval is over, the no is not; the others were never decided about.
    tx.forget_waiting(tenant(), "abc", at(10))
        .await
        .expect("forgotten");
    let pruned = tx.prune_plans(tenant(), at(100), 100).await;
    assert_eq!(pruned.expect("pruned"), 2);
    let left: Vec<_> = tx.plans(tenant(), 9).await.expect("read");
    let left: Vec<_> = left.iter().map(|plan| plan.made).collect();
    assert_eq!(left, [at(3), at(1)]);
    let decided = tx.decided_steps(tenant(), "abc", at(10)).await;
    assert_eq!(decided.expect("read").len(), 1, "the no still counts");
    // Under another policy it does not.
    tx.forget_waiting(tenant(), "another", at(10))
        .await
        .expect("forgotten");
    let pruned = tx.prune_plans(tenant(), at(100), 100).await;
    assert_eq!(pruned.expect("pruned"), 1);
    let decisions = tx.plan_decisions(tenant()).await.expect("read");
    assert_eq!(decisions, []);
}

async fn the_personal_data_of_removed_guests_goes_and_the_chain_stays_whole(store: Store) {
    let records = with_guests(&store, 2).await;
    let [gone, present] = [records[0].guest.id, records[1].guest.id];
    let mut tx = begin(&store).await;
    let mut intents = Vec::new();
    let mut events = Vec::new();
    for (number, guest) in [gone, present].into_iter().enumerate() {
        let reason = format!("mail = guest{number}@partner.example");
        events.push((
            Some(guest),
            Event::VerdictChanged {
                verdict: "act".into(),
                rule: None,
                reason,
                facts: Vec::new(),
            },
        ));
        intents.push(Intent {
            id: IntentId::derived(&[guest.0.as_bytes()]),
            plan: PlanId::derived(&[b"plan"]),
            case: CaseId::derived(&[b"case"]),
            guest,
            rule: RuleName::from("inactive"),
            stage: 0,
            call: Call::Notify {
                to: vec!["sara@contoso.example".into()],
                notice: Notice::Stage,
            },
            created: at(1),
        });
    }
    tx.begin_intents(tenant(), &intents).await.expect("written");
    let skipped = Outcome::Skipped {
        because: "guest0@partner.example".into(),
    };
    let ids: Vec<IntentId> = intents.iter().map(|intent| intent.id).collect();
    tx.conclude(tenant(), &ids, at(1), &skipped)
        .await
        .expect("concluded");
    tx.append(tenant(), at(1), &events).await.expect("appended");
    let keys = tx.guest_rows(tenant(), None, 9).await.expect("read");
    let seen: RoaringTreemap = keys
        .iter()
        .filter(|row| row.view.record.guest.id == present)
        .map(|row| u64::from(row.key))
        .collect();
    tx.mark_gone(tenant(), &seen, at(2)).await.expect("marked");

    let erased = tx.erase_guests(tenant(), at(2), at(40), 10).await;
    assert_eq!(
        erased.expect("erased"),
        [],
        "it is not gone for long enough"
    );
    let erased = tx.erase_guests(tenant(), at(30), at(40), 10).await;
    assert_eq!(erased.expect("erased"), [gone]);
    let erased = tx.erase_guests(tenant(), at(30), at(41), 10).await;
    assert_eq!(erased.expect("erased"), [], "it is erased already");

    let row = tx.guest_row(tenant(), gone).await.expect("read");
    let erased = row.expect("the row stays").view.record.guest;
    assert_eq!(
        (
            erased.upn.as_str(),
            erased.mail,
            erased.display_name,
            erased.company
        ),
        ("erased", None, None, None)
    );
    for (to, count) in [(at(2), 0), (at(3), 1)] {
        let found = tx.guests_gone_between(tenant(), at(1), to).await;
        assert_eq!(found.expect("read").len(), count);
    }
    let row = tx.guest_row(tenant(), present).await.expect("read");
    assert_eq!(row.expect("a row").view.record.guest, guest(1).guest);
    let row = &tx.intents_of(tenant(), gone).await.expect("read")[0];
    assert_eq!(
        row.intent.call,
        Call::Notify {
            to: vec![],
            notice: Notice::Stage
        }
    );
    assert_eq!(
        row.outcome,
        Some((
            at(1),
            Outcome::Skipped {
                because: "erased".into()
            }
        ))
    );
    let row = &tx.intents_of(tenant(), present).await.expect("read")[0];
    assert_eq!(row.intent, intents[1]);
    let told: Vec<_> = tx
        .journal(tenant(), 0, 9)
        .await
        .expect("read")
        .iter()
        .map(|entry| (entry.seq, entry.details.is_some()))
        .collect();
    assert_eq!(told, [(1, false), (2, true), (3, false)]);
    let verified = tx.verify_journal(tenant(), &Anchors::default()).await;
    assert_eq!(verified.expect("read").map(|head| head.seq), Ok(3));

    // The details of somebody whose data was not erased cannot go unseen.
    let damage = "UPDATE journal SET details = NULL, salt = NULL WHERE seq = 2";
    match &mut tx {
        innkeeper_store::Tx::Sqlite(tx) => {
            sqlx::query(damage)
                .execute(&mut **tx)
                .await
                .expect("damaged");
        }
        innkeeper_store::Tx::Postgres(tx) => {
            sqlx::query(damage)
                .execute(&mut **tx)
                .await
                .expect("damaged");
        }
    }
    let verified = tx.verify_journal(tenant(), &Anchors::default()).await;
    let broken = verified.expect("read").expect_err("details are missing");
    assert_eq!((broken.seq, broken.fault), (2, Fault::DetailsMissing));
}

async fn the_journal_is_found_by_time(store: Store) {
    let mut tx = begin(&store).await;
    assert_eq!(
        tx.journal_between(tenant(), None, None)
            .await
            .expect("read"),
        None
    );
    for day in 1..=4 {
        let event = Event::PolicyInForce { hash: "h".into() };
        tx.append(tenant(), at(day), &[(None, event)])
            .await
            .expect("appended");
    }
    for (from, to, found) in [
        (None, None, Some((1, 4))),
        (Some(at(2)), Some(at(4)), Some((2, 3))),
        (Some(at(3)), None, Some((3, 4))),
        (Some(at(5)), None, None),
    ] {
        let between = tx.journal_between(tenant(), from, to).await;
        assert_eq!(between.expect("read"), found);
    }
    for (first, last, kinds, found) in [
        (1, 4, ["policy-in-force", "erased"], vec![1, 2, 3, 4]),
        (2, 3, ["policy-in-force", "erased"], vec![2, 3]),
        (1, 4, ["erased", "decided"], vec![]),
    ] {
        let entries = tx.journal_of_kinds(tenant(), first, last, &kinds).await;
        let entries = entries.expect("read");
        let seqs: Vec<i64> = entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, found);
    }
    let (seq, hash) = tx.journal_head(tenant()).await.expect("read");
    let last = tx.journal(tenant(), 3, 1).await.expect("read");
    assert_eq!((seq, hash), (4, last[0].hash));
}

//! Observations, cases, plans, intents, the journal and leases.

use chrono::TimeDelta;
use innkeeper_domain::approve::{Answer, StepKey};
use innkeeper_domain::case::{Case, Closing};
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{CaseId, GuestId, IntentId, ObservationId, PlanId};
use innkeeper_domain::intent::{Call, Intent, Outcome, Trace};
use innkeeper_domain::journal::{Anchors, Broken, Event};
use innkeeper_domain::observation::{Counts, Doubt, Health, Observation};
use innkeeper_domain::policy::{Action, Notice, RuleName};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_domain::watch::Watched;
use innkeeper_store::{DecisionRow, LeaseGrant, ObservationState, PlanRow, Store, StoreError, Tx};
use serde_json::json;
use uuid::Uuid;

use crate::databases::{at, begin, on_both, tenant, with_guests};

on_both! {
    the_newest_complete_and_the_newest_healthy_observation_are_told_apart
    of_observations_of_the_same_moment_the_one_that_began_last_is_the_newest
    a_case_is_opened_moved_on_and_closed_once
    a_guest_has_one_open_case_under_a_rule
    policies_and_plans_are_kept
    a_decision_counts_for_the_steps_of_its_plan_until_it_ends_or_the_policy_is_another
    the_steps_of_the_newest_plans_without_a_decision_are_kept
    how_often_somebody_brought_a_guest_back_is_told_by_what_we_did
    an_intent_is_open_until_it_is_concluded_and_is_concluded_once
    the_journal_is_a_chain
    a_lease_is_held_by_one_and_fenced_by_its_epoch
}

fn observation(day: i64, health: Health) -> Observation {
    let counts = Counts {
        guests: 7,
        counted: Some(7),
        newest_sign_in: Some(at(day)),
        groups_missing: vec!["gone".into()],
        ..Counts::default()
    };
    let id = ObservationId::derived(&[&day.to_be_bytes()]);
    Observation {
        id,
        started: at(day),
        finished: at(day) + TimeDelta::hours(1),
        counts,
        health,
        watched: Watched(day * 86_400),
    }
}

async fn the_newest_complete_and_the_newest_healthy_observation_are_told_apart(store: Store) {
    let mut tx = begin(&store).await;
    assert_eq!(tx.last_observation(tenant()).await.expect("read"), None);
    let good = observation(1, Health::Healthy);
    let bad = observation(
        2,
        Health::Unhealthy {
            reasons: vec![Doubt::Empty],
        },
    );
    for observation in [&good, &bad] {
        tx.start_observation(tenant(), observation.id, observation.started)
            .await
            .expect("noted");
        tx.finish_observation(tenant(), observation)
            .await
            .expect("noted");
    }
    let failed = ObservationId::derived(&[b"failed"]);
    tx.start_observation(tenant(), failed, at(3))
        .await
        .expect("noted");
    tx.fail_observation(tenant(), failed, at(4), "Graph went away")
        .await
        .expect("noted");
    tx.start_observation(tenant(), ObservationId::derived(&[b"running"]), at(5))
        .await
        .expect("noted");
    assert_eq!(
        tx.last_observation(tenant()).await.expect("read"),
        Some(bad.clone())
    );
    assert_eq!(
        tx.last_healthy_observation(tenant()).await.expect("read"),
        Some(good)
    );
    let states: Vec<_> = tx
        .observations(tenant(), 3)
        .await
        .expect("read")
        .into_iter()
        .map(|row| row.state)
        .collect();
    let failed = ObservationState::Failed {
        at: at(4),
        error: "Graph went away".into(),
    };
    assert_eq!(
        states,
        [
            ObservationState::Running,
            failed,
            ObservationState::Complete(Box::new(bad))
        ]
    );
}

async fn of_observations_of_the_same_moment_the_one_that_began_last_is_the_newest(store: Store) {
    let mut tx = begin(&store).await;
    // Their ids say nothing of their order: every one is the newest in its turn.
    for nth in 0..16_u64 {
        let newest = Observation {
            id: ObservationId::derived(&[&nth.to_be_bytes()]),
            counts: Counts {
                guests: nth,
                ..Counts::default()
            },
            ..observation(1, Health::Healthy)
        };
        tx.start_observation(tenant(), newest.id, newest.started)
            .await
            .expect("noted");
        tx.finish_observation(tenant(), &newest)
            .await
            .expect("noted");
        let last = tx.last_observation(tenant()).await.expect("read");
        let healthy = tx.last_healthy_observation(tenant()).await.expect("read");
        assert_eq!(last.as_ref(), Some(&newest));
        assert_eq!(healthy, last);
        let row = tx.observations(tenant(), 1).await.expect("read").remove(0);
        assert_eq!(row.id, newest.id);
    }
}

async fn a_case_is_opened_moved_on_and_closed_once(store: Store) {
    let guest = with_guests(&store, 1).await[0].guest.id;
    let mut tx = begin(&store).await;
    let case = Case::open(
        tenant(),
        guest,
        &RuleName::from("inactive"),
        at(1),
        Watched(5),
    );
    tx.open_cases(tenant(), std::slice::from_ref(&case))
        .await
        .expect("opened");
    assert_eq!(tx.open_case_count(tenant()).await.expect("counted"), 1);
    let moved = Case {
        done: vec![Action::Notify, Action::Disable],
        hold_until: Some(at(9)),
        reminded: Some(Watched(77)),
        ..case.clone()
    };
    tx.save_cases(tenant(), std::slice::from_ref(&moved))
        .await
        .expect("kept");
    tx.add_blind(
        tenant(),
        &[
            (case.id, TimeDelta::hours(3)),
            (case.id, TimeDelta::hours(4)),
        ],
    )
    .await
    .expect("kept");
    let expected = Case {
        blind: TimeDelta::hours(7),
        ..moved
    };
    assert_eq!(
        tx.open_among(tenant(), &[case.id]).await.expect("read"),
        std::slice::from_ref(&expected)
    );
    tx.close_case(tenant(), case.id, at(10), &Closing::Gone)
        .await
        .expect("closed");
    tx.close_case(tenant(), case.id, at(11), &Closing::Revived)
        .await
        .expect("closed already");
    assert_eq!(tx.open_among(tenant(), &[case.id]).await.expect("read"), []);
    assert!(matches!(
        tx.save_cases(tenant(), std::slice::from_ref(&case)).await,
        Err(StoreError::CaseClosed)
    ));
    for (to, count) in [(at(10), 0), (at(11), 1)] {
        let closed = tx.cases_closed_between(tenant(), at(2), to).await;
        assert_eq!(closed.expect("read").len(), count);
    }
    let rows = tx.cases_of(tenant(), guest).await.expect("read");
    assert_eq!(
        (&rows[0].case, &rows[0].closed),
        (&expected, &Some((at(10), Closing::Gone)))
    );
}

async fn a_guest_has_one_open_case_under_a_rule(store: Store) {
    let guest = with_guests(&store, 1).await[0].guest.id;
    let open = |day| {
        Case::open(
            tenant(),
            guest,
            &RuleName::from("inactive"),
            at(day),
            Watched(0),
        )
    };
    let mut tx = begin(&store).await;
    tx.open_cases(tenant(), &[open(1)]).await.expect("opened");
    assert!(tx.open_cases(tenant(), &[open(2)]).await.is_err());
    drop(tx);
    let mut tx = begin(&store).await;
    tx.open_cases(tenant(), &[open(1)]).await.expect("opened");
    tx.close_case(tenant(), open(1).id, at(2), &Closing::RuleNoLongerHolds)
        .await
        .expect("closed");
    tx.open_cases(tenant(), &[open(3)])
        .await
        .expect("opened again");
    assert_eq!(tx.cases_of(tenant(), guest).await.expect("read").len(), 2);
}

async fn policies_and_plans_are_kept(store: Store) {
    let mut tx = begin(&store).await;
    assert!(
        tx.save_policy(tenant(), "abc", "[[rule]]", at(1))
            .await
            .expect("kept")
    );
    assert!(
        !tx.save_policy(tenant(), "abc", "[[rule]]", at(2))
            .await
            .expect("known")
    );
    assert_eq!(
        tx.policy_text(tenant(), "abc")
            .await
            .expect("read")
            .as_deref(),
        Some("[[rule]]")
    );
    assert_eq!(tx.policy_text(tenant(), "def").await.expect("read"), None);
    let plan = |day: i64| PlanRow {
        id: PlanId::derived(&[&day.to_be_bytes()]),
        observation: ObservationId::derived(&[b"1"]),
        policy_hash: "abc".into(),
        plan_hash: day.to_string(),
        made: at(day),
        approved: day == 1,
        steps: 3,
        refusals: json!([{ "refusal": "mode" }]),
        backlog: json!([]),
        body: "[]".into(),
    };
    assert_eq!(tx.last_plan(tenant()).await.expect("read"), None);
    tx.save_plan(tenant(), &plan(1)).await.expect("kept");
    tx.save_plan(tenant(), &plan(2)).await.expect("kept");
    assert_eq!(tx.last_plan(tenant()).await.expect("read"), Some(plan(2)));
}

fn waiting(guest: GuestId) -> Step {
    Step {
        guest,
        case: CaseId::derived(&[b"case"]),
        rule: RuleName::from("inactive"),
        stage: 1,
        effect: Effect::Disable,
        due: at(1),
        because: "guest.inactive_days = 100".into(),
    }
}

fn waiting_plan(day: i64) -> PlanRow {
    PlanRow {
        id: PlanId::derived(&[&day.to_be_bytes()]),
        observation: ObservationId::derived(&[b"1"]),
        policy_hash: "abc".into(),
        plan_hash: day.to_string(),
        made: at(day),
        approved: false,
        steps: 1,
        refusals: json!([{ "refusal": "over-ceiling" }]),
        backlog: json!([{ "action": "disable" }]),
        body: "[]".into(),
    }
}

async fn a_decision_counts_for_the_steps_of_its_plan_until_it_ends_or_the_policy_is_another(
    store: Store,
) {
    let guest = with_guests(&store, 1).await[0].guest.clone();
    let step = waiting(guest.id);
    let plan = waiting_plan(1);
    let mut tx = begin(&store).await;
    tx.save_plan(tenant(), &plan).await.expect("kept");
    tx.save_waiting(tenant(), plan.id, std::slice::from_ref(&step))
        .await
        .expect("kept");
    assert_eq!(
        tx.plan(tenant(), plan.id).await.expect("read"),
        Some(plan.clone())
    );
    let shown = tx.waiting_steps(tenant(), plan.id).await.expect("read");
    assert_eq!(
        (shown[0].upn.as_ref(), &shown[0].effect, shown[0].due),
        (Some(&guest.upn), &Effect::Disable, at(1))
    );
    let approved = DecisionRow {
        plan: plan.id,
        answer: Answer::Approved,
        at: at(2),
        by: "ann".into(),
        reason: "looked at".into(),
        expires: Some(at(5)),
    };
    tx.decide_plan(tenant(), &approved).await.expect("kept");
    assert_eq!(
        tx.plan_decisions(tenant()).await.expect("read"),
        std::slice::from_ref(&approved)
    );
    let key = StepKey::of(&step);
    for (policy, day, expected) in [
        ("abc", 4, vec![(key.clone(), Answer::Approved)]),
        ("abc", 5, vec![]),
        ("def", 4, vec![]),
    ] {
        assert_eq!(
            tx.decided_steps(tenant(), policy, at(day))
                .await
                .expect("read"),
            expected
        );
    }
    let rejected = DecisionRow {
        answer: Answer::Rejected,
        at: at(3),
        expires: None,
        ..approved
    };
    tx.decide_plan(tenant(), &rejected).await.expect("kept");
    tx.forget_waiting(tenant(), "abc", at(9))
        .await
        .expect("forgotten");
    assert_eq!(
        tx.decided_steps(tenant(), "abc", at(9))
            .await
            .expect("read"),
        [(key, Answer::Rejected)]
    );
    tx.forget_waiting(tenant(), "def", at(9))
        .await
        .expect("forgotten");
    assert_eq!(tx.waiting_steps(tenant(), plan.id).await.expect("read"), []);
}

async fn the_steps_of_the_newest_plans_without_a_decision_are_kept(store: Store) {
    let guest = with_guests(&store, 1).await[0].guest.id;
    let mut tx = begin(&store).await;
    for day in 1..8 {
        let plan = waiting_plan(day);
        tx.save_plan(tenant(), &plan).await.expect("kept");
        tx.save_waiting(tenant(), plan.id, &[waiting(guest)])
            .await
            .expect("kept");
        if day < 3 {
            let decision = DecisionRow {
                plan: plan.id,
                answer: Answer::Approved,
                at: at(day),
                by: "ann".into(),
                reason: "looked at".into(),
                expires: Some(at(day + 5)),
            };
            tx.decide_plan(tenant(), &decision).await.expect("kept");
        }
    }
    tx.forget_waiting(tenant(), "abc", at(6))
        .await
        .expect("forgotten");
    let mut kept = Vec::new();
    for day in 1..8 {
        if !tx
            .waiting_steps(tenant(), waiting_plan(day).id)
            .await
            .expect("read")
            .is_empty()
        {
            kept.push(day);
        }
    }
    assert_eq!(kept, [2, 4, 5, 6, 7]);
    let newest: Vec<_> = tx
        .plans(tenant(), 2)
        .await
        .expect("read")
        .into_iter()
        .map(|plan| plan.made)
        .collect();
    assert_eq!(newest, [at(7), at(6)]);
}

async fn how_often_somebody_brought_a_guest_back_is_told_by_what_we_did(store: Store) {
    let record = with_guests(&store, 1).await[0].clone();
    let guest = record.guest.id;
    let mut tx = begin(&store).await;
    let deeds = [
        (Call::Disable, Outcome::Done { request_id: None }),
        (Call::Enable, Outcome::FoundDone),
        (Call::Disable, Outcome::FoundDone),
        (Call::Disable, Outcome::Already),
        (Call::Disable, Outcome::Done { request_id: None }),
    ];
    for (number, (call, outcome)) in deeds.into_iter().enumerate() {
        let intent = Intent {
            id: IntentId::derived(&[&number.to_be_bytes()]),
            plan: PlanId::derived(&[b"plan"]),
            case: CaseId::derived(&[b"case"]),
            guest,
            rule: RuleName::from("inactive"),
            stage: 1,
            call,
            created: at(1),
        };
        tx.begin_intents(tenant(), std::slice::from_ref(&intent))
            .await
            .expect("written down");
        tx.conclude(tenant(), &[intent.id], at(1), &outcome)
            .await
            .expect("concluded");
    }
    let revived = GuestRecord {
        revived: Some(at(1)),
        ..record
    };
    tx.save_guests(tenant(), &[&revived]).await.expect("kept");
    let row = tx
        .guest_row(tenant(), guest)
        .await
        .expect("read")
        .expect("known");
    assert_eq!(row.view.brought_back, 2);
    let disabled = GuestRecord {
        disabled_by_us: Some(at(1)),
        ..revived
    };
    tx.save_guests(tenant(), &[&disabled]).await.expect("kept");
    let rows = tx.guest_rows(tenant(), None, 10).await.expect("read");
    assert_eq!(rows[0].view.brought_back, 1);
}

async fn an_intent_is_open_until_it_is_concluded_and_is_concluded_once(store: Store) {
    let guest = with_guests(&store, 1).await[0].guest.id;
    let intent = |call: Call, day| Intent {
        id: IntentId::derived(&[call.as_str().as_bytes()]),
        plan: PlanId::derived(&[b"plan"]),
        case: CaseId::derived(&[b"case"]),
        guest,
        rule: RuleName::from("inactive"),
        stage: 1,
        call,
        created: at(day),
    };
    let intents = [
        intent(
            Call::Notify {
                to: vec!["sara@contoso.example".into()],
                notice: Notice::Stage,
            },
            1,
        ),
        intent(Call::Disable, 2),
    ];
    let mut tx = begin(&store).await;
    tx.begin_intents(tenant(), &intents)
        .await
        .expect("written down");
    assert_eq!(tx.open_intents(tenant()).await.expect("read"), intents);
    let outcome = Outcome::Done {
        request_id: Some("r-1".into()),
    };
    tx.conclude(tenant(), &[intents[0].id], at(3), &outcome)
        .await
        .expect("concluded");
    assert!(matches!(
        tx.conclude(tenant(), &[intents[0].id], at(4), &Outcome::Already)
            .await,
        Err(StoreError::Concluded)
    ));
    assert_eq!(tx.open_intents(tenant()).await.expect("read"), intents[1..]);
    let rows = tx.intents_of(tenant(), guest).await.expect("read");
    assert_eq!(
        (rows[0].outcome.clone(), rows[1].outcome.clone()),
        (Some((at(3), outcome)), None)
    );
    // What Graph answered is known before it is said by which id the call was sent.
    let answered = Trace {
        request_id: Some("r-1".into()),
        client_request_id: None,
    };
    assert_eq!(
        [&rows[0].trace, &rows[1].trace],
        [&answered, &Trace::default()]
    );
    let trace = Trace {
        client_request_id: Some(intents[0].id.0),
        ..answered
    };
    tx.keep_trace(tenant(), intents[0].id, &trace)
        .await
        .expect("kept");
    let row = tx.intent(tenant(), intents[0].id).await.expect("read");
    assert_eq!(row.map(|row| row.trace), Some(trace));
    assert_eq!(
        tx.actions_between(tenant(), at(2), at(3))
            .await
            .expect("read")
            .len(),
        1
    );
    assert!(tx.begin_intents(tenant(), &intents).await.is_err());
}

async fn verified(tx: &mut Tx) -> Result<i64, Broken> {
    let verified = tx.verify_journal(tenant(), &Anchors::default()).await;
    verified.expect("read").map(|head| head.seq)
}

async fn the_journal_is_a_chain(store: Store) {
    let guest = with_guests(&store, 1).await[0].guest.id;
    let event = |hash: &str| Event::PolicyInForce { hash: hash.into() };
    let mut tx = begin(&store).await;
    assert_eq!(
        tx.verify_journal(tenant(), &Anchors::default())
            .await
            .expect("read")
            .map(|head| head.seq),
        Ok(0)
    );
    tx.append(
        tenant(),
        at(1),
        &[(None, event("a")), (Some(guest), event("b"))],
    )
    .await
    .expect("appended");
    tx.append(tenant(), at(2), &[]).await.expect("nothing");
    tx.append(tenant(), at(2), &[(None, event("c"))])
        .await
        .expect("appended");
    let entries = tx.journal(tenant(), 0, 10).await.expect("read");
    assert_eq!(
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(
        tx.journal(tenant(), 1, 1).await.expect("read"),
        entries[1..2]
    );
    assert_eq!(
        tx.journal_of(tenant(), guest).await.expect("read"),
        entries[1..2]
    );
    assert_eq!(
        tx.verify_journal(tenant(), &Anchors::default())
            .await
            .expect("read")
            .map(|head| head.seq),
        Ok(3)
    );
    tx.commit().await.expect("a commit");
    for (damage, seq) in [
        ("UPDATE journal SET body = '{}' WHERE seq = 2", 2),
        ("DELETE FROM journal WHERE seq = 2", 2),
        ("DELETE FROM journal WHERE seq = 3", 3),
        ("UPDATE journal SET seq = -seq WHERE seq < 3", -2),
        ("UPDATE journal SET guest_id = NULL WHERE seq = 2", 2),
        (
            "UPDATE journal SET hash = substr(hash, 1, 31) WHERE seq = 2",
            2,
        ),
        ("UPDATE journal_heads SET seq = 2", 3),
        ("UPDATE journal_heads SET seq = 4", 4),
        ("DELETE FROM journal_heads", 1),
        // Inserted at the end, and before the beginning.
        (
            "INSERT INTO journal (tenant_id, seq, at, guest_id, body, hash) SELECT tenant_id, 4, at, guest_id, body, hash FROM journal WHERE seq = 3",
            4,
        ),
        (
            "INSERT INTO journal (tenant_id, seq, at, guest_id, body, hash) SELECT tenant_id, 0, at, guest_id, body, hash FROM journal WHERE seq = 1",
            0,
        ),
        // Moved: 3 and 2 change places.
        (
            "UPDATE journal SET body = (SELECT o.body FROM journal o WHERE o.seq = 5 - journal.seq), \
             hash = (SELECT o.hash FROM journal o WHERE o.seq = 5 - journal.seq) WHERE seq > 1",
            2,
        ),
    ] {
        let mut tx = begin(&store).await;
        match &mut tx {
            Tx::Sqlite(tx) => {
                let done = sqlx::query(damage)
                    .execute(&mut **tx)
                    .await
                    .expect("damaged")
                    .rows_affected();
                assert!(done > 0, "{damage}");
            }
            Tx::Postgres(tx) => {
                let done = sqlx::query(damage)
                    .execute(&mut **tx)
                    .await
                    .expect("damaged")
                    .rows_affected();
                assert!(done > 0, "{damage}");
            }
        }
        let broken = verified(&mut tx).await.expect_err(damage);
        assert_eq!(broken.seq, seq, "{damage}");
    }
}

async fn a_lease_is_held_by_one_and_fenced_by_its_epoch(store: Store) {
    let [one, two] = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let ttl = TimeDelta::seconds(30);
    let mut tx = begin(&store).await;
    assert_eq!(
        tx.acquire_lease(tenant(), one, at(1), ttl)
            .await
            .expect("asked"),
        LeaseGrant::Held { epoch: 1 }
    );
    assert_eq!(
        tx.acquire_lease(tenant(), two, at(1), ttl)
            .await
            .expect("asked"),
        LeaseGrant::Taken { until: at(1) + ttl }
    );
    assert!(
        tx.renew_lease(tenant(), one, 1, at(2), ttl)
            .await
            .expect("renewed")
    );
    tx.check_lease(tenant(), one, 1).await.expect("it is held");
    assert_eq!(
        tx.acquire_lease(tenant(), two, at(3), ttl)
            .await
            .expect("asked"),
        LeaseGrant::Held { epoch: 2 }
    );
    assert!(matches!(
        tx.check_lease(tenant(), one, 1).await,
        Err(StoreError::LeaseLost)
    ));
    assert!(
        !tx.renew_lease(tenant(), one, 1, at(3), ttl)
            .await
            .expect("asked")
    );
    tx.release_lease(tenant(), one, 1)
        .await
        .expect("nothing to give back");
    tx.check_lease(tenant(), two, 2).await.expect("it is held");
    tx.release_lease(tenant(), two, 2)
        .await
        .expect("given back");
    assert_eq!(
        tx.acquire_lease(tenant(), one, at(3), ttl)
            .await
            .expect("asked"),
        LeaseGrant::Held { epoch: 3 }
    );
}

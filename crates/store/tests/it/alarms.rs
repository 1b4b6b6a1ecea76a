//! How cycles ended, and the alarms that are raised.

use chrono::TimeDelta;
use innkeeper_domain::alarm::telling::Kept;
use innkeeper_domain::alarm::{Alarm, CycleEnd, Ending};
use innkeeper_store::Store;

use crate::databases::{at, begin, on_both, tenant};

on_both! {
    the_newest_cycles_come_first_and_the_last_healthy_one_outlives_its_time
    an_alarm_is_changed_only_by_whoever_saw_its_newest_version
}

fn complete(healthy: bool) -> Ending {
    Ending::Complete {
        healthy,
        work: None,
        left_alone: 0,
        waiting: None,
    }
}

async fn the_newest_cycles_come_first_and_the_last_healthy_one_outlives_its_time(store: Store) {
    let mut tx = begin(&store).await;
    for (day, how) in [
        (1, complete(true)),
        (2, complete(true)),
        (3, Ending::Failed),
        (200, complete(false)),
    ] {
        let end = CycleEnd { at: at(day), how };
        tx.note_cycle_end(tenant(), &end).await.expect("noted");
    }
    // As many as alarms are judged by stay in any case.
    for (kept, left) in [
        (3, &[at(200), at(3), at(2)][..]),
        (1, &[at(200), at(2)]),
        (1, &[at(200), at(2)]),
    ] {
        let pruned = tx.prune_cycle_ends(tenant(), at(100), kept).await;
        pruned.expect("pruned");
        let ends = tx.cycle_ends(tenant(), 10).await.expect("read");
        let days: Vec<_> = ends.iter().map(|end| end.at).collect();
        assert_eq!(days, left);
    }
    let last = tx.last_healthy_cycle(tenant()).await.expect("read");
    assert_eq!(last, Some(at(2)));
    assert_eq!(tx.first_reading(tenant()).await.expect("read"), None);
}

async fn an_alarm_is_changed_only_by_whoever_saw_its_newest_version(store: Store) {
    let alarm = Alarm::LeftAlone { guests: 2 };
    let kind = alarm.kind();
    let kept = Kept::raised(alarm, at(1));
    let over = kept.clone().judged(None, at(1) + TimeDelta::hours(1));
    let mut tx = begin(&store).await;
    let mut versions = Vec::new();
    for (kept, seen) in [(&kept, 0), (&kept, 0), (&over, 1), (&kept, 1)] {
        let saved = tx.save_alarm(tenant(), kind, kept, seen).await;
        versions.push(saved.expect("an answer"));
    }
    assert_eq!(versions, [Some(1), None, Some(2), None]);
    let rows = tx.alarms(tenant()).await.expect("read");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].kept, rows[0].version), (&over, 2));
}

//! What a guest whose account was taken can still do, and for how long: taking an account stops signing in, and nothing
//! that was handed out before.
//!
//! The lifetimes are those of Microsoft identity platform access tokens: 60 to 90 minutes as a rule, up to 28 hours
//! where continuous access evaluation is at work. Whether an application goes by it nobody outside it can tell.

use chrono::{DateTime, TimeDelta, Utc};

/// The longest that an ordinary access token lives.
const ORDINARY: TimeDelta = TimeDelta::minutes(90);

/// The longest that one lives under continuous access evaluation.
const LONGEST: TimeDelta = TimeDelta::hours(28);

/// What remains of the access of an account that was taken at a time.
#[must_use]
pub fn remains(taken: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let at = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
    let tokens = if now < taken + ORDINARY {
        format!(
            "it cannot sign in anew; an access token issued before may be good until {} (until {} where continuous access evaluation lengthens it)",
            at(taken + ORDINARY),
            at(taken + LONGEST)
        )
    } else if now < taken + LONGEST {
        format!(
            "it cannot sign in anew; ordinary access tokens issued before are over, and those that continuous access evaluation lengthens may be good until {}",
            at(taken + LONGEST)
        )
    } else {
        "it cannot sign in anew, and no access token issued before is good any longer".to_owned()
    };
    format!(
        "{tokens}. Sharing links that anybody may open, and copies already made, are beyond this; revoking sessions does nothing for a guest, who signs in at home"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_remains_shrinks_with_time_and_never_claims_more_than_is_so() {
        let taken: DateTime<Utc> = "2027-01-04T06:00:00Z".parse().expect("a time");
        let after = |minutes: i64| remains(taken, taken + TimeDelta::minutes(minutes));
        assert!(after(10).contains("may be good until 2027-01-04 07:30 UTC"));
        assert!(after(10).contains("until 2027-01-05 10:00 UTC"));
        assert!(after(100).contains("ordinary access tokens issued before are over"));
        assert!(after(28 * 60).contains("no access token issued before is good"));
        for minutes in [0, 100, 5_000] {
            assert!(after(minutes).contains("Sharing links"));
        }
    }
}

//! What signing in measures.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const SIGN_INS: &str = "nrwdirekt_sign_ins_total";
const OPEN_SESSIONS: &str = "nrwdirekt_open_sessions";
const ACCESSES_LOST: &str = "nrwdirekt_access_log_lost_total";

/// How an attempt to sign in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A session began.
    Done,
    /// Wrong name or password, or the provider said no.
    Refused,
    /// Too many failures before.
    HeldUp,
    /// Store or provider could not be asked.
    Failed,
}

/// Describes the metrics to whatever exports them.
pub fn describe() {
    describe_counter!(
        SIGN_INS,
        "Attempts to sign in, by outcome: done, refused, held_up (too many failures before), failed (store or provider away)"
    );
    describe_gauge!(OPEN_SESSIONS, "Sessions that are open");
    describe_counter!(
        ACCESSES_LOST,
        "Accesses that the access log could not take: too many waited, or the store was away at the end"
    );
    counter!(ACCESSES_LOST).absolute(0);
    for outcome in [Outcome::Done, Outcome::Refused, Outcome::HeldUp, Outcome::Failed] {
        counter!(SIGN_INS, "outcome" => name(outcome)).absolute(0);
    }
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::HeldUp => "held_up",
        Outcome::Failed => "failed",
    }
}

pub(crate) fn sign_in(outcome: Outcome) {
    counter!(SIGN_INS, "outcome" => name(outcome)).increment(1);
}

pub(crate) fn open_sessions(count: u32) {
    gauge!(OPEN_SESSIONS).set(f64::from(count));
}

pub(crate) fn accesses_lost(count: usize) {
    counter!(ACCESSES_LOST).increment(count as u64);
}

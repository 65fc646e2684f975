//! Sums of a group, and how they are shown: counts are added, then divided.

use domain::counts::{Bin, Counts, Figure, Histogram, Tally};
use domain::policy::{ServiceLevelPolicy, Share};
use wire::v1::reporting as proto;

/// The sums of a group: everything but `contacts` of the task types asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) tally: Tally,
    pub(crate) contacts: i64,
    /// What the service level is the ratio of: each hotline measured by its own threshold.
    pub(crate) share: Share,
}

impl Sum {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.contacts += other.contacts;
        self.share += other.share;
    }

    /// Adds counts of a task type that was asked for.
    pub(crate) fn count(&mut self, tally: &Tally, policy: &ServiceLevelPolicy) {
        self.tally.merge(tally);
        self.share += policy.measure(tally, 0);
    }

    /// Visits that wait, and not yet longer than the threshold, are no samples.
    pub(crate) fn leave_out(&mut self, waiting_within: i64, policy: &ServiceLevelPolicy) {
        self.share += policy.measure(&Tally::default(), waiting_within);
    }

    /// Answered visits without a ticket, of all that were answered.
    pub(crate) fn settled(&self) -> Share {
        let answered = self.tally.counts.get(Figure::Answered);
        Share {
            met: answered - self.tally.counts.get(Figure::AnsweredWithTicket),
            of: answered,
        }
    }

    /// The average handling time of an answered visit in milliseconds.
    pub(crate) fn average_handle_ms(&self) -> Option<f64> {
        let counts = &self.tally.counts;
        average(handle_ms(counts), counts.get(Figure::Answered))
    }
}

/// A threshold that has an exact answer.
pub(crate) fn lies_on_an_edge(seconds: u32) -> bool {
    Bin::at_edge(i64::from(seconds)).is_some()
}

fn handle_ms(counts: &Counts) -> i64 {
    use Figure as F;
    [F::TalkMs, F::HoldMs, F::AfterCallWorkMs]
        .into_iter()
        .map(|figure| counts.get(figure))
        .sum()
}

fn average(sum: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| sum as f64 / of as f64)
}

/// A group as it is told.
pub(crate) fn shown(name: &str, sum: &Sum, policy: &ServiceLevelPolicy, within: &[u32]) -> proto::Totals {
    use Figure as F;
    let tally = &sum.tally;
    let get = |figure| tally.counts.get(figure);
    let count_within = |histogram: &Histogram| {
        let visits = |seconds: &u32| proto::Within {
            seconds: *seconds,
            visits: histogram.within(i64::from(*seconds)).unwrap_or(0),
        };
        within.iter().map(visits).collect()
    };
    let (answered, abandoned) = (get(F::Answered), get(F::Abandoned));
    proto::Totals {
        group: name.to_owned(),
        contacts: sum.contacts,
        not_offered: tally.counts.not_offered(),
        abandoned_before_queue: get(F::AbandonedBeforeQueue),
        busy: get(F::Busy),
        out_of_hours: get(F::OutOfHours),
        no_answer: get(F::NoAnswer),
        failed: get(F::Failed),
        offered: get(F::Offered),
        answered,
        abandoned,
        short_abandoned: policy.short_abandoned(&tally.time_to_abandon),
        overflowed: get(F::Overflowed),
        diverted: get(F::Diverted),
        unresolved: get(F::Unresolved),
        waiting: get(F::Waiting),
        answered_within: count_within(&tally.time_to_answer),
        abandoned_within: count_within(&tally.time_to_abandon),
        answered_without_time: get(F::AnsweredWithoutTime),
        abandoned_without_time: get(F::AbandonedWithoutTime),
        time_to_answer_ms: get(F::TimeToAnswerMs),
        time_to_abandon_ms: get(F::TimeToAbandonMs),
        longest_time_to_answer_ms: tally.longest_time_to_answer_ms,
        longest_time_to_abandon_ms: tally.longest_time_to_abandon_ms,
        wait_ms: get(F::WaitMs),
        ring_ms: get(F::RingMs),
        talk_ms: get(F::TalkMs),
        hold_ms: get(F::HoldMs),
        after_call_work_ms: get(F::AfterCallWorkMs),
        service_level: sum.share.ratio(),
        service_level_met: sum.share.met,
        service_level_of: sum.share.of,
        transfers: get(F::Transfers),
        overflowed_in: get(F::OverflowedIn),
        network_overflows: get(F::NetworkOverflows),
        voice_messages: get(F::VoiceMessages),
        callbacks_logged: get(F::CallbacksLogged),
        answered_with_ticket: get(F::AnsweredWithTicket),
        consults: get(F::Consults),
        consult_connections: get(F::ConsultConnections),
        consult_talk_ms: get(F::ConsultTalkMs),
        outbound: outbound(&tally.counts),
        average_speed_of_answer_ms: average(get(F::TimeToAnswerMs), answered - get(F::AnsweredWithoutTime)),
        average_time_to_abandon_ms: average(
            get(F::TimeToAbandonMs),
            abandoned - get(F::AbandonedWithoutTime),
        ),
        average_handle_ms: sum.average_handle_ms(),
        average_talk_ms: average(get(F::TalkMs), answered),
        average_hold_ms: average(get(F::HoldMs), answered),
        average_after_call_work_ms: average(get(F::AfterCallWorkMs), answered),
        settled_at_first_contact: sum.settled().ratio(),
    }
}

/// What was placed; absent where nothing was.
fn outbound(counts: &Counts) -> Option<proto::Outbound> {
    use Figure as F;
    let outbound = proto::Outbound {
        placed: counts.get(F::OutboundPlaced),
        reached: counts.get(F::OutboundReached),
        busy: counts.get(F::OutboundBusy),
        no_answer: counts.get(F::OutboundNoAnswer),
        failed: counts.get(F::OutboundFailed),
        talk_ms: counts.get(F::OutboundTalkMs),
        dialer_placed: counts.get(F::DialerPlaced),
        dialer_reached: counts.get(F::DialerReached),
    };
    (outbound != proto::Outbound::default()).then_some(outbound)
}

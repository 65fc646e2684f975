//! Counts per hotline, task type and quarter of an hour. They add and subtract exactly; ratios are never stored.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};

use crate::ids::HotlineName;
use crate::record::TaskType;

/// Length of an interval in seconds: 15 minutes, in UTC.
pub const INTERVAL_SECONDS: i64 = 15 * 60;

/// A quarter of an hour, half-open, in UTC: seconds since 1970 divided by [`INTERVAL_SECONDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub i64);

impl Interval {
    /// The interval that contains a time.
    pub fn containing(at: DateTime<Utc>) -> Self {
        Self(at.timestamp().div_euclid(INTERVAL_SECONDS))
    }

    /// The one after it.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// When it starts.
    pub fn start(self) -> DateTime<Utc> {
        Utc.timestamp_opt(self.0 * INTERVAL_SECONDS, 0)
            .single()
            .expect("intervals come from times")
    }
}

/// What a row of counts belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountKey {
    /// Where a visit is booked: the interval in which it was offered.
    pub interval: Interval,
    /// Whose.
    pub hotline: HotlineName,
    /// What kind of contact.
    pub task_type: TaskType,
}

macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// What is counted or summed. Sums carry their unit in the name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum Figure { $($(#[$doc])* $variant,)* }

        impl Figure {
            /// Every figure, in the order of its column.
            pub const ALL: &'static [Figure] = &[$(Figure::$variant,)*];

            /// The name in JSON and of the column in the store.
            pub fn name(self) -> &'static str {
                match self { $(Figure::$variant => $name,)* }
            }
        }
    };
}

figures! {
    /// Contacts of any kind, booked at field 1 to the hotline of field 5.
    Contacts "contacts",
    /// Not offered: hung up before the queue.
    AbandonedBeforeQueue "not_offered_abandoned_before_queue",
    /// Not offered: busy.
    Busy "not_offered_busy",
    /// Not offered: outside the service time.
    OutOfHours "not_offered_out_of_hours",
    /// Not offered: no answer.
    NoAnswer "not_offered_no_answer",
    /// Not offered: a fault.
    Failed "not_offered_failed",
    /// Visits that entered the queue.
    Offered "offered",
    /// Visits ended by an agent's answer.
    Answered "answered",
    /// Visits ended by the citizen's hang-up.
    Abandoned "abandoned",
    /// Visits that left for another hotline or network.
    Overflowed "overflowed",
    /// Visits that left for a voice message, an announcement or closing time.
    Diverted "diverted",
    /// Visits whose end never arrived.
    Unresolved "unresolved",
    /// Visits still in the queue.
    Waiting "waiting",
    /// Answered visits without a known wait: in no threshold, histogram or average.
    AnsweredWithoutTime "answered_without_time",
    /// Abandoned visits without a known wait.
    AbandonedWithoutTime "abandoned_without_time",
    /// Σ (wait + ring) of answered visits.
    TimeToAnswerMs "time_to_answer_ms",
    /// Σ (wait + ring) of abandoned visits.
    TimeToAbandonMs "time_to_abandon_ms",
    /// Σ wait of all visits.
    WaitMs "wait_ms",
    /// Σ ring of all visits.
    RingMs "ring_ms",
    /// Σ talk.
    TalkMs "talk_ms",
    /// Σ hold.
    HoldMs "hold_ms",
    /// Σ after-call work.
    AfterCallWorkMs "after_call_work_ms",
    /// Consultations started.
    Consults "consults",
    /// Consultations answered.
    ConsultConnections "consult_connections",
    /// Σ consultation talk.
    ConsultTalkMs "consult_talk_ms",
    /// Calls handed on out of a visit.
    Transfers "transfers",
    /// Visits that came in by overflow from another hotline.
    OverflowedIn "overflowed_in",
    /// Overflows to another network or site.
    NetworkOverflows "network_overflows",
    /// Voice messages left.
    VoiceMessages "voice_messages",
    /// Callback requests that became tickets.
    CallbacksLogged "callbacks_logged",
    /// Answered visits whose call led to a ticket: not settled at first contact.
    AnsweredWithTicket "answered_with_ticket",
    /// Outbound, contact-centre and dialer contacts placed.
    OutboundPlaced "outbound_placed",
    /// … that were answered.
    OutboundReached "outbound_reached",
    /// … that were not: busy.
    OutboundBusy "outbound_busy",
    /// … that were not: nobody answered.
    OutboundNoAnswer "outbound_no_answer",
    /// … that were not: a fault or another end.
    OutboundFailed "outbound_failed",
    /// Σ talk of outbound contacts.
    OutboundTalkMs "outbound_talk_ms",
    /// Outbound contacts that the dialer placed.
    DialerPlaced "dialer_placed",
    /// … that were answered.
    DialerReached "dialer_reached",
}

/// One number for each [`Figure`]. Differences may be negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts([i64; Figure::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Figure::ALL.len()])
    }
}

impl Counts {
    /// The number of a figure.
    pub fn get(&self, figure: Figure) -> i64 {
        self.0[figure as usize]
    }

    /// Adds to a figure.
    pub fn add(&mut self, figure: Figure, amount: i64) {
        self.0[figure as usize] += amount;
    }

    /// Adds `times` the other counts; −1 takes them away.
    pub fn add_all(&mut self, other: &Self, times: i64) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += times * theirs;
        }
    }

    /// Whether nothing is counted.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    /// Contacts that ended before the queue, all reasons together.
    pub fn not_offered(&self) -> i64 {
        use Figure as F;
        [
            F::AbandonedBeforeQueue,
            F::Busy,
            F::OutOfHours,
            F::NoAnswer,
            F::Failed,
        ]
        .into_iter()
        .map(|figure| self.get(figure))
        .sum()
    }

    /// Offered minus the sum of its outcomes: zero in every interval, at every moment.
    pub fn imbalance(&self) -> i64 {
        use Figure as F;
        let outcomes: i64 = [
            F::Answered,
            F::Abandoned,
            F::Overflowed,
            F::Diverted,
            F::Unresolved,
            F::Waiting,
        ]
        .into_iter()
        .map(|figure| self.get(figure))
        .sum();
        self.get(F::Offered) - outcomes
    }
}

/// Which duration a histogram counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistogramKind {
    /// Wait and ring of answered visits.
    TimeToAnswer,
    /// Wait and ring of abandoned visits.
    TimeToAbandon,
}

impl HistogramKind {
    /// Both kinds.
    pub const ALL: [HistogramKind; 2] = [HistogramKind::TimeToAnswer, HistogramKind::TimeToAbandon];

    /// The number that is stored.
    pub fn code(self) -> i16 {
        match self {
            Self::TimeToAnswer => 1,
            Self::TimeToAbandon => 2,
        }
    }

    /// Reads what [`Self::code`] gave.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A bin of a histogram, named by its upper edge in seconds (inclusive): 0, 1, … 120, then coarser.
///
/// A duration of `d` milliseconds is in the first bin whose edge is at least `d`: whole-second thresholds that lie
/// on an edge are therefore exact. [`Bin::ABOVE`] holds what is longer than the last edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin(i16);

impl Bin {
    /// The edges above 120 seconds.
    pub const COARSE_EDGES: [i16; 10] = [135, 150, 180, 240, 300, 420, 600, 900, 1800, 3600];
    /// Everything above 3600 seconds.
    pub const ABOVE: Bin = Bin(i16::MAX);

    /// The bin of a duration.
    pub fn of_ms(duration_ms: i64) -> Self {
        let seconds = duration_ms.max(0).saturating_add(999) / 1000;
        if seconds <= 120 {
            return Self(seconds as i16);
        }
        Self::COARSE_EDGES
            .into_iter()
            .find(|edge| seconds <= i64::from(*edge))
            .map_or(Self::ABOVE, Self)
    }

    /// The bin whose upper edge is this threshold, if it lies on an edge; other thresholds have no exact answer.
    pub fn at_edge(threshold_seconds: i64) -> Option<Self> {
        let bin = Self::of_ms(threshold_seconds.checked_mul(1000)?);
        (threshold_seconds >= 0 && i64::from(bin.0) == threshold_seconds).then_some(bin)
    }

    /// The upper edge in seconds; `i16::MAX` for [`Bin::ABOVE`].
    pub fn edge_seconds(self) -> i16 {
        self.0
    }

    /// How far the durations in it lie apart, in seconds: none for [`Bin::ABOVE`].
    pub fn width_seconds(self) -> Option<i64> {
        if self == Self::ABOVE {
            return None;
        }
        let below = (0..=120)
            .chain(Self::COARSE_EDGES)
            .take_while(|edge| *edge < self.0);
        Some(below.last().map_or(0, |edge| i64::from(self.0 - edge)))
    }

    /// Reads what [`Bin::edge_seconds`] gave.
    pub fn from_edge(edge: i16) -> Option<Self> {
        let is_edge =
            (0..=120).contains(&edge) || Self::COARSE_EDGES.contains(&edge) || edge == Self::ABOVE.0;
        is_edge.then_some(Self(edge))
    }
}

/// Rows of counts by duration, shortest first. They add and subtract like all counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<(Bin, i64)>);

impl Histogram {
    /// Adds to a bin; a bin that becomes zero is forgotten.
    pub fn add(&mut self, bin: Bin, amount: i64) {
        if self.0.last().is_none_or(|(last, _)| *last < bin) {
            if amount != 0 {
                self.0.push((bin, amount));
            }
            return;
        }
        match self.0.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(place) => {
                self.0[place].1 += amount;
                if self.0[place].1 == 0 {
                    self.0.remove(place);
                }
            }
            Err(_) if amount == 0 => {}
            Err(place) => self.0.insert(place, (bin, amount)),
        }
    }

    /// Makes room for bins that are about to be added.
    pub fn reserve(&mut self, bins: usize) {
        self.0.reserve(bins);
    }

    /// Adds `times` the other histogram.
    pub fn add_all(&mut self, other: &Self, times: i64) {
        self.0.reserve(other.0.len().saturating_sub(self.0.len()));
        for (bin, count) in &other.0 {
            self.add(*bin, times * count);
        }
    }

    /// The bins that are not zero, shortest first.
    pub fn bins(&self) -> impl Iterator<Item = (Bin, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Durations of at most the threshold, whole seconds, inclusive; `None` if it does not lie on an edge.
    pub fn within(&self, threshold_seconds: i64) -> Option<i64> {
        let edge = Bin::at_edge(threshold_seconds)?;
        let within = self.0.iter().take_while(|(bin, _)| *bin <= edge);
        Some(within.map(|(_, count)| count).sum())
    }
}

/// Everything that a call adds to one row of counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counts and sums.
    pub counts: Counts,
    /// Times to answer.
    pub time_to_answer: Histogram,
    /// Times to abandon.
    pub time_to_abandon: Histogram,
    /// Longest time to answer in milliseconds. A maximum: it is not part of differences.
    pub longest_time_to_answer_ms: Option<i64>,
    /// Longest time to abandon in milliseconds.
    pub longest_time_to_abandon_ms: Option<i64>,
}

impl Tally {
    /// The histogram of a kind.
    pub fn histogram(&self, kind: HistogramKind) -> &Histogram {
        match kind {
            HistogramKind::TimeToAnswer => &self.time_to_answer,
            HistogramKind::TimeToAbandon => &self.time_to_abandon,
        }
    }

    /// The histogram of a kind, to add to.
    pub fn histogram_mut(&mut self, kind: HistogramKind) -> &mut Histogram {
        match kind {
            HistogramKind::TimeToAnswer => &mut self.time_to_answer,
            HistogramKind::TimeToAbandon => &mut self.time_to_abandon,
        }
    }

    /// Adds another tally: counts and histograms add, the longest is the longer.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add_all(&other.counts, 1);
        self.time_to_answer.add_all(&other.time_to_answer, 1);
        self.time_to_abandon.add_all(&other.time_to_abandon, 1);
        self.longest_time_to_answer_ms = self
            .longest_time_to_answer_ms
            .max(other.longest_time_to_answer_ms);
        self.longest_time_to_abandon_ms = self
            .longest_time_to_abandon_ms
            .max(other.longest_time_to_abandon_ms);
    }
}

/// What a call adds, by row of counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution(pub BTreeMap<CountKey, Tally>);

impl Contribution {
    /// The tally of a row, made when it is not there yet.
    pub fn row(&mut self, interval: Interval, hotline: &HotlineName, task_type: TaskType) -> &mut Tally {
        self.0
            .entry(CountKey {
                interval,
                hotline: hotline.clone(),
                task_type,
            })
            .or_default()
    }
}

/// How one row of counts moves when calls change: the sum of their new contributions minus the old ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Movement {
    /// Differences of counts and histograms; `longest_…` hold the longest that came in.
    pub difference: Tally,
    /// Whether a time to answer or to abandon was taken away: the longest must then be read again from the visits.
    pub times_retracted: bool,
}

impl Movement {
    /// Whether the row stays as it is.
    pub fn is_nothing(&self) -> bool {
        !self.times_retracted
            && self.difference.counts.is_zero()
            && self.difference.time_to_answer.bins().next().is_none()
            && self.difference.time_to_abandon.bins().next().is_none()
            && self.difference.longest_time_to_answer_ms.is_none()
            && self.difference.longest_time_to_abandon_ms.is_none()
    }
}

/// The movements of a batch, by row.
#[derive(Clone, Debug, Default)]
pub struct Movements(pub BTreeMap<CountKey, Movement>);

impl Movements {
    /// Takes the old contribution of a call away and adds the new one.
    pub fn replace(&mut self, old: &Contribution, new: &Contribution) {
        for (key, tally) in &new.0 {
            let movement = self.0.entry(key.clone()).or_default();
            movement.difference.merge(tally);
        }
        for (key, tally) in &old.0 {
            let unchanged = new.0.get(key).is_some_and(|new| {
                new.longest_time_to_answer_ms == tally.longest_time_to_answer_ms
                    && new.longest_time_to_abandon_ms == tally.longest_time_to_abandon_ms
            });
            let movement = self.0.entry(key.clone()).or_default();
            movement.difference.counts.add_all(&tally.counts, -1);
            movement
                .difference
                .time_to_answer
                .add_all(&tally.time_to_answer, -1);
            movement
                .difference
                .time_to_abandon
                .add_all(&tally.time_to_abandon, -1);
            let has_times =
                tally.longest_time_to_answer_ms.is_some() || tally.longest_time_to_abandon_ms.is_some();
            movement.times_retracted |= has_times && !unchanged;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bin_of_its_started_second() {
        assert_eq!(Bin::of_ms(0).edge_seconds(), 0);
        assert_eq!(Bin::of_ms(1).edge_seconds(), 1);
        assert_eq!(Bin::of_ms(30_000).edge_seconds(), 30);
        assert_eq!(Bin::of_ms(30_001).edge_seconds(), 31);
        assert_eq!(Bin::of_ms(120_001).edge_seconds(), 135);
        assert_eq!(Bin::of_ms(3_600_001), Bin::ABOVE);
    }

    #[test]
    fn a_threshold_between_edges_is_refused() {
        let mut histogram = Histogram::default();
        histogram.add(Bin::of_ms(30_000), 2);
        histogram.add(Bin::of_ms(30_001), 1);
        assert_eq!(histogram.within(30), Some(2));
        assert_eq!(histogram.within(31), Some(3));
        assert_eq!(histogram.within(125), None);
        assert_eq!(histogram.within(-1), None);
    }

    #[test]
    fn every_edge_reads_back() {
        for seconds in (0..=120).chain(Bin::COARSE_EDGES) {
            let bin = Bin::at_edge(i64::from(seconds)).expect("an edge");
            assert_eq!(Bin::from_edge(bin.edge_seconds()), Some(bin));
        }
        assert_eq!(Bin::from_edge(Bin::ABOVE.edge_seconds()), Some(Bin::ABOVE));
    }

    #[test]
    fn a_replaced_contribution_leaves_no_trace() {
        let hotline = HotlineName::new("Bürgertelefon");
        let mut contribution = Contribution::default();
        let row = contribution.row(Interval(0), &hotline, TaskType::InboundCall);
        row.counts.add(Figure::Offered, 1);
        row.time_to_answer.add(Bin::of_ms(5000), 1);
        row.longest_time_to_answer_ms = Some(5000);
        let mut movements = Movements::default();
        movements.replace(&contribution, &contribution);
        let movement = movements.0.into_values().next().expect("one row");
        assert!(movement.difference.counts.is_zero());
        assert!(!movement.times_retracted);
        assert_eq!(movement.difference.time_to_answer, Histogram::default());
    }
}

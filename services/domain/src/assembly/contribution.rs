//! What an assembled call adds to the counts.

use crate::assembly::CallState;
use crate::counts::{Bin, Contribution, Figure, Interval, Tally};
use crate::event::OutboundOutcome;
use crate::record::{CallRecord, ConnectionStatus, TaskType};
use crate::report::CallbackLogged;
use crate::visit::{NotOffered, Outcome, Placement, Visit, placement};

/// What a call with its callbacks adds, where it counts. Callbacks come from ticketing and always count.
pub(super) fn of(state: &CallState) -> Contribution {
    let mut contribution = Contribution::default();
    let call = &state.assembled();
    let callbacks: &[CallbackLogged] = &state.callbacks;
    let record = call.record.as_ref();
    if let Some(record) = record.filter(|record| state.counts_for(&record.hotline)) {
        let row = contribution.row(
            Interval::containing(record.started_at),
            &record.hotline,
            record.task_type,
        );
        row.counts.add(Figure::Contacts, 1);
        if record.is_outbound() {
            add_outbound(row, record, call.outbound);
        } else if call.visits.is_empty()
            && !call.open
            && let Placement::NotOffered(reason) = placement(record.connection_status)
        {
            row.counts.add(not_offered_figure(reason), 1);
        }
        if call.visits.is_empty() && record.voice_message_recorded == Some(true) {
            row.counts.add(Figure::VoiceMessages, 1);
        }
    }
    for visit in counted(state, &call.visits) {
        let row = contribution.row(
            Interval::containing(visit.offered_at),
            &visit.hotline,
            visit.task_type,
        );
        add_visit(&mut *row, visit);
    }
    for callback in callbacks {
        let task_type = call
            .record
            .as_ref()
            .map_or(TaskType::InboundCall, |record| record.task_type);
        let row = contribution.row(Interval::containing(callback.at), &callback.hotline, task_type);
        row.counts.add(Figure::CallbacksLogged, 1);
    }
    if !callbacks.is_empty()
        && let Some(visit) = counted(state, &call.visits)
            .rev()
            .find(|visit| visit.outcome == Outcome::Answered)
    {
        let row = contribution.row(
            Interval::containing(visit.offered_at),
            &visit.hotline,
            visit.task_type,
        );
        row.counts.add(Figure::AnsweredWithTicket, 1);
    }
    contribution
}

fn counted<'a>(state: &CallState, visits: &'a [Visit]) -> impl DoubleEndedIterator<Item = &'a Visit> {
    visits.iter().filter(|visit| state.counts_for(&visit.hotline))
}

fn not_offered_figure(reason: NotOffered) -> Figure {
    match reason {
        NotOffered::AbandonedBeforeQueue => Figure::AbandonedBeforeQueue,
        NotOffered::Busy => Figure::Busy,
        NotOffered::OutOfHours => Figure::OutOfHours,
        NotOffered::NoAnswer => Figure::NoAnswer,
        NotOffered::Failed => Figure::Failed,
    }
}

fn add_outbound(row: &mut Tally, record: &CallRecord, told: Option<OutboundOutcome>) {
    let outcome = told.unwrap_or(match record.connection_status {
        ConnectionStatus::Answered => OutboundOutcome::Reached,
        ConnectionStatus::Busy => OutboundOutcome::Busy,
        ConnectionStatus::NoAnswer => OutboundOutcome::NoAnswer,
        _ => OutboundOutcome::Failed,
    });
    let by_dialer = record.dialer_contact == Some(true);
    let counts = &mut row.counts;
    counts.add(Figure::OutboundPlaced, 1);
    counts.add(Figure::DialerPlaced, i64::from(by_dialer));
    counts.add(Figure::OutboundTalkMs, record.talk_ms.unwrap_or(0));
    match outcome {
        OutboundOutcome::Reached => {
            counts.add(Figure::OutboundReached, 1);
            counts.add(Figure::DialerReached, i64::from(by_dialer));
        }
        OutboundOutcome::Busy => counts.add(Figure::OutboundBusy, 1),
        OutboundOutcome::NoAnswer => counts.add(Figure::OutboundNoAnswer, 1),
        OutboundOutcome::Failed => counts.add(Figure::OutboundFailed, 1),
    }
}

fn add_visit(row: &mut Tally, visit: &Visit) {
    row.counts.add(Figure::Offered, 1);
    let figure = match visit.outcome {
        Outcome::Waiting => Figure::Waiting,
        Outcome::Answered => Figure::Answered,
        Outcome::Abandoned => Figure::Abandoned,
        Outcome::Overflowed => Figure::Overflowed,
        Outcome::Diverted => Figure::Diverted,
        Outcome::Unresolved => Figure::Unresolved,
    };
    row.counts.add(figure, 1);
    add_time_in_queue(row, visit);
    for (figure, amount) in [
        (Figure::WaitMs, visit.wait_ms.unwrap_or(0)),
        (Figure::RingMs, visit.ring_ms.unwrap_or(0)),
        (Figure::TalkMs, visit.talk_ms.unwrap_or(0)),
        (Figure::HoldMs, visit.hold_ms.unwrap_or(0)),
        (Figure::AfterCallWorkMs, visit.after_call_work_ms.unwrap_or(0)),
        (Figure::Consults, i64::from(visit.consult_count)),
        (
            Figure::ConsultConnections,
            i64::from(visit.consult_connection_count),
        ),
        (Figure::ConsultTalkMs, visit.consult_talk_ms),
        (Figure::Transfers, i64::from(visit.transfer_count)),
        (Figure::OverflowedIn, i64::from(visit.overflowed_in)),
        (Figure::NetworkOverflows, i64::from(visit.network_overflow_count)),
        (Figure::VoiceMessages, i64::from(visit.voice_message)),
    ] {
        row.counts.add(figure, amount);
    }
}

fn add_time_in_queue(row: &mut Tally, visit: &Visit) {
    let (sum, without, histogram, longest) = match visit.outcome {
        Outcome::Answered => (
            Figure::TimeToAnswerMs,
            Figure::AnsweredWithoutTime,
            &mut row.time_to_answer,
            &mut row.longest_time_to_answer_ms,
        ),
        Outcome::Abandoned => (
            Figure::TimeToAbandonMs,
            Figure::AbandonedWithoutTime,
            &mut row.time_to_abandon,
            &mut row.longest_time_to_abandon_ms,
        ),
        _ => return,
    };
    let Some(time_ms) = visit.time_in_queue_ms() else {
        row.counts.add(without, 1);
        return;
    };
    row.counts.add(sum, time_ms);
    histogram.add(Bin::of_ms(time_ms), 1);
    *longest = (*longest).max(Some(time_ms));
}

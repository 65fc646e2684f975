//! Ends or holds the node at a chosen call of the store of tickets, of retention, of an erasure or of the bus, for tests of faults. Only in builds
//! with debug assertions; no role knows of it.
//!
//! `NRWDIREKT_TEST_CRASH=tickets.log:after:1` ends the process right after the first ticket was written, as a power
//! failure would: nothing is flushed, nobody is told. `NRWDIREKT_TEST_PAUSE` takes the same and holds the process by
//! SIGSTOP, until it gets a SIGCONT.

mod bus;
mod entries;
mod erasure;
mod retention;
mod tickets;

use std::process::abort;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use store::scrub::Scrub;
use store::tickets::TicketStore;

use crate::exit::Failure;
use crate::storage::{Erasing, Retention};

const CRASH: &str = "NRWDIREKT_TEST_CRASH";
const PAUSE: &str = "NRWDIREKT_TEST_PAUSE";

macro_rules! points {
    ($($point:ident = $name:literal,)+) => {
        /// A method that can be cut: each of the wrapped interfaces has one of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Point { $($point,)+ }

        /// All of them, by the names that the variables know.
        const POINTS: &[(Point, &str)] = &[$((Point::$point, $name),)+];
    };
}

points! {
    Log = "tickets.log",
    LoggedBefore = "tickets.logged_before",
    Add = "tickets.add",
    Ticket = "tickets.ticket",
    List = "tickets.list",
    Find = "tickets.find",
    Acquaintance = "tickets.acquaintance",
    Record = "tickets.record",
    Pending = "tickets.pending",
    MarkPublished = "tickets.mark_published",
    SetAside = "tickets.set_aside",
    MarkTombstoned = "tickets.mark_tombstoned",
    MarkResultsPublished = "tickets.mark_results_published",
    CallNotices = "tickets.call_notices",
    MarkNoticesPublished = "tickets.mark_notices_published",
    ReplyPositions = "tickets.reply_positions",
    ReplyOutcome = "tickets.reply_outcome",
    SettleReply = "tickets.settle_reply",
    SkipReplies = "tickets.skip_replies",
    TakeLeases = "tickets.take_leases",
    ReleaseLeases = "tickets.release_leases",
    EndedBefore = "tickets.ended_before",
    ProbeTickets = "tickets.probe",
    SeatsTaken = "tickets.seats_taken",
    Alarming = "tickets.alarming",
    Overdue = "tickets.overdue",
    EraseEntries = "entries.erase",
    TopicId = "bus.topic_id",
    ApplyTopics = "bus.apply_topics",
    CheckTopics = "bus.check_topics",
    Publish = "bus.publish",
    Publisher = "bus.publisher",
    Reader = "bus.reader",
    ReaderAlone = "bus.reader_alone",
    Ends = "bus.ends",
    Forget = "bus.forget",
    ScrubBus = "bus.scrub",
    Stays = "bus.stays",
    ProbeBus = "bus.probe",
    PublishAsOwner = "publisher.publish",
    Next = "reader.next",
    Seek = "reader.seek",
    BeginRun = "retention.begin_run",
    HastenEnds = "retention.hasten_ends",
    PurgeTickets = "retention.purge_tickets",
    DropPastPart = "retention.drop_past_part",
    PurgeCalls = "retention.purge_calls",
    ForgetIdentities = "retention.forget_identities",
    TakeOutAgents = "retention.take_out_agents",
    PurgeRejected = "retention.purge_rejected",
    PurgeRejectedReplies = "retention.purge_rejected_replies",
    PurgeCases = "retention.purge_cases",
    CutAudit = "retention.cut_audit",
    TakeOverCalls = "retention.take_over_calls",
    TakeOverTickets = "retention.take_over_tickets",
    TakeOverAccess = "retention.take_over_access",
    EmptyCallLog = "retention.empty_call_log",
    EmptyTicketLog = "retention.empty_ticket_log",
    EmptyAccessLog = "retention.empty_access_log",
    FinishRun = "retention.finish_run",
    EnterOrder = "erasure.enter_order",
    AddCalls = "erasure.add_calls",
    NoteStep = "erasure.note_step",
    CloseOrder = "erasure.close_order",
    ReopenOrder = "erasure.reopen_order",
    StrayReplies = "erasure.stray_replies",
    ForgetStrayReplies = "erasure.forget_stray_replies",
    EraseCallers = "erasure.erase_callers",
    EraseRejected = "erasure.erase_rejected",
    CallersThat = "erasure.callers_that",
    ScrubStore = "erasure.scrub_store",
    ScrubOwed = "erasure.scrub_owed",
}

/// Where in the work of a node something happens to it, and what.
struct Cut {
    point: Point,
    moment: Moment,
    /// The how manieth call, from 1.
    call: u64,
    calls: AtomicU64,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Crash,
    Pause,
}

impl Cut {
    /// What the environment asks for.
    fn of_environment() -> anyhow::Result<Option<Self>> {
        for (variable, fate) in [(CRASH, Fate::Crash), (PAUSE, Fate::Pause)] {
            if let Ok(text) = std::env::var(variable) {
                let cut = Self::read(&text, fate);
                return cut
                    .map(Some)
                    .ok_or_else(|| Failure::usage(format!("{variable}: {}", usage())));
            }
        }
        Ok(None)
    }

    fn read(text: &str, fate: Fate) -> Option<Self> {
        let mut parts = text.split(':');
        let name = parts.next()?;
        let (point, _) = POINTS.iter().find(|(_, known)| *known == name)?;
        let moment = match parts.next()? {
            "before" => Moment::Before,
            "after" => Moment::After,
            _ => return None,
        };
        let call = parts.next()?.parse().ok().filter(|call| *call > 0)?;
        parts.next().is_none().then_some(Self {
            point: *point,
            moment,
            call,
            calls: AtomicU64::new(0),
            fate,
        })
    }

    /// Does the work of a method, unless its time has come.
    async fn around<T>(&self, point: Point, work: impl Future<Output = T>) -> T {
        let is_due = self.point == point && self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.call;
        if is_due && self.moment == Moment::Before {
            self.strike();
        }
        let outcome = work.await;
        if is_due && self.moment == Moment::After {
            self.strike();
        }
        outcome
    }

    fn strike(&self) {
        if self.fate == Fate::Crash || kill_process(getpid(), Signal::STOP).is_err() {
            // Tests cut hundreds of times: no file of the whole memory for each. What cannot be set is no fault.
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            let _ = setrlimit(Resource::Core, none);
            abort();
        }
        // The signal stops all threads, in its own time: this one does not go on before.
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn usage() -> String {
    let names: Vec<&str> = POINTS.iter().map(|(_, name)| *name).collect();
    format!(
        "write POINT:before:CALL or POINT:after:CALL, with one of these points: {}",
        names.join(", ")
    )
}

/// Bus and stores with the failpoint before them.
type Wrapped = (Arc<dyn ::bus::Bus>, Arc<dyn TicketStore>, Retention, Erasing);

/// Puts the failpoint that the environment asks for, if any, before bus and stores.
pub(crate) fn wrap(
    bus: Arc<dyn ::bus::Bus>,
    store: Arc<dyn TicketStore>,
    stores: Retention,
    erasing: Erasing,
) -> anyhow::Result<Wrapped> {
    let Some(cut) = Cut::of_environment()?.map(Arc::new) else {
        return Ok((bus, store, stores, erasing));
    };
    let bus = bus::CutBus {
        bus,
        cut: Arc::clone(&cut),
    };
    let stores = Retention {
        calls: Arc::new(retention::CutCallRetention {
            store: stores.calls,
            cut: Arc::clone(&cut),
        }),
        tickets: Arc::new(retention::CutTicketRetention {
            store: stores.tickets,
            cut: Arc::clone(&cut),
        }),
        runs: Arc::new(retention::CutRuns {
            store: stores.runs,
            cut: Arc::clone(&cut),
        }),
        ..stores
    };
    let scrub = |unit| -> Arc<dyn Scrub> {
        Arc::new(erasure::CutScrub {
            unit,
            cut: Arc::clone(&cut),
        })
    };
    let erasing = Erasing {
        orders: Arc::new(erasure::CutOrders {
            store: erasing.orders,
            cut: Arc::clone(&cut),
        }),
        callers: Arc::new(erasure::CutCallers {
            store: erasing.callers,
            cut: Arc::clone(&cut),
        }),
        entries: Arc::new(entries::CutEntries {
            store: erasing.entries,
            cut: Arc::clone(&cut),
        }),
        of_tickets: Arc::new(erasure::CutTicketErasure {
            store: erasing.of_tickets,
            cut: Arc::clone(&cut),
        }),
        scrubs: erasing.scrubs.into_iter().map(scrub).collect(),
    };
    Ok((
        Arc::new(bus),
        Arc::new(tickets::CutTickets { store, cut }),
        stores,
        erasing,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_names_point_moment_and_call() {
        let cut = Cut::read("tickets.log:after:2", Fate::Crash).unwrap();
        assert_eq!((cut.point, cut.moment, cut.call), (Point::Log, Moment::After, 2));
        for wrong in [
            "",
            "tickets.log",
            "tickets.log:after:0",
            "tickets.log:amid:1",
            "x:after:1",
            "bus.ends:after:1:2",
        ] {
            assert!(Cut::read(wrong, Fate::Crash).is_none(), "{wrong}");
        }
    }
}

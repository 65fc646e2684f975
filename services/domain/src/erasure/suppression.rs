//! What was erased and must not come back.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{ErasureOrder, MarkHash, MarkKey};
use crate::event::EventKind;
use crate::ids::Identity;
use crate::personal::Caller;
use crate::report::{CallReport, ReportBody};

/// The suppression list: identities and keyed hashes of what was erased, and when. A report of before an erasure loses who
/// called before it is kept; it counts as ever. What the same person does afterwards is not concerned.
#[derive(Clone, Debug)]
pub struct Suppression {
    key: MarkKey,
    /// Until when a mark was erased.
    marks: HashMap<MarkHash, DateTime<Utc>>,
    calls: HashSet<Identity>,
    rejected: HashSet<Identity>,
    shared: HashSet<MarkHash>,
}

impl Suppression {
    /// A list of nothing.
    pub fn new(key: MarkKey) -> Self {
        Self {
            key,
            marks: HashMap::new(),
            calls: HashSet::new(),
            rejected: HashSet::new(),
            shared: HashSet::new(),
        }
    }

    /// Adds what an order erases.
    pub fn add(&mut self, order: &ErasureOrder) {
        for mark in &order.marks {
            let until = self.marks.entry(*mark).or_insert(order.at);
            *until = (*until).max(order.at);
        }
        self.calls.extend(&order.calls);
        self.rejected.extend(order.rejected.iter().chain(&order.calls));
        self.shared.extend(&order.shared);
    }

    /// Takes out of a report who called, if that was erased. Returns whether it was.
    pub fn apply(&self, report: &mut CallReport) -> bool {
        let concerned = self.concerns(report);
        if concerned {
            report.body.take_out_person();
        }
        concerned
    }

    /// Whether the caller of a report was erased.
    pub fn concerns(&self, report: &CallReport) -> bool {
        self.calls.contains(&report.identity) || self.knows_caller(&report.body)
    }

    /// Whether a caller whose number is free of spelling was erased, whatever the time of the call.
    pub fn knows_number(&self, key: &str) -> bool {
        self.marks.contains_key(&self.key.caller_key(key))
    }

    /// Whether somebody who was erased had this number too, free of spelling: nobody knows whose its calls are.
    pub fn was_shared(&self, key: &str) -> bool {
        !self.shared.is_empty() && self.shared.contains(&self.key.caller_key(key))
    }

    /// Whether a rejected item was erased: it is kept without what was delivered.
    pub fn erases_item(&self, id: Identity) -> bool {
        self.rejected.contains(&id)
    }

    /// One hash for a report with a caller, and none while no mark was erased.
    fn knows_caller(&self, body: &ReportBody) -> bool {
        if self.marks.is_empty() {
            return false;
        }
        let (at, caller, dialled) = match body {
            ReportBody::Record(revised) => {
                let record = &revised.record;
                let dialled = record.dialled_address.as_deref().filter(|_| record.is_outbound());
                (record.started_at, record.caller.as_ref(), dialled)
            }
            ReportBody::Event(event) => match &event.kind {
                EventKind::Arrived { caller, .. } => (event.at, caller.as_ref(), event.dialled_by_house()),
                _ => return false,
            },
            ReportBody::Retracted | ReportBody::CallbackLogged(_) => return false,
        };
        let caller = match caller {
            Some(Caller::Given(given)) => Some(given.reveal()),
            _ => None,
        };
        caller.into_iter().chain(dialled).any(|delivered| {
            let until = self.marks.get(&self.key.caller(delivered));
            until.is_some_and(|until| at <= *until)
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;
    use crate::assembly::CallState;
    use crate::erasure::Mark;
    use crate::event::CallEvent;
    use crate::ids::{ErasureOrderId, HotlineName, ImportRun, SourceName};
    use crate::personal::Personal;
    use crate::record::{CallRecord, ConnectionStatus, TaskType};
    use crate::report::RevisedRecord;

    fn erased_at() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 27, 9, 0, 0).unwrap()
    }

    fn report(identity: u8, started_at: DateTime<Utc>, caller: &str) -> CallReport {
        let hotline = HotlineName::new("Steuern");
        let mut record = CallRecord::new(
            started_at,
            TaskType::InboundCall,
            hotline,
            ConnectionStatus::Answered,
        );
        record.caller = Some(Caller::Given(Personal::new(caller)));
        record.dialled_address = Some("0211 4710".to_owned());
        CallReport {
            identity: Identity([identity; 16]),
            source: SourceName::new("test"),
            call_id: None,
            run: ImportRun::new("run"),
            received_at: started_at,
            confirms: false,
            body: ReportBody::Record(RevisedRecord { revision: 0, record }),
        }
    }

    fn list() -> Suppression {
        let key = MarkKey::new([7; 32]);
        let order = ErasureOrder {
            id: ErasureOrderId::new("E-1"),
            at: erased_at(),
            by: String::new(),
            reason: String::new(),
            case: None,
            of_person: true,
            tickets: Vec::new(),
            calls: vec![Identity([9; 16])],
            entries: Vec::new(),
            rejected: Vec::new(),
            marks: key.hashes(Mark::Number("0221 1234567")),
            shared: Vec::new(),
        };
        let mut list = Suppression::new(key);
        list.add(&order);
        list
    }

    #[test]
    fn a_report_of_before_the_erasure_loses_the_caller_and_counts() {
        let before = erased_at() - TimeDelta::days(3);
        let mut of_number = report(1, before, "+49 221 1234567");
        let mut of_call = report(9, before, "0170 5551234");
        for concerned in [&mut of_number, &mut of_call] {
            let with_caller = concerned.clone();
            assert!(list().apply(concerned));
            let ReportBody::Record(revised) = &concerned.body else {
                unreachable!()
            };
            assert_eq!(revised.record.caller, None);
            assert_eq!(revised.record.dialled_address.as_deref(), Some("0211 4710"));
            let contribution = |report: &CallReport| {
                let mut state = CallState::default();
                state.apply(report.body.clone());
                state.contribution()
            };
            assert_eq!(contribution(concerned), contribution(&with_caller));
        }
    }

    #[test]
    fn whom_the_house_called_is_suppressed_too() {
        let before = erased_at() - TimeDelta::days(3);
        let mut record = report(1, before, "0211 4710");
        let ReportBody::Record(revised) = &mut record.body else {
            unreachable!()
        };
        revised.record.task_type = TaskType::OutboundCall;
        revised.record.dialled_address = Some("0221/1234567".to_owned());
        let mut event = record.clone();
        event.body = ReportBody::Event(CallEvent::new(
            before,
            EventKind::Arrived {
                task_type: TaskType::OutboundCall,
                hotline: HotlineName::new("Steuern"),
                caller: None,
                dialled_address: Some("+492211234567".to_owned()),
                direct_topic_dial: None,
                external_contact: None,
                inbound_contact: None,
                out_cc_contact: None,
            },
        ));
        for mut concerned in [record, event] {
            assert!(list().apply(&mut concerned));
            assert!(!format!("{:?}", concerned.body).contains("1234567"));
        }
    }

    #[test]
    fn others_and_what_comes_after_stay_as_they_are() {
        let (before, after) = (erased_at() - TimeDelta::days(3), erased_at() + TimeDelta::days(1));
        for mut other in [
            report(1, before, "0221 1234568"),
            report(1, after, "0221 1234567"),
        ] {
            let as_it_was = other.clone();
            assert!(!list().apply(&mut other));
            assert_eq!(other, as_it_was);
        }
    }
}

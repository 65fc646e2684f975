//! What handover measures.

use chrono::TimeDelta;
use domain::ids::DepartmentId;
use domain::ticket::Alarm;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const PUBLISHED: &str = "nrwdirekt_ticket_messages_published_total";
const HAND_OVER: &str = "nrwdirekt_hand_over_seconds";
const SET_ASIDE: &str = "nrwdirekt_ticket_messages_set_aside_total";
const REPLIES: &str = "nrwdirekt_ticket_replies_total";
const REPLIES_LOST: &str = "nrwdirekt_ticket_replies_lost_total";
const FAILURES: &str = "nrwdirekt_handover_failures_total";
const MAILS: &str = "nrwdirekt_mails_total";
const ENTRY_MAILS: &str = "nrwdirekt_entry_mails_total";
const CITIZEN_MAILS: &str = "nrwdirekt_citizen_mails_total";
const ENTRIES_ERASED: &str = "nrwdirekt_entries_erased_total";
const FORBIDDEN: &str = "nrwdirekt_handover_forbidden";
const OVERDUE: &str = "nrwdirekt_tickets_overdue";
const ALARMS: &str = "nrwdirekt_ticket_alarms_total";
const DEPARTMENTS: &str = "nrwdirekt_handover_departments";

/// Describes the metrics to whatever exports them.
pub fn describe() {
    describe_counter!(
        PUBLISHED,
        "Messages on topics of departments, by department and kind"
    );
    describe_histogram!(
        HAND_OVER,
        "Time from a change of a ticket to its message on the bus"
    );
    describe_counter!(
        SET_ASIDE,
        "Times that the bus refused a ticket for good; it is tried again later"
    );
    describe_counter!(REPLIES, "Replies settled, by department and outcome");
    describe_counter!(
        REPLIES_LOST,
        "Times that replies were gone from their topic before they were read"
    );
    describe_counter!(FAILURES, "Steps that failed and are done again");
    describe_counter!(
        MAILS,
        "Mails to departments, by department and outcome: accepted, postponed, failed, bounced"
    );
    describe_counter!(
        ENTRY_MAILS,
        "Mails about entries, by outcome: accepted, postponed, failed, bounced"
    );
    describe_counter!(
        CITIZEN_MAILS,
        "Mails to citizens about appointments by video, by outcome: accepted, postponed, failed"
    );
    describe_counter!(
        ENTRIES_ERASED,
        "Entries that were erased by themselves, by cause: unconfirmed, over, undeliverable"
    );
    describe_gauge!(
        FORBIDDEN,
        "1 while Kafka does not allow this instance to publish to the department, else 0"
    );
    describe_gauge!(
        OVERDUE,
        "Tickets that are owed an answer and overdue, by department; on the instance that looks at due times, else 0"
    );
    describe_counter!(
        ALARMS,
        "What was said of due times, by department and alarm: due_soon, overdue, escalated"
    );
    describe_gauge!(DEPARTMENTS, "Departments that this instance serves now");
}

pub(crate) fn entry_mail(outcome: &'static str) {
    counter!(ENTRY_MAILS, "outcome" => outcome).increment(1);
}

pub(crate) fn citizen_mail(outcome: &'static str) {
    counter!(CITIZEN_MAILS, "outcome" => outcome).increment(1);
}

pub(crate) fn entries_erased(cause: &'static str, entries: u32) {
    counter!(ENTRIES_ERASED, "cause" => cause).increment(u64::from(entries));
}

pub(crate) fn published(department: &DepartmentId, kind: &'static str, messages: usize) {
    counter!(PUBLISHED, "department" => department.to_string(), "kind" => kind).increment(messages as u64);
}

pub(crate) fn handed_over(after: TimeDelta) {
    histogram!(HAND_OVER).record(after.num_milliseconds().max(0) as f64 / 1000.0);
}

pub(crate) fn set_aside(department: &DepartmentId) {
    counter!(SET_ASIDE, "department" => department.to_string()).increment(1);
}

pub(crate) fn reply(department: &DepartmentId, outcome: &str) {
    counter!(REPLIES, "department" => department.to_string(), "outcome" => outcome.to_owned()).increment(1);
}

pub(crate) fn replies_lost(department: &DepartmentId) {
    counter!(REPLIES_LOST, "department" => department.to_string()).increment(1);
}

pub(crate) fn failed(line: &'static str) {
    counter!(FAILURES, "line" => line).increment(1);
}

pub(crate) fn mail(department: &DepartmentId, outcome: &'static str) {
    counter!(MAILS, "department" => department.to_string(), "outcome" => outcome).increment(1);
}

/// Counts from 0 on, so that the first failure is an increase.
pub(crate) fn no_mail_yet(department: &DepartmentId) {
    for outcome in ["accepted", "postponed", "failed", "bounced"] {
        counter!(MAILS, "department" => department.to_string(), "outcome" => outcome).increment(0);
    }
}

pub(crate) fn forbidden(department: &DepartmentId, is: bool) {
    gauge!(FORBIDDEN, "department" => department.to_string()).set(f64::from(u8::from(is)));
}

pub(crate) fn overdue(department: &DepartmentId, tickets: u32) {
    gauge!(OVERDUE, "department" => department.to_string()).set(f64::from(tickets));
}

pub(crate) fn alarm(department: &DepartmentId, alarm: Alarm) {
    counter!(ALARMS, "department" => department.to_string(), "alarm" => alarm.name()).increment(1);
}

pub(crate) fn departments(served: usize) {
    gauge!(DEPARTMENTS).set(served as f64);
}

//! What ticketing measures.

use domain::ids::DepartmentId;
use metrics::{counter, describe_counter};

const TICKETS_LOGGED: &str = "nrwdirekt_tickets_logged_total";
const CONCERNS_ADDED: &str = "nrwdirekt_ticket_concerns_added_total";
const ACTS: &str = "nrwdirekt_ticket_acts_total";
const LOGS_REPEATED: &str = "nrwdirekt_ticket_logs_repeated_total";
const REQUESTS_REFUSED: &str = "nrwdirekt_callback_requests_refused_total";

/// Describes the metrics to whatever exports them.
pub fn describe() {
    describe_counter!(TICKETS_LOGGED, "Tickets made, by department");
    describe_counter!(
        CONCERNS_ADDED,
        "Concerns that joined an open ticket, by department"
    );
    describe_counter!(ACTS, "What people did with tickets, by act");
    describe_counter!(
        LOGS_REPEATED,
        "Requests that were repeated and gave the same ticket"
    );
    describe_counter!(REQUESTS_REFUSED, "Requests refused for faulty fields");
}

pub(crate) fn logged(department: &DepartmentId) {
    counter!(TICKETS_LOGGED, "department" => department.to_string()).increment(1);
}

pub(crate) fn concern_added(department: &DepartmentId) {
    counter!(CONCERNS_ADDED, "department" => department.to_string()).increment(1);
}

pub(crate) fn acted(act: &'static str) {
    counter!(ACTS, "act" => act).increment(1);
}

pub(crate) fn repeated() {
    counter!(LOGS_REPEATED).increment(1);
}

pub(crate) fn refused() {
    counter!(REQUESTS_REFUSED).increment(1);
}

//! Data protection: what is stored where, and for how long; the rights of data subjects: by what a person is known, and which
//! tickets and entries are of the same person.

pub mod access_log;
mod cases;
pub mod inventory;
mod marks;
mod persons;
mod traces;

pub use cases::{
    CASE_NOTES_MAX, CASE_REQUESTS_MAX, CASE_TEXT_MAX, Case, CaseDecision, CaseKind, CaseNote, CaseOutcome,
    CaseRefused, CaseRequest, Likeness, NameHashes, Repetition, Stamp,
};
pub use marks::{GivenMarks, MarkFault, MarkKind, Marks, email_key, marks_of_ticket};
pub use persons::{Person, apart_by_contact, contact_keys, emails_of, persons, phones_of};
pub use traces::{Traces, as_text};

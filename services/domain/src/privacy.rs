//! The rights of data subjects: by what a person is known, and which tickets are of the same person.

mod cases;
mod marks;
mod persons;

pub use cases::{
    CASE_NOTES_MAX, CASE_TEXT_MAX, Case, CaseDecision, CaseKind, CaseNote, CaseOutcome, CaseRefused, Stamp,
};
pub use marks::{GivenMarks, MarkFault, MarkKind, Marks, email_key, marks_of_ticket};
pub use persons::{Person, persons, phones_of};

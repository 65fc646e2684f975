//! The register: all procedures, the built-in ones and those of an installation.

use std::fmt;

use super::head::{self, Head};
use super::written::WrittenProcedure;
use super::{OfferKind, Procedure, ProcedureId};

macro_rules! built_in {
    ($($id:literal,)+) => {
        [$(($id, include_str!(concat!("../../../../schemas/register/", $id, ".toml"))),)+]
    };
}

/// The built-in procedures, in the order in which they are listed.
const BUILT_IN: [(&str, &str); 24] = built_in![
    "callback",
    "contact-form",
    "email",
    "letter",
    "brochure-order",
    "appointment",
    "call-records",
    "newsletter",
    "media-accreditation",
    "access-logs",
    "tickets",
    "call-course",
    "agents",
    "rejected-items",
    "rejected-replies",
    "imports",
    "department-mails",
    "desk-drafts",
    "exports",
    "users",
    "administration",
    "audit-trail",
    "data-subject-cases",
    "backups",
];

/// A file of the register.
#[derive(Clone, Debug)]
pub struct RegisterFile {
    /// How faults call it.
    pub name: String,
    /// Its content, TOML.
    pub text: String,
}

/// What is wrong with a file of the register, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterFault {
    /// The file.
    pub file: String,
    /// The key or field that is wrong.
    pub key: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for RegisterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.key, self.remedy)
    }
}

/// All procedures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    procedures: Vec<Procedure>,
    head: Head,
}

impl Register {
    /// The built-in procedures.
    ///
    /// # Panics
    /// Never: the files are compiled in, and tested.
    pub fn built_in() -> Self {
        Self::with(&[]).expect("the built-in register is sound")
    }

    /// The built-in procedures and those of further files, which replace a built-in one of the same id.
    ///
    /// # Errors
    /// Every fault of every file.
    pub fn with(files: &[RegisterFile]) -> Result<Self, Vec<RegisterFault>> {
        let mut faults = Vec::new();
        let mut procedures = Vec::new();
        for (id, text) in BUILT_IN {
            procedures.extend(WrittenProcedure::read(
                &format!("built-in {id}"),
                text,
                &mut faults,
            ));
        }
        let head = Head::with(files, &mut faults);
        let mut origins: Vec<(ProcedureId, &str)> = Vec::new();
        for file in files.iter().filter(|file| !head::is_head(&file.name)) {
            let Some(procedure) = WrittenProcedure::read(&file.name, &file.text, &mut faults) else {
                continue;
            };
            if let Some((_, first)) = origins.iter().find(|(id, _)| *id == procedure.id) {
                faults.push(RegisterFault {
                    file: file.name.clone(),
                    key: "id".to_owned(),
                    remedy: format!("choose another one: {first} declares {:?}", procedure.id.as_str()),
                });
                continue;
            }
            origins.push((procedure.id.clone(), &file.name));
            match procedures.iter_mut().find(|known| known.id == procedure.id) {
                Some(known) => *known = procedure,
                None => procedures.push(procedure),
            }
        }
        match head {
            Some(head) if faults.is_empty() => Ok(Self { procedures, head }),
            _ => Err(faults),
        }
    }

    /// Who is responsible, and what protects the data.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// All of them.
    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }

    /// One of them.
    pub fn procedure(&self, id: &str) -> Option<&Procedure> {
        self.procedures.iter().find(|it| it.id.as_str() == id)
    }

    /// The first one that makes entries for offers of a kind.
    pub fn entry_procedure(&self, offers: OfferKind) -> Option<&Procedure> {
        let mut procedures = self.procedures.iter();
        procedures.find(|it| it.entry_rules().is_some_and(|rules| rules.offers == offers))
    }

    /// The ids of those that make tickets, for a remedy.
    pub fn ticket_procedures(&self) -> String {
        let ids: Vec<&str> = self
            .procedures
            .iter()
            .filter(|procedure| procedure.ticket_rules().is_some())
            .map(|procedure| procedure.id.as_str())
            .collect();
        ids.join(", ")
    }
}

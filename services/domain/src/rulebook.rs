//! The rules of an installation as one: departments, hotlines, routing, procedures and what figures are told by, in versions.
//!
//! A version is made of documents, as people write them, and is in force on every node until the next one is applied.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::figures::FiguresRules;
use crate::ids::HotlineName;
use crate::procedure::{Register, RegisterFile};
use crate::routing::{RoutingConfig, RoutingTable};

/// The document with departments, hotlines and routing rules.
pub const ROUTING: &str = "routing.toml";
/// The document with policies, groups of hotlines and targets; may be missing.
pub const FIGURES: &str = "figures.toml";
/// What the documents of the register begin with; a file name follows.
pub const REGISTER: &str = "register/";

/// Counts the versions of the rules, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RulesVersion(pub u32);

impl RulesVersion {
    /// The version that follows the newest one.
    pub fn after(newest: Option<Self>) -> Self {
        Self(newest.map_or(0, |newest| newest.0) + 1)
    }
}

impl fmt::Display for RulesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a version is made of: texts by name, [`ROUTING`], [`FIGURES`] and those that begin with [`REGISTER`].
pub type Documents = BTreeMap<String, String>;

/// What is wrong with a document, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFault {
    /// The document.
    pub document: String,
    /// What is wrong, and the remedy.
    pub fault: String,
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.document, self.fault)
    }
}

/// A version of the rules, checked and ready to be used.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// Its number.
    pub version: RulesVersion,
    /// Departments, hotlines and routing.
    pub routing: Arc<RoutingTable>,
    /// Procedures.
    pub register: Arc<Register>,
    /// Policies, groups of hotlines and targets.
    pub figures: Arc<FiguresRules>,
}

impl Rulebook {
    /// Reads the documents of a version.
    ///
    /// # Errors
    /// Every fault of every document.
    pub fn read(version: RulesVersion, documents: &Documents) -> Result<Self, Vec<DocumentFault>> {
        let mut faults = Vec::new();
        let routing = routing(documents.get(ROUTING), &mut faults);
        let register = register(documents, &mut faults);
        let figures = figures(documents.get(FIGURES), &mut faults);
        for name in documents.keys() {
            if name != ROUTING && name != FIGURES && !name.starts_with(REGISTER) {
                faults.push(fault(
                    name,
                    format!("not a document of the rules; use {ROUTING}, {FIGURES} or {REGISTER}NAME.toml"),
                ));
            }
        }
        let (Some(routing), Some(register), Some(figures)) = (routing, register, figures) else {
            return Err(faults);
        };
        faults.extend(unknown_departments(&register, &routing));
        faults.extend(unknown_hotlines(&figures, &routing));
        match faults.is_empty() {
            true => Ok(Self {
                version,
                routing: Arc::new(routing),
                register: Arc::new(register),
                figures: Arc::new(figures),
            }),
            false => Err(faults),
        }
    }
}

/// SHA-256 of documents: equal documents have equal digests.
pub fn digest(documents: &Documents) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in documents.iter().flat_map(|(name, text)| [name, text]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

fn fault(document: &str, fault: impl Into<String>) -> DocumentFault {
    DocumentFault {
        document: document.to_owned(),
        fault: fault.into(),
    }
}

fn routing(text: Option<&String>, faults: &mut Vec<DocumentFault>) -> Option<RoutingTable> {
    let Some(text) = text else {
        faults.push(fault(ROUTING, "missing: departments and hotlines are needed"));
        return None;
    };
    let config: RoutingConfig = match toml::from_str(text) {
        Ok(config) => config,
        Err(error) => {
            faults.push(fault(ROUTING, error.to_string()));
            return None;
        }
    };
    match RoutingTable::new(config) {
        Ok(table) => Some(table),
        Err(found) => {
            faults.extend(found.iter().map(|it| fault(ROUTING, it.to_string())));
            None
        }
    }
}

fn register(documents: &Documents, faults: &mut Vec<DocumentFault>) -> Option<Register> {
    let files: Vec<RegisterFile> = documents
        .iter()
        .filter(|(name, _)| name.starts_with(REGISTER))
        .map(|(name, text)| RegisterFile {
            name: name.clone(),
            text: text.clone(),
        })
        .collect();
    match Register::with(&files) {
        Ok(register) => Some(register),
        Err(found) => {
            let of =
                |it: &crate::procedure::RegisterFault| fault(&it.file, format!("{}: {}", it.key, it.remedy));
            faults.extend(found.iter().map(of));
            None
        }
    }
}

fn figures(text: Option<&String>, faults: &mut Vec<DocumentFault>) -> Option<FiguresRules> {
    let Some(text) = text else {
        return Some(FiguresRules::default());
    };
    let read = FiguresRules::read(text);
    read.map_err(|found| faults.extend(found.iter().map(|it| fault(FIGURES, it.to_string()))))
        .ok()
}

/// Hotlines that figures are told of, and that routing does not know; groups that are called like a hotline.
fn unknown_hotlines(figures: &FiguresRules, routing: &RoutingTable) -> Vec<DocumentFault> {
    let unknown = figures
        .named_hotlines()
        .filter(|(_, hotline)| !routing.has_hotline(hotline))
        .map(|(key, hotline)| {
            let remedy =
                format!("{key}: there is no hotline `{hotline}`; add it to {ROUTING}, or correct its name");
            fault(FIGURES, remedy)
        });
    let groups = figures.groups().iter().filter(|group| {
        let name = HotlineName::new(&group.name);
        routing.has_hotline(&name) && !group.hotlines.contains(&name)
    });
    let taken = groups.map(|group| {
        let remedy = format!(
            "group `{}`: name: a hotline has it; choose another one",
            group.name
        );
        fault(FIGURES, remedy)
    });
    unknown.chain(taken).collect()
}

/// Procedures whose department nobody knows.
fn unknown_departments(register: &Register, routing: &RoutingTable) -> Vec<DocumentFault> {
    let departments = register
        .procedures()
        .iter()
        .filter_map(|procedure| Some((&procedure.id, procedure.ticket_rules()?.department.as_ref()?)));
    departments
        .filter(|(_, department)| routing.department(department).is_none())
        .map(|(procedure, department)| {
            fault(
                ROUTING,
                format!(
                    "procedure {procedure}: department: {:?} is not configured; name a department, or leave it out",
                    department.as_str()
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str =
        "clearing = \"clearing\"\n[[department]]\nid = \"clearing\"\nname = \"Klärungsstelle\"\n";

    fn documents(texts: &[(&str, &str)]) -> Documents {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        texts.iter().map(owned).collect()
    }

    #[test]
    fn a_version_is_read_from_its_documents() {
        let book = Rulebook::read(RulesVersion(3), &documents(&[(ROUTING, RULES)])).unwrap();
        assert_eq!(book.version, RulesVersion(3));
        assert_eq!(book.routing.clearing().id.as_str(), "clearing");
        assert!(book.register.procedure("callback").is_some());
    }

    #[test]
    fn every_fault_of_every_document_is_named() {
        let texts = documents(&[
            ("notes.txt", "x"),
            (ROUTING, "clearing = \"nobody\""),
            ("register/a.toml", "id = 3"),
            (FIGURES, "default_policy = \"nobody\""),
        ]);
        let faults = Rulebook::read(RulesVersion(1), &texts).unwrap_err();
        let named: Vec<&str> = faults.iter().map(|fault| fault.document.as_str()).collect();
        for name in ["notes.txt", ROUTING, "register/a.toml", FIGURES] {
            assert!(named.contains(&name), "{faults:?}");
        }
        let faults = Rulebook::read(RulesVersion(1), &Documents::new()).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn figures_are_told_of_hotlines_that_routing_knows() {
        let rules = format!("{RULES}[[hotline]]\nname = \"Umwelt\"\n");
        let group =
            |name: &str, hotline: &str| format!("[[group]]\nname = {name:?}\nhotlines = [{hotline:?}]\n");
        let read = |figures: &str| {
            let texts = documents(&[(ROUTING, &rules), (FIGURES, figures)]);
            Rulebook::read(RulesVersion(1), &texts)
        };
        let book = read(&group("Alle", "Umwelt")).unwrap();
        assert_eq!(book.figures.groups().len(), 1);
        let faults = read(&group("Umwelt", "Steuern")).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].to_string().contains("there is no hotline `Steuern`"));
    }

    #[test]
    fn the_digest_tells_documents_apart() {
        let one = documents(&[("ab", "c")]);
        assert_eq!(digest(&one), digest(&one.clone()));
        assert_ne!(digest(&one), digest(&documents(&[("a", "bc")])));
    }
}

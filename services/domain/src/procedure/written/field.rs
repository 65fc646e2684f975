//! The fields of a procedure as its file writes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Reading, is_field_id};
use crate::procedure::request::FROM_SYSTEM;
use crate::procedure::{FieldId, FieldKind, FieldRule, SERVICE, SLOTS, VIDEO, VIDEO_LINK};

/// Kinds of fields that have no keys of their own.
const SIMPLE: [(&str, FieldKind); 10] = [
    ("email", FieldKind::Email),
    ("phone", FieldKind::Phone),
    ("postal_code", FieldKind::PostalCode),
    ("iban", FieldKind::Iban),
    ("bic", FieldKind::Bic),
    ("boolean", FieldKind::Boolean),
    ("number", FieldKind::Number),
    ("date", FieldKind::Date),
    ("timestamp", FieldKind::Timestamp),
    ("ip_address", FieldKind::IpAddress),
];
/// Fields that the software reads itself, with the type that they always have.
const WELL_KNOWN: [(&str, &str); 11] = [
    ("consented_at", "timestamp"),
    ("confirmed_at", "timestamp"),
    ("phone", "phone"),
    ("email", "email"),
    ("name", "line"),
    ("postal_code", "postal_code"),
    ("timestamp", "timestamp"),
    ("ip_address", "ip_address"),
    (SLOTS, "text"),
    (VIDEO, "boolean"),
    (VIDEO_LINK, "line"),
];
/// Characters of a line unless the register says otherwise.
const LINE_LONGEST: usize = 200;
/// Characters of a text unless the register says otherwise.
const TEXT_LONGEST: usize = 4000;
/// Characters of a text at most: a ticket with all its concerns fits into one message.
const LONGEST: usize = 10_000;

#[derive(Deserialize)]
pub(super) struct WrittenField {
    id: Option<String>,
    title: Option<String>,
    r#type: Option<String>,
    longest: Option<usize>,
    options: Option<Vec<String>>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    requires: Vec<String>,
    only_with: Option<String>,
    #[serde(default)]
    from_system: bool,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

impl Reading<'_> {
    pub(super) fn fields(&mut self, written: &[WrittenField]) -> Vec<FieldRule> {
        if written.is_empty() {
            self.fault("field", "it is missing: declare at least one [[field]]");
        }
        let mut ids = BTreeSet::new();
        let mut rules = Vec::new();
        for (index, field) in written.iter().enumerate() {
            let id = field.id.as_deref().unwrap_or_default().trim();
            if !is_field_id(id) {
                let place = format!("field {}", index + 1);
                self.fault(
                    &format!("{place}.id"),
                    "use 1 to 40 lower-case letters, digits and underscores, a letter first",
                );
                continue;
            }
            if !ids.insert(id) {
                self.fault(&format!("field {id}"), "declare it once");
            }
            rules.extend(self.field(id, field));
        }
        self.relations(&rules, &ids);
        if ids.contains(SLOTS)
            && !rules
                .iter()
                .any(|rule| rule.id.as_str() == SERVICE && rule.required)
        {
            let remedy = format!("declare a required field `{SERVICE}`: it says what the slots are for");
            self.fault(&format!("field {SLOTS}"), remedy);
        }
        rules
    }

    fn field(&mut self, id: &str, written: &WrittenField) -> Option<FieldRule> {
        let within = format!("field {id}.");
        self.unknown(&within, &written.unknown);
        let title = self.given(&format!("{within}title"), written.title.as_deref());
        let kind = self.kind(&within, written);
        let fixed = WELL_KNOWN.iter().find(|(known, _)| *known == id);
        if let (Some((_, fixed)), Some(kind)) = (fixed, &kind)
            && kind.name() != *fixed
        {
            self.fault(
                &format!("{within}type"),
                format!("write {fixed:?}: a field of this id always is one"),
            );
        }
        if written.from_system && !FROM_SYSTEM.contains(&id) {
            let remedy = format!("leave it out: the system only knows {}", FROM_SYSTEM.join(", "));
            self.fault(&format!("{within}from_system"), remedy);
        }
        if written.from_system && written.required {
            self.fault(
                &format!("{within}required"),
                "leave it out: the system adds what it knows",
            );
        }
        Some(FieldRule {
            id: FieldId::new(id),
            title: title?,
            kind: kind?,
            required: written.required,
            requires: written.requires.iter().map(FieldId::new).collect(),
            only_with: written.only_with.as_deref().map(FieldId::new),
            from_system: written.from_system,
        })
    }

    fn kind(&mut self, within: &str, written: &WrittenField) -> Option<FieldKind> {
        let name = written.r#type.as_deref().unwrap_or_default();
        let longest = written.longest;
        if longest.is_some_and(|longest| !(1..=LONGEST).contains(&longest)) {
            self.fault(&format!("{within}longest"), format!("use 1 to {LONGEST}"));
        }
        if longest.is_some() && !matches!(name, "line" | "text") {
            self.fault(
                &format!("{within}longest"),
                "leave it out: only line and text have it",
            );
        }
        if written.options.is_some() && name != "choice" {
            self.fault(&format!("{within}options"), "leave it out: only choice has it");
        }
        match name {
            "line" => Some(FieldKind::Line(longest.unwrap_or(LINE_LONGEST))),
            "text" => Some(FieldKind::Text(longest.unwrap_or(TEXT_LONGEST))),
            "choice" => {
                let options = written.options.clone().unwrap_or_default();
                if options
                    .iter()
                    .any(|option| option.trim() != option || option.is_empty())
                    || options.is_empty()
                {
                    self.fault(
                        &format!("{within}options"),
                        "list what can be chosen, without blanks around it",
                    );
                }
                Some(FieldKind::Choice(options))
            }
            _ => {
                let simple = SIMPLE.iter().find(|(known, _)| *known == name);
                if simple.is_none() {
                    let known: Vec<&str> = SIMPLE.iter().map(|(known, _)| *known).collect();
                    let remedy = format!("choose from line, text, choice, {}", known.join(", "));
                    self.fault(&format!("{within}type"), remedy);
                }
                simple.map(|(_, kind)| kind.clone())
            }
        }
    }

    /// Fields that come only together must be there, and can be given together.
    fn relations(&mut self, rules: &[FieldRule], ids: &BTreeSet<&str>) {
        for rule in rules {
            for (key, others) in [
                ("requires", rule.requires.iter().collect::<Vec<_>>()),
                ("only_with", rule.only_with.iter().collect()),
            ] {
                let place = format!("field {}.{key}", rule.id);
                for other in others {
                    if !ids.contains(other.as_str()) {
                        self.fault(
                            &place,
                            format!("`{other}` is no field of this procedure: declare it, or leave it out"),
                        );
                    } else if *other == rule.id {
                        self.fault(&place, "name another field");
                    } else if rules.iter().any(|it| it.id == *other && it.from_system) {
                        self.fault(&place, format!("leave out `{other}`: the system adds it"));
                    }
                }
            }
            if rule.required && rule.only_with.is_some() {
                let place = format!("field {}.only_with", rule.id);
                self.fault(&place, "leave it out: the field is required anyway");
            }
        }
    }
}

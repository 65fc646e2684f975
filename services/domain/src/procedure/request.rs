//! A request that has passed the rules of its procedure.

use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{
    FaultCode, FieldFault, FieldId, FieldRule, Fields, Procedure, VIDEO, VIDEO_LINK, checks, written,
};
use crate::personal::Personal;

/// A request that can be worked on: its fields have passed [`Procedure::checked`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckedRequest(Fields);

impl CheckedRequest {
    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.0
    }

    /// Sets a field to a value that was checked like the others.
    pub(crate) fn set(&mut self, id: FieldId, text: Personal) {
        self.0.set(id, text);
    }

    /// What is left of a request that was erased: nothing.
    pub fn erased() -> Self {
        Self(Fields::default())
    }
}

/// What the system knows about a request besides its fields.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// When it came in.
    pub at: DateTime<Utc>,
    /// Who logged it.
    pub user: Option<Personal>,
    /// The address that it came from.
    pub address: Option<IpAddr>,
    /// Where one meets by video, if that is wished.
    pub video_link: Option<Personal>,
}

impl Procedure {
    /// Checks what was entered against the register.
    ///
    /// # Errors
    /// Every faulty field, in the order of the form; then those that the register does not declare.
    pub fn checked(&self, fields: Fields) -> Result<CheckedRequest, Vec<FieldFault>> {
        let mut faults = Vec::new();
        for rule in &self.fields {
            self.check(rule, &fields, &mut faults);
        }
        for (id, _) in fields.iter().filter(|(id, _)| self.field(id.as_str()).is_none()) {
            faults.push(self.undeclared(id));
        }
        match faults.is_empty() {
            true => Ok(CheckedRequest(fields)),
            false => Err(faults),
        }
    }

    fn check(&self, rule: &FieldRule, fields: &Fields, faults: &mut Vec<FieldFault>) {
        let id = rule.id.as_str();
        match fields.get(id) {
            Some(_) if rule.from_system => {
                faults.push(FieldFault::of(
                    id,
                    FaultCode::FromSystem,
                    "leave it out: the system adds it",
                ));
            }
            Some(text) => {
                checks::check(id, &rule.kind, text.reveal(), faults);
                if let Some(companion) = rule.only_with.as_ref().filter(|it| !is_given(it, fields)) {
                    let remedy = format!("leave it empty: it is only for requests with `{companion}`");
                    faults.push(FieldFault::of(id, FaultCode::OnlyWith, remedy));
                }
            }
            None => faults.extend(self.missing(rule, fields)),
        }
    }

    /// Why a field that was not given must be given.
    fn missing(&self, rule: &FieldRule, fields: &Fields) -> Option<FieldFault> {
        let id = rule.id.as_str();
        let title = &rule.title;
        if rule.required {
            return Some(FieldFault::of(
                id,
                FaultCode::Required,
                format!("enter it ({title}): it is required"),
            ));
        }
        let asks = |other: &&FieldRule| other.requires.contains(&rule.id) && is_given(&other.id, fields);
        if let Some(other) = self.fields.iter().find(asks) {
            let remedy = format!("enter it ({title}): with `{}` it is required", other.id);
            return Some(FieldFault::of(id, FaultCode::RequiredWith, remedy));
        }
        let ways = &self.ticket_rules()?.reachable_by;
        let asked_for = ways.first() == Some(&rule.id) && !ways.iter().any(|way| is_given(way, fields));
        asked_for.then(|| {
            let others: Vec<String> = ways[1..].iter().map(|way| format!(" or `{way}`")).collect();
            let remedy = format!("enter it{}: the citizen must be reachable", others.concat());
            FieldFault::of(id, FaultCode::Unreachable, remedy)
        })
    }

    /// A name that cannot be one of a field is not repeated: who knows what was typed there.
    fn undeclared(&self, id: &FieldId) -> FieldFault {
        let title = &self.title;
        match written::is_field_id(id.as_str()) {
            true => FieldFault::of(
                id.as_str(),
                FaultCode::Undeclared,
                format!("leave it out: „{title}“ has no such field"),
            ),
            false => FieldFault::of(
                "fields",
                FaultCode::Undeclared,
                format!("leave out what „{title}“ has no field for"),
            ),
        }
    }

    /// Adds the fields that the system knows, as far as the register declares them.
    pub fn completed(&self, request: CheckedRequest, known: &Circumstances) -> CheckedRequest {
        let CheckedRequest(mut fields) = request;
        for rule in self.fields.iter().filter(|rule| rule.from_system) {
            if rule.id.as_str() == VIDEO_LINK && !wishes_video(&fields) {
                continue;
            }
            if let Some(text) = known.field(rule.id.as_str()) {
                fields.set(rule.id.clone(), text);
            }
        }
        CheckedRequest(fields)
    }

    /// Whether somebody wishes to meet by video, and the procedure has a place for the link.
    pub fn wishes_video(&self, fields: &Fields) -> bool {
        self.field(VIDEO_LINK).is_some_and(|rule| rule.from_system) && wishes_video(fields)
    }

    /// What the citizen wants, in words: the fields that the register names for it, a line each.
    pub fn concern(&self, fields: &Fields) -> Personal {
        let named = self.ticket_rules().map_or(&[][..], |rules| &rules.concern);
        let texts: Vec<&str> = named
            .iter()
            .filter_map(|id| fields.get(id.as_str()))
            .map(Personal::reveal)
            .collect();
        Personal::new(texts.join("\n"))
    }
}

/// The ids of fields that the system can add.
pub(super) const FROM_SYSTEM: [&str; 6] = [
    "timestamp",
    "user",
    "ip_address",
    "consented_at",
    "confirmed_at",
    VIDEO_LINK,
];

impl Circumstances {
    fn field(&self, id: &str) -> Option<Personal> {
        match id {
            "timestamp" => Some(Personal::new(
                self.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            )),
            "user" => self.user.clone(),
            VIDEO_LINK => self.video_link.clone(),
            "ip_address" => self.address.map(|address| Personal::new(address.to_string())),
            _ => None,
        }
    }
}

fn wishes_video(fields: &Fields) -> bool {
    fields.get(VIDEO).is_some_and(|wish| wish.reveal() == "true")
}

fn is_given(id: &FieldId, fields: &Fields) -> bool {
    fields.get(id.as_str()).is_some()
}

//! What was entered into the form, and the request that it makes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::local_time;
use wire::v1::tickets as proto;

/// Before the names of inputs that are fields of the procedure.
pub(super) const FIELD: &str = "feld.";

/// The form as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Entered {
    /// The procedure.
    pub(super) procedure: String,
    /// The idempotency key, made once a draft.
    pub(super) key: String,
    /// Fields of the procedure.
    pub(super) fields: BTreeMap<String, String>,
    /// The call that runs.
    pub(super) call: String,
    pub(super) hotline: String,
    pub(super) category: String,
    /// The wished window: a day and two times.
    pub(super) day: String,
    pub(super) from: String,
    pub(super) until: String,
    /// Another department, and why.
    pub(super) department: String,
    pub(super) department_reason: String,
    /// The ticket that the concern joins.
    pub(super) add_to: String,
    /// What is to be done with it, if it is not to be sent.
    pub(super) action: String,
    /// Fields that the agent has been to; `None` if all faults are to be told.
    pub(super) touched: Option<Vec<String>>,
}

impl Entered {
    /// A new form.
    pub(super) fn fresh(procedure: String, now: DateTime<Utc>) -> Self {
        Self {
            procedure,
            key: uuid::Uuid::new_v4().to_string(),
            day: local_time::day_of(now).to_string(),
            ..Self::default()
        }
    }

    /// As a browser sends it.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        let mut entered = Self::default();
        let mut slots = Vec::new();
        for (name, text) in pairs {
            // Browsers end lines in their own ways; the same text is the same request.
            let text = text.replace("\r\n", "\n");
            if let Some(field) = name.strip_prefix(FIELD) {
                entered.fields.insert(field.to_owned(), text.trim().to_owned());
                continue;
            }
            let text = text.trim().to_owned();
            match name.as_str() {
                "slot" => slots.push(text),
                "verfahren" => entered.procedure = text,
                "schluessel" => entered.key = text,
                "anruf" => entered.call = text,
                "hotline" => entered.hotline = text,
                "kategorie" => entered.category = text,
                "wunsch.tag" => entered.day = text,
                "wunsch.von" => entered.from = text,
                "wunsch.bis" => entered.until = text,
                "stelle" => entered.department = text,
                "stelle.grund" => entered.department_reason = text,
                "zu_vorgang" => entered.add_to = text,
                "aktion" => entered.action = text,
                "beruehrt" => entered.touched = Some(text.split(' ').map(str::to_owned).collect()),
                _ => {}
            }
        }
        if !slots.is_empty() {
            entered.fields.insert("slots".to_owned(), slots.join("\n"));
        }
        entered
    }

    /// What was entered into a field.
    pub(super) fn field(&self, id: &str) -> &str {
        self.fields.get(id).map_or("", String::as_str)
    }

    /// The request that it makes.
    pub(super) fn request(&self, procedure: &proto::Procedure, agent: String) -> proto::LogCallbackRequest {
        let is_declared = |id: &&String| procedure.fields.iter().any(|field| field.id == **id);
        let fields = self
            .fields
            .iter()
            .filter(|(id, text)| is_declared(id) && !text.is_empty());
        let (wished_from, wished_until) = self.wished();
        proto::LogCallbackRequest {
            idempotency_key: self.key.clone(),
            hotline: self.hotline.clone(),
            call: self.call.clone(),
            category: self.category.clone(),
            agent,
            add_to: self.add_to.clone(),
            procedure: procedure.id.clone(),
            fields: fields.map(|(id, text)| (id.clone(), text.clone())).collect(),
            wished_from,
            wished_until,
            department: self.department.clone(),
            department_reason: self.department_reason.clone(),
        }
    }

    /// The day alone is no wish: the form offers today.
    fn wished(&self) -> (String, String) {
        let at = |time: &str| match time {
            "" => String::new(),
            time => format!("{}T{time}", self.day),
        };
        (at(&self.from), at(&self.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(pairs: &[(&str, &str)]) -> Entered {
        let pairs = pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Entered::of(pairs.collect())
    }

    fn callback() -> proto::Procedure {
        proto::Procedure {
            id: "callback".to_owned(),
            fields: ["phone", "concern"]
                .map(|id| proto::FieldRule {
                    id: id.to_owned(),
                    ..Default::default()
                })
                .into(),
            ..Default::default()
        }
    }

    #[test]
    fn what_was_entered_makes_a_request_with_the_fields_of_the_procedure_alone() {
        let entered = entered(&[
            ("feld.phone", " 0211 123 "),
            ("feld.concern", "eins\r\nzwei"),
            ("feld.iban", "DE00"),
            ("schluessel", "k"),
            ("hotline", "Umwelt"),
        ]);
        let request = entered.request(&callback(), "anna".to_owned());
        assert_eq!(request.fields["phone"], "0211 123");
        assert_eq!(request.fields["concern"], "eins\nzwei");
        assert_eq!(request.fields.len(), 2);
        assert_eq!(
            (request.idempotency_key.as_str(), request.agent.as_str()),
            ("k", "anna")
        );
    }

    #[test]
    fn a_day_without_a_time_is_no_wish() {
        let day = ("wunsch.tag", "2026-12-23");
        let request = entered(&[day]).request(&callback(), String::new());
        assert_eq!(
            (request.wished_from.as_str(), request.wished_until.as_str()),
            ("", "")
        );
        let request = entered(&[day, ("wunsch.von", "14:00"), ("wunsch.bis", "16:00")])
            .request(&callback(), String::new());
        assert_eq!(request.wished_from, "2026-12-23T14:00");
        assert_eq!(request.wished_until, "2026-12-23T16:00");
    }
}

//! Reading what departments reply.
//!
//! What cannot be read is told by field, never by content: reasons go to a topic without personal data.

use bus::Received;
use domain::ids::{DepartmentId, ReplyId, TicketId};
use domain::personal::Personal;
use domain::ticket::{
    AttemptOutcome, NOTE_LENGTH_MAX, Reply, ReplyRejection, TicketVersion, spoken_ticket_id,
};
use serde_json::{Map, Value};

use crate::envelope::REPLY_TYPE;

/// Characters of a reply's id at most.
const ID_LENGTH_MAX: usize = 200;

/// A reply, as far as it can be read.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Its id; made of its place on the topic if it has none that can be used.
    pub(crate) id: ReplyId,
    /// The ticket that it names; empty if it names none.
    pub(crate) ticket: TicketId,
    /// The version of the ticket that the department has seen, if it says so.
    pub(crate) seen: Option<TicketVersion>,
    /// What it says.
    pub(crate) reply: Result<Reply, ReplyRejection>,
}

/// Reads a message of a topic of replies.
pub(crate) fn read(message: &Received) -> Incoming {
    let id = message
        .header("ce_id")
        .map(ReplyId::new)
        .filter(|id| is_usable(id.as_str()));
    let content = parse(message.payload.as_deref().unwrap_or_default());
    let ticket = match &content {
        Ok(fields) => fields
            .get("ticket_id")
            .and_then(Value::as_str)
            .and_then(spoken_ticket_id),
        Err(_) => None,
    };
    let seen = content
        .as_ref()
        .ok()
        .and_then(|fields| Fields(fields).version().ok()?);
    let reply = match (&id, message.header("ce_type")) {
        (None, _) => Err(unreadable(format!(
            "give it an id of 1 to {ID_LENGTH_MAX} characters in the header ce_id"
        ))),
        (_, Some(REPLY_TYPE)) => content.and_then(|fields| read_fields(&fields)),
        (_, Some(_)) => Err(ReplyRejection::UnknownType),
        (_, None) => Err(unreadable(format!("set the header ce_type to {REPLY_TYPE}"))),
    };
    Incoming {
        id: id.unwrap_or_else(|| ReplyId::new(format!("at-{}-{}", message.partition, message.offset))),
        ticket: ticket.unwrap_or_else(|| TicketId::new("")),
        seen,
        reply,
    }
}

pub(crate) fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= ID_LENGTH_MAX && !id.chars().any(char::is_control)
}

/// The ticket that a reply names, as it names it.
pub(crate) fn named_ticket(payload: &[u8]) -> Option<TicketId> {
    parse(payload)
        .ok()?
        .get("ticket_id")
        .and_then(Value::as_str)
        .and_then(spoken_ticket_id)
}

fn parse(payload: &[u8]) -> Result<Map<String, Value>, ReplyRejection> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(unreadable("send a JSON object".to_owned())),
        Err(error) => Err(unreadable(format!(
            "it is not JSON in UTF-8 (line {}, column {})",
            error.line(),
            error.column()
        ))),
    }
}

fn unreadable(what: String) -> ReplyRejection {
    ReplyRejection::Unreadable(what)
}

fn read_fields(fields: &Map<String, Value>) -> Result<Reply, ReplyRejection> {
    let fields = Fields(fields);
    fields
        .text("ticket_id", 40)?
        .as_deref()
        .and_then(spoken_ticket_id)
        .ok_or_else(|| unreadable("ticket_id must be a number such as T-7K3M-9QXW".to_owned()))?;
    fields.version()?;
    let kind = fields.required("type", 40)?;
    let (allowed, reply): (&[&str], Reply) = match kind.as_str() {
        "accepted" => (&[], Reply::Accepted),
        "callback_attempted" => {
            let outcome = AttemptOutcome::from_name(&fields.required("outcome", 40)?).ok_or_else(|| {
                let known: Vec<&str> = AttemptOutcome::ALL.iter().map(|outcome| outcome.name()).collect();
                unreadable(format!("outcome must be one of {}", known.join(", ")))
            })?;
            (
                &["outcome", "note"],
                Reply::CallbackAttempted {
                    outcome,
                    note: fields.note("note")?,
                },
            )
        }
        "answered" => (
            &["note"],
            Reply::Answered {
                note: fields.note("note")?,
            },
        ),
        "unreachable" => (
            &["note"],
            Reply::Unreachable {
                note: fields.note("note")?,
            },
        ),
        "erasure_confirmed" => (&[], Reply::ErasureConfirmed),
        "restriction_confirmed" => (&[], Reply::RestrictionConfirmed),
        "rectification_confirmed" => (&[], Reply::RectificationConfirmed),
        "returned" => {
            let reason = Personal::new(fields.required("reason", NOTE_LENGTH_MAX)?);
            let suggested = fields.text("suggested_department", 100)?;
            let suggested_department = suggested.map(DepartmentId::new);
            (
                &["reason", "suggested_department"],
                Reply::Returned {
                    reason,
                    suggested_department,
                },
            )
        }
        _ => return Err(ReplyRejection::UnknownType),
    };
    fields.nothing_beyond(&kind, allowed)?;
    Ok(reply)
}

/// Fields that replies of some type have.
const OF_SOME_REPLY: [&str; 4] = ["note", "outcome", "reason", "suggested_department"];

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn text(&self, field: &str, most: usize) -> Result<Option<String>, ReplyRejection> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().count() > most => {
                Err(unreadable(format!("shorten {field} to {most} characters")))
            }
            Some(Value::String(text)) if text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) => {
                Err(unreadable(format!("remove the control characters from {field}")))
            }
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(_) => Err(unreadable(format!("{field} must be a text"))),
        }
    }

    fn required(&self, field: &str, most: usize) -> Result<String, ReplyRejection> {
        self.text(field, most)?
            .ok_or_else(|| unreadable(format!("{field} is missing")))
    }

    fn note(&self, field: &str) -> Result<Option<Personal>, ReplyRejection> {
        Ok(self.text(field, NOTE_LENGTH_MAX)?.map(Personal::new))
    }

    /// The version of the ticket that the department has seen.
    fn version(&self) -> Result<Option<TicketVersion>, ReplyRejection> {
        let given = match self.0.get("version") {
            None | Some(Value::Null) => return Ok(None),
            Some(given) => given.as_u64().and_then(|version| u32::try_from(version).ok()),
        };
        match given {
            Some(version @ 1..) => Ok(Some(TicketVersion(version))),
            _ => Err(unreadable(
                "version must be that of the ticket as you saw it, a whole number from 1".to_owned(),
            )),
        }
    }

    /// A misspelt field must not be lost in silence. Names that some reply has are told; what else stands there may be anything.
    fn nothing_beyond(&self, kind: &str, allowed: &[&str]) -> Result<(), ReplyRejection> {
        let known =
            |field: &str| ["ticket_id", "type", "version"].contains(&field) || allowed.contains(&field);
        let beyond = || self.0.keys().filter(|field| !known(field));
        let named: Vec<&str> = beyond()
            .map(String::as_str)
            .filter(|field| OF_SOME_REPLY.contains(field))
            .collect();
        match beyond().count() {
            0 => Ok(()),
            count => Err(unreadable(format!(
                "{count} unknown field(s){}{}; `{kind}` takes ticket_id, type, version{}{}",
                if named.is_empty() { "" } else { ": " },
                named.join(", "),
                if allowed.is_empty() { "" } else { ", " },
                allowed.join(", ")
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, kind: &str, payload: &str) -> Received {
        let headers = [("ce_id", id), ("ce_type", kind)];
        Received {
            partition: 0,
            offset: 17,
            key: Vec::new(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            payload: Some(payload.as_bytes().to_vec()),
        }
    }

    fn reply(payload: &str) -> Result<Reply, ReplyRejection> {
        read(&message("r1", REPLY_TYPE, payload)).reply
    }

    fn reason(payload: &str) -> String {
        reply(payload).unwrap_err().to_string()
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        let accepted = read(&message(
            "r1",
            REPLY_TYPE,
            r#"{"ticket_id":"T-7K3M-9QXW","type":"accepted"}"#,
        ));
        assert_eq!(
            (accepted.id.as_str(), accepted.ticket.as_str()),
            ("r1", "T-7K3M-9QXW")
        );
        assert_eq!(accepted.reply, Ok(Reply::Accepted));
        assert_eq!(
            reply(
                r#"{"ticket_id":"t7k3m9qxw","type":"callback_attempted","outcome":"busy","note":"12 Uhr"}"#
            ),
            Ok(Reply::CallbackAttempted {
                outcome: AttemptOutcome::Busy,
                note: Some(Personal::new("12 Uhr"))
            })
        );
        assert_eq!(
            reply(r#"{"ticket_id":"T-7K3M-9QXW","type":"answered","note":null}"#),
            Ok(Reply::Answered { note: None })
        );
        assert_eq!(
            reply(r#"{"ticket_id":"T-7K3M-9QXW","type":"returned","reason":"x","suggested_department":"b"}"#),
            Ok(Reply::Returned {
                reason: Personal::new("x"),
                suggested_department: Some(DepartmentId::new("b"))
            })
        );
    }

    #[test]
    fn a_reply_may_name_the_version_that_was_seen() {
        let seen = |version: &str| {
            let payload = format!(r#"{{"ticket_id":"T-7K3M-9QXW","type":"erasure_confirmed"{version}}}"#);
            read(&message("r1", REPLY_TYPE, &payload))
        };
        assert_eq!(seen(r#","version":3"#).seen, Some(TicketVersion(3)));
        assert_eq!(seen("").seen, None);
        assert_eq!(seen("").reply, Ok(Reply::ErasureConfirmed));
        for odd in ["0", "-1", "1.5", "\"3\""] {
            let reason = seen(&format!(r#","version":{odd}"#))
                .reply
                .unwrap_err()
                .to_string();
            assert!(reason.contains("version must be"), "{odd}: {reason}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_content() {
        for (payload, named) in [
            ("", "not JSON"),
            ("[]", "JSON object"),
            (r#"{"type":"accepted"}"#, "ticket_id must"),
            (r#"{"ticket_id":"geheim","type":"accepted"}"#, "ticket_id must"),
            (r#"{"ticket_id":"T-7K3M-9QXW"}"#, "type is missing"),
            (r#"{"ticket_id":"T-7K3M-9QXW","type":"geheim"}"#, "unknown"),
            (
                r#"{"ticket_id":"T-7K3M-9QXW","type":"callback_attempted"}"#,
                "outcome is missing",
            ),
            (
                r#"{"ticket_id":"T-7K3M-9QXW","type":"callback_attempted","outcome":"geheim"}"#,
                "not_reached",
            ),
            (
                r#"{"ticket_id":"T-7K3M-9QXW","type":"answered","note":["geheim"]}"#,
                "note must be a text",
            ),
            (
                r#"{"ticket_id":"T-7K3M-9QXW","type":"returned"}"#,
                "reason is missing",
            ),
            (
                r#"{"ticket_id":"T-7K3M-9QXW","type":"accepted","geheim":1}"#,
                "1 unknown field(s); ",
            ),
            (
                r#"{"ticket_id":"T-7K3M-9QXW","type":"accepted","note":"geheim","geheim":1}"#,
                "2 unknown field(s): note; ",
            ),
        ] {
            let reason = reason(payload);
            assert!(
                reason.contains(named) && !reason.contains("geheim"),
                "{payload}: {reason}"
            );
        }
        let long = format!(
            r#"{{"ticket_id":"T-7K3M-9QXW","type":"answered","note":"{}"}}"#,
            "x".repeat(2001)
        );
        assert!(reason(&long).contains("2000 characters"));
    }

    #[test]
    fn a_reply_needs_an_id_and_a_type() {
        let accepted = r#"{"ticket_id":"T-7K3M-9QXW","type":"accepted"}"#;
        let without_id = read(&message(" ", REPLY_TYPE, accepted));
        assert_eq!(
            (without_id.id.as_str(), without_id.ticket.as_str()),
            ("at-0-17", "T-7K3M-9QXW")
        );
        assert_eq!(without_id.reply.unwrap_err().code(), "unreadable");
        let other = read(&message("r1", "somebody.else.v1", accepted));
        assert_eq!(other.reply, Err(ReplyRejection::UnknownType));
    }
}

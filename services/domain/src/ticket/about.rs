//! Which tickets a reply of a department is about, as far as it says so.

use std::collections::BTreeSet;

use serde_json::Value;

use super::spoken_ticket_id;
use crate::ids::TicketId;

/// Signs of a number as it is written: all of one byte.
const LENGTH: usize = "T-7K3M-9QXW".len();

/// The tickets that the content of a reply names: as replies do, in any spelling; or, of what could not be read as one, those
/// whose number stands anywhere in it.
pub fn tickets_named(payload: &[u8]) -> BTreeSet<TicketId> {
    let said: Option<Value> = serde_json::from_slice(payload).ok();
    let named = said
        .as_ref()
        .and_then(|said| said.get("ticket_id")?.as_str())
        .and_then(spoken_ticket_id);
    match named {
        Some(named) => BTreeSet::from([named]),
        None => written_in(&String::from_utf8_lossy(payload).to_uppercase()),
    }
}

/// The ticket whose number a text is, exactly as it is written.
pub fn written_ticket_id(text: &str) -> Option<TicketId> {
    spoken_ticket_id(text).filter(|id| id.as_str() == text)
}

fn written_in(text: &str) -> BTreeSet<TicketId> {
    text.match_indices("T-")
        .filter_map(|(at, _)| text.get(at..at + LENGTH))
        .filter_map(written_ticket_id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_about_the_ticket_that_it_names() {
        let about = |payload: &str| {
            let named = tickets_named(payload.as_bytes());
            named
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        for payload in [
            r#"{"ticket_id":"T-7K3M-9QXW","type":"answered"}"#,
            r#"{"ticket_id":"t-7k3m 9qxw","type":"answered","note":"see T-2222-2222"}"#,
            r#"{"ticket":"T-7K3M-9QXW","note":"wrong field"}"#,
            r#"{"ticket_id":"T-7K3M-9QXW, dringend"}"#,
            "t-7k3m-9qxw: answered; no JSON",
            "RÜCKT-T-7K3M-9QXWÄ",
        ] {
            assert_eq!(about(payload), "T-7K3M-9QXW", "{payload}");
        }
        assert_eq!(about("T-7K3M-9QXW and T-2222-2222"), "T-2222-2222 T-7K3M-9QXW");
        for nothing in [
            r#"{"type":"answered"}"#,
            "",
            "T-7K3M-9QX",
            "T-7K3M-9QXÜ",
            "7K3M9QXW",
        ] {
            assert_eq!(about(nothing), "", "{nothing}");
        }
    }
}

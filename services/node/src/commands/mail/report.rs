//! Reports of mail servers that a mail could not be delivered (RFC 3464).

use handover::mail::{is_return_address, is_status};
use mail_parser::{Message, MessageParser, MimeHeaders as _};

/// The headers that name the address which a report came to, in the order in which they are asked.
const RECIPIENT_HEADERS: &[&str] = &["X-Original-To", "Delivered-To", "Envelope-To", "To"];

/// A mail was given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The address that the report came to, if its headers name one of ours.
    pub(super) recipient: Option<String>,
    /// The enhanced status code.
    pub(super) status: String,
}

impl Report {
    /// Reads a message. `None` when it is something else: an automatic answer, or that a mail is late.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let message = MessageParser::default().parse(message)?;
        let statuses = message.parts.iter().filter(|part| {
            part.content_type()
                .is_some_and(|it| it.ctype() == "message" && it.subtype() == Some("delivery-status"))
        });
        let mut failed = statuses.filter_map(|part| failure(&String::from_utf8_lossy(part.contents())));
        Some(Self {
            status: failed.next()?,
            recipient: recipient(&message),
        })
    }
}

/// The status of the recipient that a mail was given up for, by the groups of fields of the report.
fn failure(fields: &str) -> Option<String> {
    let fields = fields.replace("\r\n", "\n");
    fields.split("\n\n").find_map(|group| {
        let field = |name: &str| {
            group.lines().find_map(|line| {
                let (given, value) = line.split_once(':')?;
                given.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let has_failed = field("Action")?.eq_ignore_ascii_case("failed");
        let status = field("Status").and_then(|status| status.split_whitespace().next());
        // A server that gives up but says nothing readable of why has said "other" (RFC 3463).
        has_failed.then(|| status.filter(|it| is_status(it)).unwrap_or("5.0.0").to_owned())
    })
}

fn recipient(message: &Message<'_>) -> Option<String> {
    let addresses = RECIPIENT_HEADERS
        .iter()
        .filter_map(|name| message.header_raw(*name));
    let mut words = addresses.flat_map(|value| value.split([' ', ',', '<', '>', '\r', '\n', '\t']));
    words.find(|word| is_return_address(word)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(action: &str, status: &str) -> String {
        format!(
            "To: Nrw <nrwdirekt+T-7K3M-9QXW.3.amt@example.org>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; localhost\r\n\r\n\
             Final-Recipient: rfc822; amt@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\r\n--b--\r\n"
        )
    }

    #[test]
    fn a_failure_names_status_and_address() {
        let expected = Report {
            recipient: Some("nrwdirekt+T-7K3M-9QXW.3.amt@example.org".to_owned()),
            status: "5.1.1".to_owned(),
        };
        assert_eq!(
            Report::read(report("failed", "5.1.1 (bad)").as_bytes()),
            Some(expected)
        );
        let unreadable = Report::read(report("Failed", "kaputt").as_bytes());
        assert_eq!(unreadable.map(|report| report.status).as_deref(), Some("5.0.0"));
    }

    #[test]
    fn what_is_only_late_or_no_report_is_passed_over() {
        assert_eq!(Report::read(report("delayed", "4.4.1").as_bytes()), None);
        assert_eq!(
            Report::read(b"Subject: Abwesenheit\r\n\r\nBin im Urlaub.\r\n"),
            None
        );
        assert_eq!(Report::read(b""), None);
    }
}

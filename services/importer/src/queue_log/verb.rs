//! One line of the queue log, with the columns that its verb has.

use chrono::{DateTime, Utc};

use crate::adapter::Fault;
use crate::numbers::milliseconds;

/// A line: when, which call, which queue, which agent, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine<'a> {
    pub(super) at: DateTime<Utc>,
    /// None for what concerns no call.
    pub(super) call: Option<&'a str>,
    pub(super) queue: Option<&'a str>,
    pub(super) agent: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) verb: Verb<'a>,
}

/// How a caller left the queue without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exit<'a> {
    /// The key that was pressed, of EXITWITHKEY.
    pub(super) key: Option<&'a str>,
    pub(super) waited_ms: Option<i64>,
}

/// The end of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) waited_ms: Option<i64>,
    pub(super) talked_ms: Option<i64>,
}

/// What happened. Durations are in milliseconds, whatever unit the verb has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb<'a> {
    EnterQueue {
        caller: &'a str,
    },
    Connect {
        waited_ms: Option<i64>,
        rang_ms: Option<i64>,
    },
    CompleteAgent(Conversation),
    CompleteCaller(Conversation),
    BlindTransfer {
        extension: &'a str,
        conversation: Conversation,
    },
    AttendedTransfer(Conversation),
    /// ABANDON, EXITEMPTY, EXITWITHKEY, EXITWITHTIMEOUT, WITHDRAW, and what the map declares to be an exit.
    Exit(Exit<'a>),
    RingNoAnswer,
    RingCanceled {
        rang_ms: Option<i64>,
    },
    AgentDump,
    QueueStart,
    Did {
        number: &'a str,
    },
    /// ADDMEMBER, AGENTLOGIN, AGENTCALLBACKLOGIN.
    SignIn,
    /// REMOVEMEMBER, AGENTLOGOFF, AGENTCALLBACKLOGOFF.
    SignOut,
    Pause {
        reason: &'a str,
    },
    Unpause,
    /// Known, and without effect on calls and agents.
    WithoutEffect,
    /// Of the dialplan's QueueLog(), or of a version to come.
    Unknown,
}

/// Words that stand in place of a call id.
const NO_CALL: [&str; 5] = ["NONE", "MANAGER", "CLI", "REALTIME", ""];

impl<'a> LogLine<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let mut columns = text.split('|');
        let mut next = || columns.next().map(str::trim);
        let (Some(at), Some(call), Some(queue), Some(agent), Some(name)) =
            (next(), next(), next(), next(), next())
        else {
            return Err(Fault::line(
                "fewer than five columns; a line of the queue log is time|call|queue|agent|event|…",
            ));
        };
        let at = epoch(at).ok_or_else(|| Fault::of("time", "not seconds since 1970; correct the line"))?;
        if name.is_empty() {
            return Err(Fault::of("event", "empty; correct the line"));
        }
        let fields: Vec<&str> = columns.map(str::trim).collect();
        let named = |text: &'a str| Some(text).filter(|text| !matches!(*text, "NONE" | ""));
        Ok(Self {
            at,
            call: Some(call).filter(|call| !NO_CALL.contains(call)),
            queue: named(queue),
            agent: named(agent),
            name,
            verb: Verb::parse(name, &fields),
        })
    }
}

impl<'a> Verb<'a> {
    fn parse(name: &str, fields: &[&'a str]) -> Self {
        let text = |index: usize| fields.get(index).copied().unwrap_or_default();
        match name {
            "ENTERQUEUE" => Self::EnterQueue { caller: text(1) },
            "CONNECT" => Self::Connect {
                waited_ms: seconds(text(0)),
                rang_ms: seconds(text(2)),
            },
            "COMPLETEAGENT" => Self::CompleteAgent(conversation(fields, 0)),
            "COMPLETECALLER" => Self::CompleteCaller(conversation(fields, 0)),
            "BLINDTRANSFER" | "TRANSFER" => Self::BlindTransfer {
                extension: text(0),
                conversation: conversation(fields, 2),
            },
            // What stands before the durations depends on where the call went: BRIDGE and an id, APP and a name,
            // LINK and two channels.
            "ATTENDEDTRANSFER" => {
                Self::AttendedTransfer(conversation(fields, fields.len().saturating_sub(3)))
            }
            "ABANDON" | "EXITWITHTIMEOUT" | "EXITEMPTY" | "WITHDRAW" => Self::Exit(Exit {
                key: None,
                waited_ms: seconds(text(2)),
            }),
            "EXITWITHKEY" => Self::Exit(Exit {
                key: Some(text(0)),
                waited_ms: seconds(text(3)),
            }),
            "RINGNOANSWER" => Self::RingNoAnswer,
            "RINGCANCELED" => Self::RingCanceled {
                rang_ms: text(0).parse::<u32>().ok().map(i64::from),
            },
            "AGENTDUMP" => Self::AgentDump,
            "QUEUESTART" => Self::QueueStart,
            "DID" => Self::Did { number: text(0) },
            "ADDMEMBER" | "AGENTLOGIN" | "AGENTCALLBACKLOGIN" => Self::SignIn,
            "REMOVEMEMBER" | "AGENTLOGOFF" | "AGENTCALLBACKLOGOFF" => Self::SignOut,
            "PAUSE" | "PAUSEALL" => Self::Pause { reason: text(0) },
            "UNPAUSE" | "UNPAUSEALL" => Self::Unpause,
            "CONFIGRELOAD" | "SYSCOMPAT" | "PENALTY" | "UPDATEFIELD" | "INFO" => Self::WithoutEffect,
            _ => Self::Unknown,
        }
    }
}

/// Wait and talk, from a column on.
fn conversation(fields: &[&str], from: usize) -> Conversation {
    let at = |index: usize| fields.get(index).and_then(|text| seconds(text));
    Conversation {
        waited_ms: at(from),
        talked_ms: at(from + 1),
    }
}

/// Beyond nine digits it is no duration.
fn seconds(text: &str) -> Option<i64> {
    let seconds: u32 = text.parse().ok().filter(|_| text.len() <= 9)?;
    Some(i64::from(seconds) * 1000)
}

/// Seconds since 1970, with or without decimals; milliseconds are kept.
pub(crate) fn epoch(text: &str) -> Option<DateTime<Utc>> {
    let (whole, decimals_ms) = match text.split_once('.') {
        // Cut, not rounded: a rounded time could lie after one that is written with fewer digits.
        Some((whole, decimals)) => (whole, milliseconds(decimals.get(..3).unwrap_or(decimals))?),
        None => (text, 0),
    };
    if whole.is_empty() || whole.len() > 11 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    DateTime::from_timestamp_millis(seconds * 1000 + decimals_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb(fields: &str) -> Verb<'_> {
        let (name, rest) = fields.split_once('|').unwrap_or((fields, ""));
        Verb::parse(name, &rest.split('|').collect::<Vec<_>>())
    }

    #[test]
    fn durations_are_read_in_the_unit_and_column_of_their_verb() {
        let conversation = |waited: Option<i64>, talked: Option<i64>| Conversation {
            waited_ms: waited,
            talked_ms: talked,
        };
        let exit = |key, waited_ms| Verb::Exit(Exit { key, waited_ms });
        for (line, expected) in [
            (
                "CONNECT|7|17.3|2",
                Verb::Connect {
                    waited_ms: Some(7000),
                    rang_ms: Some(2000),
                },
            ),
            (
                "CONNECT|7",
                Verb::Connect {
                    waited_ms: Some(7000),
                    rang_ms: None,
                },
            ),
            (
                "COMPLETEAGENT|2|11|1",
                Verb::CompleteAgent(conversation(Some(2000), Some(11_000))),
            ),
            (
                "COMPLETECALLER|2|11",
                Verb::CompleteCaller(conversation(Some(2000), Some(11_000))),
            ),
            (
                "ATTENDEDTRANSFER|BRIDGE|9d-4a|1|7|1",
                Verb::AttendedTransfer(conversation(Some(1000), Some(7000))),
            ),
            (
                "ATTENDEDTRANSFER|LINK|SIP/a|SIP/b|1|7|1",
                Verb::AttendedTransfer(conversation(Some(1000), Some(7000))),
            ),
            (
                "BLINDTRANSFER|3001|intern|2|4|1",
                Verb::BlindTransfer {
                    extension: "3001",
                    conversation: conversation(Some(2000), Some(4000)),
                },
            ),
            (
                "TRANSFER|3001|intern",
                Verb::BlindTransfer {
                    extension: "3001",
                    conversation: conversation(None, None),
                },
            ),
            ("ABANDON|1|2|10", exit(None, Some(10_000))),
            ("ABANDON|1", exit(None, None)),
            ("EXITWITHKEY|1|4|4|3", exit(Some("1"), Some(3000))),
            ("EXITWITHKEY|1|4", exit(Some("1"), None)),
            ("EXITWITHTIMEOUT|1|1|15", exit(None, Some(15_000))),
            ("WITHDRAW|1|2|5|info|more", exit(None, Some(5000))),
            ("RINGCANCELED|1158", Verb::RingCanceled { rang_ms: Some(1158) }),
            ("PAUSE|Mittag", Verb::Pause { reason: "Mittag" }),
            ("QUEUESTART|", Verb::QueueStart),
            ("SYSCOMPAT|x", Verb::WithoutEffect),
            ("BELIEBIG|x", Verb::Unknown),
        ] {
            assert_eq!(verb(line), expected, "{line}");
        }
    }

    #[test]
    fn a_time_is_seconds_since_1970() {
        let millis = |text| epoch(text).map(|at| at.timestamp_millis());
        assert_eq!(millis("1795347959"), Some(1_795_347_959_000));
        assert_eq!(millis("1795347959.999999"), Some(1_795_347_959_999));
        for text in ["", "-1", "12:00", "1.x", "99999999999999"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}

//! One channel event.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::adapter::Fault;
use crate::csv_line::Columns;
use crate::local_time::{LocalClock, WrittenTime};
use crate::queue_log::epoch;

/// What happened to a channel.
#[derive(Clone, Debug)]
pub(super) struct ChannelEvent<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) caller: &'a str,
    pub(super) dialled: &'a str,
    pub(super) extension: &'a str,
    pub(super) context: &'a str,
    pub(super) channel: &'a str,
    pub(super) application: &'a str,
    pub(super) data: &'a str,
    pub(super) unique: &'a str,
    pub(super) linked: &'a str,
    pub(super) peer: &'a str,
    extra: Option<Value>,
}

/// The kinds of events that say something of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ChannelStart,
    ChannelEnd,
    Hangup,
    ApplicationStart,
    ApplicationEnd,
    BridgeEnter,
    BridgeExit,
    BlindTransfer,
    AttendedTransfer,
    Digit,
    StreamBegin,
    StreamEnd,
    LinkedIdEnd,
    /// Known, and without effect.
    WithoutEffect,
    Unknown,
}

/// The columns of the samples of cel_custom.conf, by their number.
pub(super) fn usual_columns(number: usize) -> Option<Vec<&'static str>> {
    const ALWAYS: [&str; 17] = [
        "eventtype",
        "eventtime",
        "cid_name",
        "cid_num",
        "cid_ani",
        "cid_rdnis",
        "cid_dnid",
        "exten",
        "context",
        "channame",
        "appname",
        "appdata",
        "amaflags",
        "accountcode",
        "uniqueid",
        "linkedid",
        "peer",
    ];
    let rest: &[&str] = match number {
        18 => &["userfield"],
        19 => &["userdata", "extra"],
        20 => &["userfield", "userdeftype", "extra"],
        _ => return None,
    };
    Some(ALWAYS.iter().chain(rest).copied().collect())
}

impl<'a> ChannelEvent<'a> {
    pub(super) fn read(cells: &[&'a str], columns: &Columns, clock: &mut LocalClock) -> Result<Self, Fault> {
        let text = |name: &str| columns.get(cells, name);
        let written = text("eventtime");
        let local = || clock.instant(WrittenTime::parse(written).ok()?).ok();
        let at = epoch(written)
            .or_else(local)
            .ok_or_else(|| Fault::of("eventtime", "not a time; correct the line"))?;
        let unique = text("uniqueid");
        if unique.is_empty() {
            return Err(Fault::of(
                "uniqueid",
                "missing: calls cannot be told apart; log it in cel_custom.conf",
            ));
        }
        let linked = Some(text("linkedid")).filter(|linked| !linked.is_empty());
        let extra = text("extra");
        Ok(Self {
            kind: Kind::of(text("eventtype")),
            name: text("eventtype"),
            at,
            caller: text("cid_num"),
            dialled: text("cid_dnid"),
            extension: text("exten"),
            context: text("context"),
            channel: text("channame"),
            application: text("appname"),
            data: text("appdata"),
            unique,
            linked: linked.unwrap_or(unique),
            peer: text("peer"),
            extra: Some(extra)
                .filter(|extra| extra.starts_with('{'))
                .and_then(|extra| serde_json::from_str(extra).ok()),
        })
    }

    /// A text of the event's own data.
    pub(super) fn extra(&self, name: &str) -> &str {
        let value = self.extra.as_ref().and_then(|extra| extra.get(name));
        value.and_then(Value::as_str).unwrap_or_default()
    }

    /// The channels on the other side of the bridge.
    pub(super) fn peers(&self) -> impl Iterator<Item = &'a str> {
        self.peer
            .split(',')
            .map(str::trim)
            .filter(|peer| !peer.is_empty())
    }
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "CHAN_START" => Self::ChannelStart,
            "CHAN_END" => Self::ChannelEnd,
            "HANGUP" => Self::Hangup,
            "APP_START" => Self::ApplicationStart,
            "APP_END" => Self::ApplicationEnd,
            "BRIDGE_ENTER" => Self::BridgeEnter,
            "BRIDGE_EXIT" => Self::BridgeExit,
            "BLINDTRANSFER" => Self::BlindTransfer,
            "ATTENDEDTRANSFER" => Self::AttendedTransfer,
            "DTMF" => Self::Digit,
            "STREAM_BEGIN" => Self::StreamBegin,
            "STREAM_END" => Self::StreamEnd,
            "LINKEDID_END" => Self::LinkedIdEnd,
            "ANSWER"
            | "FORWARD"
            | "PICKUP"
            | "LOCAL_OPTIMIZE"
            | "LOCAL_OPTIMIZE_BEGIN"
            | "PARK_START"
            | "PARK_END"
            | "USER_DEFINED" => Self::WithoutEffect,
            _ => Self::Unknown,
        }
    }
}

/// A channel's name without its number: `PJSIP/2001-0000000c` and `Local/2007@agents-00000002;1` are PJSIP/2001 and
/// Local/2007@agents.
pub(super) fn interface(channel: &str) -> &str {
    let name = channel.rsplit_once(';').map_or(channel, |(name, _)| name);
    match name.rsplit_once('-') {
        Some((interface, number))
            if number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            interface
        }
        _ => name,
    }
}

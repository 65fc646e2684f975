//! The finished call record: the 24 fields that the hotline stores for every contact.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::HotlineName;
use crate::personal::Caller;

/// Durations above this are taken for a fault of the source: 24 hours, in milliseconds.
pub const LONGEST_DURATION_MS: i64 = 24 * 60 * 60 * 1000;

macro_rules! fields {
    ($($variant:ident $number:literal $name:literal $heading:literal;)*) => {
        /// One of the 24 fields, in the order of the telephone system's export.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $(#[doc = concat!("Field ", stringify!($number), ", \"", $heading, "\".")] $variant,)*
        }

        impl Field {
            /// All fields in the order of the export.
            pub const ALL: [Field; 24] = [$(Field::$variant,)*];

            /// The name in code, messages and JSON.
            pub fn name(self) -> &'static str {
                match self { $(Field::$variant => $name,)* }
            }

            /// The German heading in the telephone system's export.
            pub fn heading(self) -> &'static str {
                match self { $(Field::$variant => $heading,)* }
            }
        }
    };
}

fields! {
    StartedAt 1 "started_at" "Zeitstempel";
    TaskType 2 "task_type" "Task Typ";
    Caller 3 "caller" "Anrufer/Absender (Telefonnummer)";
    DialledAddress 4 "dialled_address" "Gewählte Adresse";
    Hotline 5 "hotline" "Eingangsthema (angerufene Hotline)";
    ConnectionStatus 6 "connection_status" "Verbindungsstatus";
    CustomerRecordCount 7 "customer_record_count" "Anzahl Kundendatensätze";
    CustomerConnectionCount 8 "customer_connection_count" "Anzahl Kundenverbindungen";
    Billable 9 "billable" "Gebührenpflichtige Verbindungszeit";
    Ring 10 "ring" "Kunden Rufzeit";
    Talk 11 "talk" "Kunden Sprechzeit";
    Hold 12 "hold" "Kunden Haltezeit";
    Wait 13 "wait" "Kunden Wartezeit";
    ConsultCount 14 "consult_count" "Anzahl Rückfragen";
    ConsultConnectionCount 15 "consult_connection_count" "Anzahl Rückfrageverbindungen";
    ConsultTalk 16 "consult_talk" "Rückfragesprechzeit";
    AfterCallWork 17 "after_call_work" "Gesamte Nachbearbeitungszeit";
    DirectTopicDial 18 "direct_topic_dial" "Direkte Themeneinwahl";
    ExternalContact 19 "external_contact" "Externer Kontakt";
    InboundContact 20 "inbound_contact" "Inbound Kontakt";
    OutCcContact 21 "out_cc_contact" "OutCC Kontakt";
    DialerContact 22 "dialer_contact" "Dialer Kontakt";
    VoiceMessageRecorded 23 "voice_message_recorded" "Sprachnachricht aufgenommen";
    NetworkOverflowCount 24 "network_overflow_count" "Netzwerk Überläufe";
}

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $code:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The number that is stored and sent; never changed once released.
            pub fn code(self) -> i16 {
                match self { $($name::$variant => $code,)* }
            }

            /// Reads what [`Self::code`] gave.
            pub fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some($name::$variant),)* _ => None }
            }

            /// The name in code, messages and JSON.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Reads what [`Self::name`] gave.
            pub fn from_name(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == text)
            }
        }
    };
}
pub(crate) use named_enum;

named_enum! {
    /// What kind of contact it was (field 2).
    TaskType {
        /// "Anruf eingehend": a citizen calls; the only kind that reports show unless asked otherwise.
        InboundCall 1 "inbound_call",
        /// "Anruf ausgehend".
        OutboundCall 2 "outbound_call",
        /// "Rückruf": a call back to a citizen.
        Callback 3 "callback",
        /// "Sprachnachricht".
        VoiceMessage 4 "voice_message",
        /// "E-Mail".
        Email 5 "email",
        /// "Fax".
        Fax 6 "fax",
        /// "Brief".
        Letter 7 "letter",
        /// "Chat".
        Chat 8 "chat",
    }
}

named_enum! {
    /// How the contact ended (field 6). It alone decides what a finished record counts as.
    ConnectionStatus {
        /// "Verbunden".
        Answered 1 "answered",
        /// "Abbruch Warteschlange": hung up while queued.
        AbandonedQueued 2 "abandoned_queued",
        /// "Abbruch Rufphase": hung up while an agent's telephone rang.
        AbandonedRinging 3 "abandoned_ringing",
        /// "Überlauf": left for another hotline or network after having queued.
        Overflowed 4 "overflowed",
        /// "Sprachnachricht": left for a voice message after having queued.
        VoiceMessage 5 "voice_message",
        /// "Servicezeit beendet": the service time ended while queued.
        ClosedWhileQueued 6 "closed_while_queued",
        /// "Abbruch Ansage": hung up before the queue, whatever wait the record shows.
        AbandonedBeforeQueue 7 "abandoned_before_queue",
        /// "Besetzt".
        Busy 8 "busy",
        /// "Außerhalb der Servicezeit".
        OutOfHours 9 "out_of_hours",
        /// "Keine Antwort".
        NoAnswer 10 "no_answer",
        /// "Fehler".
        Failed 11 "failed",
    }
}

/// Why a value of an accepted record is doubtful. The record counts; the value does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtReason {
    /// A duration below zero.
    NegativeDuration,
    /// A duration above [`LONGEST_DURATION_MS`].
    LongerThanADay,
    /// A value that its field cannot have.
    Unreadable,
}

/// A value that counts as absent, kept as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Doubt {
    /// [`Field::name`] of the field.
    pub field: String,
    /// What was delivered.
    pub raw: crate::personal::Personal,
    /// What is wrong with it.
    pub reason: DoubtReason,
}

/// A finished call record: the 24 fields. Durations are in milliseconds; absent is not zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallRecord {
    /// 1: when the contact arrived.
    pub started_at: DateTime<Utc>,
    /// 2: what kind of contact it was.
    pub task_type: TaskType,
    /// 3: who called or wrote.
    pub caller: Option<Caller>,
    /// 4: number or address that was dialled.
    pub dialled_address: Option<String>,
    /// 5: the hotline that the contact came in on.
    pub hotline: HotlineName,
    /// 6: how it ended.
    pub connection_status: ConnectionStatus,
    /// 7: data records that the telephone system holds for this call.
    pub customer_record_count: Option<u32>,
    /// 8: connections made with the citizen.
    pub customer_connection_count: Option<u32>,
    /// 9: chargeable connection time.
    pub billable_ms: Option<i64>,
    /// 10: the last ringing, until answer or hang-up.
    pub ring_ms: Option<i64>,
    /// 11: time in conversation.
    pub talk_ms: Option<i64>,
    /// 12: time on hold.
    pub hold_ms: Option<i64>,
    /// 13: time in the queue before that ringing, or until hang-up or exit.
    pub wait_ms: Option<i64>,
    /// 14: consultations that the agent started.
    pub consult_count: Option<u32>,
    /// 15: consultations that were answered.
    pub consult_connection_count: Option<u32>,
    /// 16: time in consultations.
    pub consult_talk_ms: Option<i64>,
    /// 17: wrap-up time, all agents together.
    pub after_call_work_ms: Option<i64>,
    /// 18: reached the topic directly, without the menu.
    pub direct_topic_dial: Option<bool>,
    /// 19: the other side is outside the house.
    pub external_contact: Option<bool>,
    /// 20: came in.
    pub inbound_contact: Option<bool>,
    /// 21: placed by the contact centre.
    pub out_cc_contact: Option<bool>,
    /// 22: placed by the dialer.
    pub dialer_contact: Option<bool>,
    /// 23: a voice message was left.
    pub voice_message_recorded: Option<bool>,
    /// 24: times the call overflowed to another site or network.
    pub network_overflow_count: Option<u32>,
    /// Values that were delivered but count as absent.
    pub doubts: Vec<Doubt>,
}

/// Why a finished record cannot be counted. The texts go to users: they name the field and the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordRejection {
    /// Before 1990: a clock that was never set.
    #[error("started_at lies before 1990; correct the time stamp and send the record again")]
    TooOld,
    /// More than a day ahead of the clock.
    #[error(
        "started_at lies more than a day in the future; correct the time stamp or the clock of the source"
    )]
    InTheFuture,
    /// The end lies before the start.
    #[error("ended_at lies before started_at; correct one of them and send the record again")]
    EndsBeforeStart,
    /// No hotline.
    #[error("hotline is empty; name the hotline that the contact came in on (field 5)")]
    NoHotline,
    /// A text is longer than any real one.
    #[error("{} is longer than {} characters; shorten it", .0.name(), CallRecord::LONGEST_TEXT)]
    TooLong(Field),
}

impl CallRecord {
    /// The longest text that a field may have, in characters.
    pub const LONGEST_TEXT: usize = 400;

    /// A record with the given mandatory fields and every other field absent.
    pub fn new(
        started_at: DateTime<Utc>,
        task_type: TaskType,
        hotline: HotlineName,
        connection_status: ConnectionStatus,
    ) -> Self {
        Self {
            started_at,
            task_type,
            caller: None,
            dialled_address: None,
            hotline,
            connection_status,
            customer_record_count: None,
            customer_connection_count: None,
            billable_ms: None,
            ring_ms: None,
            talk_ms: None,
            hold_ms: None,
            wait_ms: None,
            consult_count: None,
            consult_connection_count: None,
            consult_talk_ms: None,
            after_call_work_ms: None,
            direct_topic_dial: None,
            external_contact: None,
            inbound_contact: None,
            out_cc_contact: None,
            dialer_contact: None,
            voice_message_recorded: None,
            network_overflow_count: None,
            doubts: Vec::new(),
        }
    }

    /// Checks what was delivered: durations that cannot be become absent and doubtful, a record that cannot be
    /// counted is rejected.
    ///
    /// # Errors
    /// [`RecordRejection`] with the reason in words.
    pub fn examined(mut self, now: DateTime<Utc>) -> Result<Self, RecordRejection> {
        plausible_time(self.started_at, now)?;
        if self.hotline.as_str().is_empty() {
            return Err(RecordRejection::NoHotline);
        }
        let caller = match &self.caller {
            Some(Caller::Given(caller)) => caller.reveal(),
            _ => "",
        };
        for (field, text) in [
            (Field::Hotline, self.hotline.as_str()),
            (
                Field::DialledAddress,
                self.dialled_address.as_deref().unwrap_or_default(),
            ),
            (Field::Caller, caller),
        ] {
            if text.chars().count() > Self::LONGEST_TEXT {
                return Err(RecordRejection::TooLong(field));
            }
        }
        for (field, value) in [
            (Field::Billable, &mut self.billable_ms),
            (Field::Ring, &mut self.ring_ms),
            (Field::Talk, &mut self.talk_ms),
            (Field::Hold, &mut self.hold_ms),
            (Field::Wait, &mut self.wait_ms),
            (Field::ConsultTalk, &mut self.consult_talk_ms),
            (Field::AfterCallWork, &mut self.after_call_work_ms),
        ] {
            let Some(duration_ms) = *value else { continue };
            let reason = match duration_ms {
                ..0 => DoubtReason::NegativeDuration,
                0..=LONGEST_DURATION_MS => continue,
                _ => DoubtReason::LongerThanADay,
            };
            *value = None;
            let raw = crate::personal::Personal::new(format!("{duration_ms} ms"));
            self.doubts.push(Doubt {
                field: field.name().to_owned(),
                raw,
                reason,
            });
        }
        Ok(self)
    }

    /// Whether the contact was placed by the house (outbound, contact centre or dialer): it then has no visit.
    pub fn is_outbound(&self) -> bool {
        let called_back = self.task_type == TaskType::Callback && self.inbound_contact != Some(true);
        self.task_type == TaskType::OutboundCall
            || called_back
            || self.out_cc_contact == Some(true)
            || self.dialer_contact == Some(true)
    }
}

/// Whether a time can be that of a call, seen from `now`.
///
/// # Errors
/// Before 1990, or more than a day ahead.
pub fn plausible_time(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), RecordRejection> {
    const YEAR_1990: i64 = 631_152_000;
    if at.timestamp() < YEAR_1990 {
        return Err(RecordRejection::TooOld);
    }
    if at > now + TimeDelta::days(1) {
        return Err(RecordRejection::InTheFuture);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn record() -> CallRecord {
        let at = Utc.with_ymd_and_hms(2024, 10, 26, 12, 0, 0).unwrap();
        CallRecord::new(
            at,
            TaskType::InboundCall,
            HotlineName::new("Bürgertelefon"),
            ConnectionStatus::Answered,
        )
    }

    #[test]
    fn a_negative_duration_counts_as_absent_and_is_kept() {
        let now = Utc.with_ymd_and_hms(2024, 10, 27, 0, 0, 0).unwrap();
        let examined = CallRecord {
            talk_ms: Some(-5000),
            wait_ms: Some(86_400_000),
            ..record()
        }
        .examined(now)
        .unwrap();
        assert_eq!((examined.talk_ms, examined.wait_ms), (None, Some(86_400_000)));
        assert_eq!(examined.doubts.len(), 1);
        assert_eq!(examined.doubts[0].raw.reveal(), "-5000 ms");
    }

    #[test]
    fn a_time_that_cannot_be_is_rejected() {
        let now = Utc.with_ymd_and_hms(2024, 10, 25, 11, 59, 59).unwrap();
        assert_eq!(record().examined(now), Err(RecordRejection::InTheFuture));
        let old = CallRecord {
            started_at: Utc.with_ymd_and_hms(1989, 12, 31, 23, 59, 59).unwrap(),
            ..record()
        };
        assert_eq!(old.examined(now), Err(RecordRejection::TooOld));
    }

    #[test]
    fn codes_and_names_are_unique() {
        for status in ConnectionStatus::ALL {
            assert_eq!(ConnectionStatus::from_code(status.code()), Some(*status));
            assert_eq!(ConnectionStatus::from_name(status.name()), Some(*status));
        }
        for task_type in TaskType::ALL {
            assert_eq!(TaskType::from_code(task_type.code()), Some(*task_type));
        }
    }
}

//! Files as the hotline's telephone system exports them, in several dresses.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use domain::record::Field;

use crate::Dice;

/// How a file is written. What it says is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// Windows-1252, `;`, CRLF, `hh:mm:ss`, columns in order.
    German,
    /// UTF-8 with byte order mark, tabs, seconds with decimal comma, columns the other way round.
    Tabs,
    /// UTF-8 without mark, `,`, everything quoted, ISO times, seconds.
    Commas,
}

impl Dress {
    /// Every dress.
    pub const ALL: [Dress; 3] = [Dress::German, Dress::Tabs, Dress::Commas];

    fn separator(self) -> &'static str {
        match self {
            Self::German => ";",
            Self::Tabs => "\t",
            Self::Commas => ",",
        }
    }

    fn duration(self, duration_ms: i64) -> String {
        let (seconds, rest) = (duration_ms / 1000, duration_ms % 1000);
        match self {
            Self::German => {
                let fraction = if rest == 0 {
                    String::new()
                } else {
                    format!(",{rest:03}")
                };
                let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
                format!("{hours:02}:{minutes:02}:{:02}{fraction}", seconds % 60)
            }
            Self::Tabs => format!("{seconds},{rest:03}"),
            Self::Commas => format!("{seconds}.{rest:03}"),
        }
    }

    fn time(self, time: NaiveDateTime) -> String {
        let form = match self {
            Self::German | Self::Tabs => "%d.%m.%Y %H:%M:%S",
            Self::Commas => "%Y-%m-%dT%H:%M:%S",
        };
        time.format(form).to_string()
    }

    fn cell(self, text: &str) -> String {
        let special = text.contains(['"', ';', ',', '\t', '\n']);
        if self == Self::Commas || special {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    }

    fn encoded(self, text: &str) -> Vec<u8> {
        match self {
            Self::German => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
            Self::Tabs => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            Self::Commas => text.as_bytes().to_vec(),
        }
    }
}

/// A row of the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    started_at: NaiveDateTime,
    task_type: String,
    caller: String,
    hotline: String,
    status: String,
    wait_ms: i64,
    ring_ms: i64,
    talk_ms: i64,
    hold_ms: i64,
    after_call_work_ms: i64,
    /// What stands in the file in place of a cell.
    instead: Option<(Field, String)>,
}

impl Row {
    /// An inbound call without any duration. `started_at` is local, as in `2024-03-04 09:00:00`.
    ///
    /// # Panics
    /// When that is no time.
    pub fn inbound(started_at: &str, hotline: &str, status: &str) -> Self {
        Self {
            started_at: started_at.replace(' ', "T").parse().expect("a local time"),
            task_type: "Anruf eingehend".to_owned(),
            caller: "0221 4710100".to_owned(),
            hotline: hotline.to_owned(),
            status: status.to_owned(),
            wait_ms: 0,
            ring_ms: 0,
            talk_ms: 0,
            hold_ms: 0,
            after_call_work_ms: 0,
            instead: None,
        }
    }

    /// An inbound call that was answered.
    pub fn answered(started_at: &str, hotline: &str) -> Self {
        Self::inbound(started_at, hotline, "Verbunden")
    }

    /// With another task type.
    pub fn task_type(mut self, task_type: &str) -> Self {
        task_type.clone_into(&mut self.task_type);
        self
    }

    /// From another number.
    pub fn caller(mut self, caller: &str) -> Self {
        caller.clone_into(&mut self.caller);
        self
    }

    /// With waiting and ringing, in milliseconds.
    pub fn waits(mut self, wait_ms: i64, ring_ms: i64) -> Self {
        (self.wait_ms, self.ring_ms) = (wait_ms, ring_ms);
        self
    }

    /// With talk, hold and after-call work, in milliseconds.
    pub fn handled(mut self, talk_ms: i64, hold_ms: i64, after_call_work_ms: i64) -> Self {
        (self.talk_ms, self.hold_ms, self.after_call_work_ms) = (talk_ms, hold_ms, after_call_work_ms);
        self
    }

    /// With a text in place of a cell.
    pub fn instead(mut self, field: Field, text: &str) -> Self {
        self.instead = Some((field, text.to_owned()));
        self
    }

    fn cell(&self, field: Field, dress: Dress) -> String {
        match &self.instead {
            Some((instead, text)) if *instead == field => return dress.cell(text),
            _ => {}
        }
        let text = match field {
            Field::StartedAt => dress.time(self.started_at),
            Field::TaskType => self.task_type.clone(),
            Field::Caller => self.caller.clone(),
            Field::DialledAddress => "0211 837-1001".to_owned(),
            Field::Hotline => self.hotline.clone(),
            Field::ConnectionStatus => self.status.clone(),
            Field::Ring => dress.duration(self.ring_ms),
            Field::Talk | Field::Billable => dress.duration(self.talk_ms),
            Field::Hold => dress.duration(self.hold_ms),
            Field::Wait => dress.duration(self.wait_ms),
            Field::ConsultTalk => dress.duration(0),
            Field::AfterCallWork => dress.duration(self.after_call_work_ms),
            Field::CustomerRecordCount | Field::ExternalContact | Field::InboundContact => "1".to_owned(),
            _ => "0".to_owned(),
        };
        dress.cell(&text)
    }
}

/// The file.
pub fn file(rows: &[Row], dress: Dress) -> Vec<u8> {
    let mut fields = Field::ALL;
    if dress == Dress::Tabs {
        fields.reverse();
    }
    let line = |cells: Vec<String>| cells.join(dress.separator());
    let end = if dress == Dress::German { "\r\n" } else { "\n" };
    let mut text = line(fields.iter().map(|field| dress.cell(field.heading())).collect());
    text.push_str(end);
    for row in rows {
        text.push_str(&line(
            fields.iter().map(|field| row.cell(*field, dress)).collect(),
        ));
        text.push_str(end);
    }
    dress.encoded(&text)
}

/// The days of [`invented`], the second exclusive.
pub const INVENTED_DAYS: (&str, &str) = ("2024-03-04", "2024-03-11");

/// Rows of a week that the dice invent: several hotlines, every end that a visit can have, and some equal rows.
///
/// # Panics
/// Never: the date exists.
pub fn invented(count: usize, dice: &mut Dice) -> Vec<Row> {
    let monday = NaiveDate::from_ymd_opt(2024, 3, 4).expect("a date of the calendar");
    let hotlines = ["Bürgertelefon", "Steuern und Finanzen", "Schule, Bildung"];
    let statuses = [
        "Verbunden",
        "Verbunden",
        "Verbunden",
        "Abbruch Warteschlange",
        "Abbruch Rufphase",
        "Überlauf",
        "Servicezeit beendet",
        "Abbruch Ansage",
    ];
    let mut rows: Vec<Row> = Vec::with_capacity(count);
    for _ in 0..count {
        if !rows.is_empty() && dice.between(0, 50) == 0 {
            rows.push(dice.one_of(&rows).clone());
            continue;
        }
        let seconds = TimeDelta::seconds(dice.between(0, 7 * 86_400) as i64);
        let started_at = (monday.and_time(chrono::NaiveTime::MIN) + seconds).to_string();
        let status = *dice.one_of(&statuses);
        let hotline = *dice.one_of(&hotlines);
        let mut row = Row::inbound(&started_at, hotline, status)
            .waits(dice.between(0, 120_000) as i64, dice.between(0, 20_000) as i64);
        if status == "Verbunden" {
            let mut up_to = |most: u64| dice.between(0, most) as i64;
            row = row.handled(up_to(600_000), up_to(30_000), up_to(60_000));
        }
        rows.push(row);
    }
    rows
}

//! Call records back into a file of the hotline's own form: what was imported can be exported, and imported elsewhere
//! with the same records and figures.

use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Europe::Berlin;
use domain::personal::Caller;
use domain::record::{CallRecord, DoubtReason, Field};
use encoding_rs::WINDOWS_1252;
use thiserror::Error;

use crate::encoding::TextEncoding;
use crate::hotline_export::map::WrittenWords;
use crate::local_time::{DoubleHour, LocalClock, WrittenTime};

/// Writes call records: the 24 headings in their order, `;` between columns, CRLF after each row.
///
/// Times are local, as `dd.mm.yyyy HH:MM:SS`. Records are to come in the order of their start: then a reader that
/// tells the passes of the double hour apart by order ([`DoubleHour::ByOrder`]) understands them. Where it would not
/// (no call in the first pass, say), the time is written with its offset instead. Durations are `hh:mm:ss`, with
/// milliseconds where they are not whole seconds. Doubtful values are written as they were delivered.
pub struct ExportWriter<W> {
    out: W,
    encoding: TextEncoding,
    /// The clock of whoever reads the file.
    clock: LocalClock,
    words: WrittenWords,
    rows: u64,
    row: String,
}

/// Why a record cannot be written.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The file cannot be written.
    #[error("the export cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The encoding lacks a letter.
    #[error("row {row}: {} has a letter that Windows-1252 lacks; export as UTF-8", .field.name())]
    Letter {
        /// The row, from 1.
        row: u64,
        /// The field.
        field: Field,
    },
}

impl<W: Write> ExportWriter<W> {
    /// Begins a file with its heading line.
    ///
    /// # Errors
    /// [`ExportError::Io`].
    pub fn new(out: W, encoding: TextEncoding) -> Result<Self, ExportError> {
        let mut writer = Self {
            out,
            encoding,
            clock: LocalClock::new(DoubleHour::ByOrder),
            words: WrittenWords::built_in(),
            rows: 0,
            row: String::new(),
        };
        for field in Field::ALL {
            writer.cell(field, field.heading())?;
        }
        writer.end_row()?;
        Ok(writer)
    }

    /// Writes a record.
    ///
    /// # Errors
    /// [`ExportError`]; the row is not written.
    pub fn write(&mut self, record: &CallRecord) -> Result<(), ExportError> {
        self.rows += 1;
        self.row.clear();
        for field in Field::ALL {
            let text = self.text(record, field);
            self.cell(field, &text)?;
        }
        self.end_row()
    }

    /// How many records were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Flushes what was written, and gives back where it went.
    ///
    /// # Errors
    /// [`ExportError::Io`].
    pub fn finish(mut self) -> Result<W, ExportError> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn text(&mut self, record: &CallRecord, field: Field) -> String {
        let said = match field {
            Field::StartedAt => Some(self.time(record.started_at)),
            Field::TaskType => Some(self.words.task_type(record.task_type).to_owned()),
            Field::Caller => record.caller.as_ref().map(|caller| match caller {
                Caller::Withheld => self.words.withheld().to_owned(),
                Caller::Given(given) => given.reveal().to_owned(),
            }),
            Field::DialledAddress => record.dialled_address.clone(),
            Field::Hotline => Some(record.hotline.to_string()),
            Field::ConnectionStatus => {
                Some(self.words.connection_status(record.connection_status).to_owned())
            }
            Field::CustomerRecordCount => count(record.customer_record_count),
            Field::CustomerConnectionCount => count(record.customer_connection_count),
            Field::Billable => record.billable_ms.map(duration),
            Field::Ring => record.ring_ms.map(duration),
            Field::Talk => record.talk_ms.map(duration),
            Field::Hold => record.hold_ms.map(duration),
            Field::Wait => record.wait_ms.map(duration),
            Field::ConsultCount => count(record.consult_count),
            Field::ConsultConnectionCount => count(record.consult_connection_count),
            Field::ConsultTalk => record.consult_talk_ms.map(duration),
            Field::AfterCallWork => record.after_call_work_ms.map(duration),
            Field::DirectTopicDial => flag(record.direct_topic_dial),
            Field::ExternalContact => flag(record.external_contact),
            Field::InboundContact => flag(record.inbound_contact),
            Field::OutCcContact => flag(record.out_cc_contact),
            Field::DialerContact => flag(record.dialer_contact),
            Field::VoiceMessageRecorded => flag(record.voice_message_recorded),
            Field::NetworkOverflowCount => count(record.network_overflow_count),
        };
        said.unwrap_or_else(|| as_delivered(record, field))
    }

    /// Local time; with its offset where a reader would take it for another instant.
    fn time(&mut self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&Berlin);
        let mut clock = self.clock.clone();
        let written = WrittenTime {
            wall: local.naive_local(),
            offset_seconds: None,
        };
        if clock.instant(written) == Ok(at) {
            self.clock = clock;
            let mut text = local.format("%d.%m.%Y %H:%M:%S").to_string();
            let millisecond = local.nanosecond() / 1_000_000;
            if millisecond > 0 {
                let _ = write!(text, ",{millisecond:03}");
            }
            return text;
        }
        local.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    fn cell(&mut self, field: Field, text: &str) -> Result<(), ExportError> {
        if self.encoding == TextEncoding::Windows1252 && WINDOWS_1252.encode(text).2 {
            return Err(ExportError::Letter {
                row: self.rows,
                field,
            });
        }
        if field as usize > 0 {
            self.row.push(';');
        }
        if text.contains([';', '"', '\r', '\n']) {
            self.row.push('"');
            self.row.push_str(&text.replace('"', "\"\""));
            self.row.push('"');
        } else {
            self.row.push_str(text);
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ExportError> {
        self.row.push_str("\r\n");
        match self.encoding {
            TextEncoding::Utf8 => self.out.write_all(self.row.as_bytes())?,
            TextEncoding::Windows1252 => self.out.write_all(&WINDOWS_1252.encode(&self.row).0)?,
        }
        Ok(())
    }
}

fn count(count: Option<u32>) -> Option<String> {
    count.map(|count| count.to_string())
}

fn flag(flag: Option<bool>) -> Option<String> {
    flag.map(|flag| if flag { "1" } else { "0" }.to_owned())
}

/// `hh:mm:ss`, with milliseconds after a comma where there are any.
fn duration(duration_ms: i64) -> String {
    let sign = if duration_ms < 0 { "-" } else { "" };
    let (seconds, ms) = (
        duration_ms.unsigned_abs() / 1000,
        duration_ms.unsigned_abs() % 1000,
    );
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let decimals = if ms > 0 {
        format!(",{ms:03}")
    } else {
        String::new()
    };
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{decimals}")
}

/// What was delivered in a field that counts as absent; nothing if nothing was.
fn as_delivered(record: &CallRecord, field: Field) -> String {
    let Some(doubt) = record.doubts.iter().find(|doubt| doubt.field == field.name()) else {
        return String::new();
    };
    let raw = doubt.raw.reveal();
    match doubt.reason {
        DoubtReason::Unreadable => raw.to_owned(),
        // Kept as milliseconds by `CallRecord::examined`.
        DoubtReason::NegativeDuration | DoubtReason::LongerThanADay => {
            let ms = raw.strip_suffix(" ms").and_then(|ms| ms.parse().ok());
            ms.map_or_else(|| raw.to_owned(), duration)
        }
    }
}

//! Time stamps as telephone systems write them: local time in Europe/Berlin, mostly without an offset.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;

use crate::numbers::milliseconds;

/// What a time without offset means in the hour that happens twice, at the end of summer time.
///
/// The hour that does not exist, at its beginning, is read as if the clock had not been moved (02:30 is 03:30 summer
/// time), unless the policy is to reject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DoubleHour {
    /// By order of the file, as far as it tells.
    ///
    /// Rows of the double hour belong to its first pass until the time steps back within it from one row to a later
    /// one (02:58, then 02:03); that row and those after it belong to the second pass. This holds only where the
    /// file is in chronological order: once a row with any other step back has been read while the file was at this
    /// day or the day before, rows of the double hour are taken for the first pass, like [`DoubleHour::Earlier`],
    /// and counted in [`LocalTimeReport::out_of_order_rows`]. A file whose time does not step back (no call in one
    /// of the passes) tells nothing: the first pass is taken. Rows with an offset take no part.
    ///
    /// Decided row by row from what was read before, so the same file always gives the same times.
    #[default]
    ByOrder,
    /// Always the first pass, in summer time.
    Earlier,
    /// Always the second pass, in standard time.
    Later,
    /// Such rows cannot be read; nor can those in the hour that does not exist.
    Reject,
}

impl DoubleHour {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::ByOrder, Self::Earlier, Self::Later, Self::Reject];

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByOrder => "by-order",
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::Reject => "reject",
        }
    }

    /// Reads what [`Self::name`] gave.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

impl fmt::Display for DoubleHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was decided about times without offset; for the report of the import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTimeReport {
    /// The policy for the hour that happens twice.
    pub policy: DoubleHour,
    /// Rows in the hour that happens twice.
    pub double_hour_rows: u64,
    /// Of these, taken for the second pass.
    pub later_rows: u64,
    /// Of these, taken for the first pass because the file is not in chronological order there.
    pub out_of_order_rows: u64,
    /// Rows in the hour that does not exist.
    pub missing_hour_rows: u64,
}

/// A time stamp as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrittenTime {
    pub(crate) wall: NaiveDateTime,
    pub(crate) offset_seconds: Option<i32>,
}

/// Why a text is no time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFault {
    /// It does not look like one.
    Shape,
    /// It does, but there is no such date or time of day.
    NoSuchTime,
}

impl WrittenTime {
    /// Reads `dd.mm.yyyy HH:MM[:SS]` and `yyyy-mm-ddTHH:MM[:SS][Z|±hh[:mm]]`, seconds with or without decimals
    /// (rounded half up to milliseconds).
    pub(crate) fn parse(text: &str) -> Result<Self, TimeFault> {
        let mut rest = Rest(text);
        let (first, first_length) = rest.number(4).ok_or(TimeFault::Shape)?;
        let (iso, (year, month, day)) = if first_length == 4 && rest.skip(&['-']) {
            let month = rest.number_of(2, 2)?;
            rest.expect(&['-'])?;
            (true, (first, month, rest.number_of(2, 2)?))
        } else if first_length <= 2 && rest.skip(&['.']) {
            let month = rest.number_of(1, 2)?;
            rest.expect(&['.'])?;
            (false, (rest.number_of(4, 4)?, month, first))
        } else {
            return Err(TimeFault::Shape);
        };
        if !(iso && rest.skip(&['T', 't'])) {
            rest.expect(&[' '])?;
            while rest.skip(&[' ']) {}
        }
        let hour = rest.number_of(1, 2)?;
        rest.expect(&[':'])?;
        let minute = rest.number_of(2, 2)?;
        let mut second = 0;
        let mut millisecond = 0;
        if rest.skip(&[':']) {
            second = rest.number_of(2, 2)?;
            if rest.skip(&[',', '.']) {
                millisecond = milliseconds(rest.digits()).ok_or(TimeFault::Shape)?;
            }
        }
        let offset_seconds = if iso { rest.offset_seconds()? } else { None };
        if !rest.0.is_empty() {
            return Err(TimeFault::Shape);
        }
        let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day).ok_or(TimeFault::NoSuchTime)?;
        let time = NaiveTime::from_hms_opt(hour, minute, second).ok_or(TimeFault::NoSuchTime)?;
        let wall = date
            .and_time(time)
            .checked_add_signed(TimeDelta::milliseconds(millisecond));
        Ok(Self {
            wall: wall.ok_or(TimeFault::NoSuchTime)?,
            offset_seconds,
        })
    }
}

/// What is left of a time stamp.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn digits(&mut self) -> &'a str {
        let end = self
            .0
            .bytes()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    fn number(&mut self, longest: usize) -> Option<(u32, usize)> {
        let digits = self.digits();
        (digits.len() <= longest).then_some(())?;
        Some((digits.parse().ok()?, digits.len()))
    }

    fn number_of(&mut self, shortest: usize, longest: usize) -> Result<u32, TimeFault> {
        let (number, length) = self.number(longest).ok_or(TimeFault::Shape)?;
        if length < shortest {
            Err(TimeFault::Shape)
        } else {
            Ok(number)
        }
    }

    fn skip(&mut self, signs: &[char]) -> bool {
        let rest = self.0.strip_prefix(signs);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, signs: &[char]) -> Result<(), TimeFault> {
        if self.skip(signs) {
            Ok(())
        } else {
            Err(TimeFault::Shape)
        }
    }

    fn offset_seconds(&mut self) -> Result<Option<i32>, TimeFault> {
        if self.skip(&['Z', 'z']) {
            return Ok(Some(0));
        }
        let sign = match self.0.chars().next() {
            Some('+') => 1,
            Some('-' | '−') => -1,
            _ => return Ok(None),
        };
        self.expect(&['+', '-', '−'])?;
        let (hours, minutes) = match self.number(4).ok_or(TimeFault::Shape)? {
            (hours, 2) if self.skip(&[':']) => (hours, self.number_of(2, 2)?),
            (hours, 2) => (hours, 0),
            (both, 4) => (both / 100, both % 100),
            _ => return Err(TimeFault::Shape),
        };
        if hours > 23 || minutes > 59 {
            return Err(TimeFault::NoSuchTime);
        }
        Ok(Some(sign * (hours * 3600 + minutes * 60).cast_signed()))
    }
}

/// A local time that the policy refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedTime {
    Twice,
    Never,
}

/// Turns written times into instants, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct LocalClock {
    report: LocalTimeReport,
    /// The latest wall time so far.
    latest: Option<NaiveDateTime>,
    /// Where the file stood when its time stepped back last, other than at the end of summer time.
    stepped_back_at: Option<NaiveDate>,
    /// In the second pass of a double hour: the latest wall time of it.
    second_pass: Option<NaiveDateTime>,
}

impl LocalClock {
    pub(crate) fn new(policy: DoubleHour) -> Self {
        let report = LocalTimeReport {
            policy,
            ..LocalTimeReport::default()
        };
        Self {
            report,
            latest: None,
            stepped_back_at: None,
            second_pass: None,
        }
    }

    pub(crate) fn report(&self) -> LocalTimeReport {
        self.report
    }

    /// The instant of a written time. To be called once for each row of the file that has one, in order.
    pub(crate) fn instant(&mut self, written: WrittenTime) -> Result<DateTime<Utc>, RefusedTime> {
        let WrittenTime { wall, offset_seconds } = written;
        if let Some(offset_seconds) = offset_seconds {
            return Ok((wall - TimeDelta::seconds(offset_seconds.into())).and_utc());
        }
        match Berlin.offset_from_local_datetime(&wall) {
            chrono::LocalResult::Single(offset) => {
                self.observe(wall);
                Ok(with_offset(wall, &offset))
            }
            chrono::LocalResult::Ambiguous(first, second) => {
                self.report.double_hour_rows += 1;
                let by_order = self.is_second_pass(wall);
                let later = match self.report.policy {
                    DoubleHour::ByOrder => by_order,
                    DoubleHour::Earlier => false,
                    DoubleHour::Later => true,
                    DoubleHour::Reject => return Err(RefusedTime::Twice),
                };
                self.report.later_rows += u64::from(later);
                Ok(with_offset(wall, if later { &second } else { &first }))
            }
            chrono::LocalResult::None => {
                self.observe(wall);
                self.report.missing_hour_rows += 1;
                if self.report.policy == DoubleHour::Reject {
                    return Err(RefusedTime::Never);
                }
                let before = Berlin
                    .offset_from_local_datetime(&(wall - TimeDelta::hours(3)))
                    .earliest();
                before
                    .map(|offset| with_offset(wall, &offset))
                    .ok_or(RefusedTime::Never)
            }
        }
    }

    /// The instant of a time in the double hour that something else tells not to lie before `earliest`: the first
    /// pass that does not. None outside the double hour, and where the policy names a pass.
    pub(crate) fn instant_after(
        &mut self,
        written: WrittenTime,
        earliest: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let chrono::LocalResult::Ambiguous(first, second) = Berlin.offset_from_local_datetime(&written.wall)
        else {
            return None;
        };
        if written.offset_seconds.is_some() || self.report.policy != DoubleHour::ByOrder {
            return None;
        }
        let later = with_offset(written.wall, &first) < earliest;
        self.report.double_hour_rows += 1;
        self.report.later_rows += u64::from(later);
        Some(with_offset(written.wall, if later { &second } else { &first }))
    }

    fn observe(&mut self, wall: NaiveDateTime) {
        match self.latest {
            Some(latest) if wall < latest => self.stepped_back_at = Some(latest.date()),
            _ => self.latest = Some(wall),
        }
    }

    /// See [`DoubleHour::ByOrder`].
    fn is_second_pass(&mut self, wall: NaiveDateTime) -> bool {
        let day = wall.date();
        let second_pass = self.second_pass.filter(|latest| latest.date() == day);
        let change = self.latest.filter(|latest| {
            second_pass.is_none() && latest.date() == day && wall < *latest && is_ambiguous(*latest)
        });
        let in_second_pass = change.is_some() || second_pass.is_some_and(|latest| wall >= latest);
        if in_second_pass {
            self.latest = self.latest.max(Some(wall));
        } else {
            self.observe(wall);
        }
        if self.stepped_back_at.is_some_and(|at| Some(at) >= day.pred_opt()) {
            if self.report.policy == DoubleHour::ByOrder {
                self.report.out_of_order_rows += 1;
            }
            return false;
        }
        if in_second_pass {
            self.second_pass = Some(wall);
        }
        in_second_pass
    }
}

fn is_ambiguous(wall: NaiveDateTime) -> bool {
    matches!(
        Berlin.offset_from_local_datetime(&wall),
        chrono::LocalResult::Ambiguous(..)
    )
}

fn with_offset(wall: NaiveDateTime, offset: &impl Offset) -> DateTime<Utc> {
    (wall - TimeDelta::seconds(offset.fix().local_minus_utc().into())).and_utc()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, TimeFault> {
        WrittenTime::parse(text).map(|time| match time.offset_seconds {
            Some(offset) => format!("{:?} {offset}", time.wall),
            None => format!("{:?}", time.wall),
        })
    }

    #[test]
    fn german_and_iso_time_stamps_are_read() {
        for (text, expected) in [
            ("01.02.1999 07:02:47", "1999-02-01T07:02:47"),
            ("1.2.1999  7:02", "1999-02-01T07:02:00"),
            ("01.02.1999 07:02:47,1236", "1999-02-01T07:02:47.124"),
            ("31.12.1999 23:59:59,9995", "2000-01-01T00:00:00"),
            ("1999-02-01T07:02:47", "1999-02-01T07:02:47"),
            ("1999-02-01 07:02", "1999-02-01T07:02:00"),
            ("1999-02-01T07:02:47.5+01:00", "1999-02-01T07:02:47.500 3600"),
            ("1999-02-01T07:02:47-0330", "1999-02-01T07:02:47 -12600"),
            ("1999-02-01T07:02:47+01", "1999-02-01T07:02:47 3600"),
            ("1999-02-01T07:02Z", "1999-02-01T07:02:00 0"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_stamp_is_told_from_a_time_that_does_not_exist() {
        for text in [
            "",
            "nur",
            "01.02.99 07:02:47",
            "01.02.1999",
            "01.02.1999T07:02",
            "1999-2-1 07:02",
            "0221 837",
        ] {
            assert_eq!(parsed(text), Err(TimeFault::Shape), "{text}");
        }
        for text in [
            "31.02.2024 10:00:00",
            "01.13.1999 07:02:47",
            "01.02.1999 24:00:00",
            "1999-02-01T07:02+24:00",
        ] {
            assert_eq!(parsed(text), Err(TimeFault::NoSuchTime), "{text}");
        }
    }

    /// Written times of the last Sunday of October 2024 (or with a date) and the UTC times that they become.
    fn check(policy: DoubleHour, times: &[(&str, &str)]) -> LocalTimeReport {
        let mut clock = LocalClock::new(policy);
        for (written, expected) in times {
            let text = if written.len() > 5 {
                (*written).to_owned()
            } else {
                format!("27.10.2024 {written}")
            };
            let instant = clock.instant(WrittenTime::parse(&text).unwrap());
            let shown = instant.map_or("refused".to_owned(), |at| at.format("%H:%M").to_string());
            assert_eq!(&shown, expected, "{policy} {written}");
        }
        clock.report()
    }

    #[test]
    fn a_step_back_within_the_double_hour_begins_its_second_pass() {
        let times = [
            ("01:59", "23:59"),
            ("02:10", "00:10"),
            ("02:58", "00:58"),
            ("02:03", "01:03"),
        ];
        let rest = [("02:03", "01:03"), ("02:59", "01:59"), ("03:00", "02:00")];
        let report = check(DoubleHour::ByOrder, &[&times[..], &rest].concat());
        assert_eq!(
            (
                report.double_hour_rows,
                report.later_rows,
                report.out_of_order_rows
            ),
            (5, 3, 0)
        );
    }

    #[test]
    fn without_a_step_back_the_first_pass_is_taken() {
        check(
            DoubleHour::ByOrder,
            &[
                ("02:10", "00:10"),
                ("02:10", "00:10"),
                ("02:50", "00:50"),
                ("03:00", "02:00"),
            ],
        );
    }

    #[test]
    fn in_a_file_out_of_order_the_first_pass_is_taken() {
        let report = check(
            DoubleHour::ByOrder,
            &[
                ("26.10.2024 23:00", "21:00"),
                ("26.10.2024 22:00", "20:00"),
                ("02:58", "00:58"),
                ("02:03", "00:03"),
            ],
        );
        assert_eq!((report.double_hour_rows, report.out_of_order_rows), (2, 2));
        check(
            DoubleHour::ByOrder,
            &[
                ("02:10", "00:10"),
                ("03:10", "02:10"),
                ("02:03", "00:03"),
                ("02:59", "00:59"),
            ],
        );
        check(
            DoubleHour::ByOrder,
            &[
                ("02:58", "00:58"),
                ("02:20", "01:20"),
                ("02:10", "00:10"),
                ("02:59", "00:59"),
            ],
        );
    }

    #[test]
    fn disorder_days_before_does_not_matter() {
        check(
            DoubleHour::ByOrder,
            &[
                ("25.10.2024 23:00", "21:00"),
                ("25.10.2024 22:00", "20:00"),
                ("02:58", "00:58"),
                ("02:03", "01:03"),
            ],
        );
    }

    #[test]
    fn the_other_policies_ask_no_order() {
        check(DoubleHour::Earlier, &[("02:58", "00:58"), ("02:03", "00:03")]);
        check(DoubleHour::Later, &[("02:58", "01:58"), ("02:03", "01:03")]);
        check(
            DoubleHour::Reject,
            &[
                ("01:58", "23:58"),
                ("02:03", "refused"),
                ("31.03.2024 02:30", "refused"),
            ],
        );
    }

    #[test]
    fn a_time_in_the_hour_that_does_not_exist_is_read_as_if_the_clock_had_not_been_moved() {
        let report = check(
            DoubleHour::Later,
            &[("31.03.2024 02:30", "01:30"), ("31.03.2024 03:30", "01:30")],
        );
        assert_eq!(report.missing_hour_rows, 1);
    }

    #[test]
    fn an_offset_is_taken_as_it_is() {
        let report = check(
            DoubleHour::Reject,
            &[
                ("2024-10-27T02:30:00+02:00", "00:30"),
                ("2024-10-27T02:30Z", "02:30"),
            ],
        );
        assert_eq!(report.double_hour_rows, 0);
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_stamp_or_none(text in "[-0-9T:.,+Z ]{0,30}", policy in 0..4_usize) {
            if let Ok(time) = WrittenTime::parse(&text) {
                let _ = LocalClock::new(DoubleHour::ALL[policy]).instant(time);
            }
        }

        /// A telephone system that writes in order, with a call in both passes such that the clock is seen to step back.
        #[test]
        fn in_a_file_in_order_every_call_gets_its_own_time(
            mut minutes in proptest::collection::vec(0..300_i64, 0..40)
        ) {
            // From 23:30 UTC (01:30 local) on; the change is at 01:00 UTC.
            minutes.extend([89, 90]);
            minutes.sort_unstable();
            let start = Utc.with_ymd_and_hms(2024, 10, 26, 23, 30, 0).unwrap();
            let mut clock = LocalClock::new(DoubleHour::ByOrder);
            for minute in minutes {
                let at = start + TimeDelta::minutes(minute);
                let wall = at.with_timezone(&Berlin).naive_local();
                prop_assert_eq!(clock.instant(WrittenTime { wall, offset_seconds: None }), Ok(at));
            }
        }
    }
}

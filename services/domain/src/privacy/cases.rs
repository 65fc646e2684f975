//! What a person asks for by right, as a case: when it came, until when it is to be answered, how it was made sure who asks,
//! and what came of it.

use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::TicketId;
use crate::named::named;

/// Requests that a case remembers.
pub const CASE_REQUESTS_MAX: usize = 100;
/// Notes that a case may have.
pub const CASE_NOTES_MAX: usize = 200;
/// Characters of a note, a reason or of grounds at most.
pub const CASE_TEXT_MAX: usize = 2000;

named! {
    /// Which right.
    CaseKind {
        /// Art. 15 GDPR.
        Access = "access",
        /// Art. 16.
        Rectification = "rectification",
        /// Art. 17.
        Erasure = "erasure",
        /// Art. 18.
        Restriction = "restriction",
        /// Art. 20.
        Portability = "portability",
        /// Art. 21.
        Objection = "objection",
        /// Art. 7(3).
        ConsentWithdrawal = "consent_withdrawal",
    }
}

named! {
    /// What came of a case.
    CaseOutcome {
        /// What was asked for was done.
        Granted = "granted",
        /// A part of it was done; the grounds say why not all.
        PartlyGranted = "partly_granted",
        /// It was not done; the grounds say why.
        Refused = "refused",
        /// Nothing is kept of the person.
        NothingKept = "nothing_kept",
        /// The person asks for it no longer.
        Dropped = "dropped",
    }
}

impl CaseKind {
    /// Whether an erasure may be what it ends in.
    pub fn may_erase(self) -> bool {
        matches!(self, Self::Erasure | Self::Objection | Self::ConsentWithdrawal)
    }
}

/// A case. Says by what the person is known as keyed hashes alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Which right.
    pub kind: CaseKind,
    /// The day on which the request came.
    pub received_on: NaiveDate,
    /// The day by which it is to be answered.
    pub due_on: NaiveDate,
    /// When and by whom it was opened.
    pub opened: Stamp,
    /// Tickets that it is about.
    #[serde(default)]
    pub tickets: Vec<TicketId>,
    /// Keyed hashes of what the person is known by, hexadecimal.
    #[serde(default)]
    pub marks: Vec<String>,
    /// The keyed hash of the family name, if one is known: others may have the number too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The keyed hash of the first name, if one is known: others of the family may have the number too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// That the time was extended, and why.
    #[serde(default)]
    pub extended: Option<CaseNote>,
    /// How it was made sure who asks.
    #[serde(default)]
    pub identity: Option<CaseNote>,
    /// Who has approved what is asked for.
    #[serde(default)]
    pub approvals: Vec<Stamp>,
    /// What happened, oldest first.
    #[serde(default)]
    pub notes: Vec<CaseNote>,
    /// What came of it.
    #[serde(default)]
    pub decision: Option<CaseDecision>,
    /// The last requests that changed it: the same one again changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<CaseRequest>,
}

/// What somebody is called, as keyed hashes, hexadecimal; absent where it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameHashes {
    /// Of the family name.
    pub family: Option<String>,
    /// Of the first name.
    pub first: Option<String>,
}

/// Whether two who are called something are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Both say both names, and they are the same.
    Same,
    /// Nothing speaks against it, but not all is said.
    Possible,
    /// The family name or the first name is another.
    Other,
}

impl NameHashes {
    /// How somebody stands to somebody else.
    pub fn likeness(&self, other: &Self) -> Likeness {
        let same = |own: &Option<String>, others: &Option<String>| Some(own.as_ref()? == others.as_ref()?);
        match (same(&self.family, &other.family), same(&self.first, &other.first)) {
            (Some(false), _) | (_, Some(false)) => Likeness::Other,
            (Some(true), Some(true)) => Likeness::Same,
            _ => Likeness::Possible,
        }
    }
}

/// A request that changed a case, as hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRequest {
    /// Of its key, hexadecimal.
    pub key: String,
    /// Of what was asked for, hexadecimal.
    pub asked: String,
}

/// How a request stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It is a new one.
    No,
    /// It was carried out before.
    Same,
    /// Its key was used for another request.
    KeyTaken,
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When.
    pub at: DateTime<Utc>,
    /// The name of a user or token.
    pub by: String,
}

/// What somebody wrote into a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseNote {
    /// Who and when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What; nothing about the person.
    pub text: String,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDecision {
    /// Who and when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What.
    pub outcome: CaseOutcome,
    /// Why; empty where all was done.
    #[serde(default)]
    pub grounds: String,
}

/// Why nothing was done with a case, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CaseRefused {
    /// It came later than today.
    #[error("received: give the day on which the request came; it is not after today")]
    ReceivedLater,
    /// It is decided.
    #[error("number: the case is decided; open another one for a new request")]
    Decided,
    /// The text is missing or too long.
    #[error("{0}: say it in 1 to 2000 characters, without anything about the person")]
    Text(&'static str),
    /// The time was extended before.
    #[error("number: the time was extended already; it can be extended once (Art. 12(3) GDPR)")]
    ExtendedBefore,
    /// It is too late to extend the time.
    #[error(
        "number: the month is over; the person had to be told of an extension within it (Art. 12(3) GDPR)"
    )]
    TooLateToExtend,
    /// Nobody has made sure who asks.
    #[error("number: note first how it was made sure who asks (case check)")]
    IdentityUnchecked,
    /// The same person has approved it before.
    #[error("number: you have approved this case already; another data protection officer has to")]
    ApprovedBefore,
    /// Not enough have approved it.
    #[error("number: another data protection officer has to approve the case first (case approve)")]
    NotApproved,
    /// The case is about something else.
    #[error("case_number: this case is about something else; name one that asks for this")]
    OtherKind,
    /// It has as many notes as it may have.
    #[error("number: the case has as many notes as it may have")]
    Full,
}

fn text(field: &'static str, text: &str) -> Result<String, CaseRefused> {
    let text = text.trim();
    let length = text.chars().count();
    let is_plain = !text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
    match (1..=CASE_TEXT_MAX).contains(&length) && is_plain {
        true => Ok(text.to_owned()),
        false => Err(CaseRefused::Text(field)),
    }
}

impl Case {
    /// A new case, to be answered within a month of the calendar.
    ///
    /// # Errors
    /// [`CaseRefused::ReceivedLater`].
    pub fn open(kind: CaseKind, received_on: NaiveDate, opened: Stamp) -> Result<Self, CaseRefused> {
        if received_on > crate::local_time::day_of(opened.at) {
            return Err(CaseRefused::ReceivedLater);
        }
        Ok(Self {
            kind,
            received_on,
            due_on: months_after(received_on, 1),
            opened,
            tickets: Vec::new(),
            marks: Vec::new(),
            name: None,
            first_name: None,
            extended: None,
            identity: None,
            approvals: Vec::new(),
            notes: Vec::new(),
            decision: None,
            requests: Vec::new(),
        })
    }

    /// What the person is called, as far as whoever opened it said.
    pub fn names(&self) -> NameHashes {
        NameHashes {
            family: self.name.clone(),
            first: self.first_name.clone(),
        }
    }

    /// Whether it says about whom it is.
    pub fn has_subject(&self) -> bool {
        !self.marks.is_empty() || !self.tickets.is_empty()
    }

    /// How a request stands to those that changed it before.
    pub fn repetition(&self, request: &CaseRequest) -> Repetition {
        let known = self.requests.iter().find(|known| known.key == request.key);
        match known {
            None => Repetition::No,
            Some(known) if known == request => Repetition::Same,
            Some(_) => Repetition::KeyTaken,
        }
    }

    /// Keeps that a request has changed it; the oldest are forgotten.
    pub fn changed_by(&mut self, request: CaseRequest) {
        self.requests.push(request);
        let too_many = self.requests.len().saturating_sub(CASE_REQUESTS_MAX);
        self.requests.drain(..too_many);
    }

    /// When somebody last did something with it.
    pub fn last_handled(&self) -> DateTime<Utc> {
        let notes = self.notes.iter().chain(&self.extended).chain(&self.identity);
        let stamps = notes.map(|note| &note.stamp).chain(&self.approvals);
        let stamps = stamps.chain(self.decision.as_ref().map(|decision| &decision.stamp));
        stamps.map(|stamp| stamp.at).fold(self.opened.at, DateTime::max)
    }

    /// Whether it was to be answered before a day.
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.decision.is_none() && self.due_on < today
    }

    fn refuse_if_decided(&self) -> Result<(), CaseRefused> {
        match self.decision {
            Some(_) => Err(CaseRefused::Decided),
            None => Ok(()),
        }
    }

    /// Notes what happened; also once it is decided.
    ///
    /// # Errors
    /// [`CaseRefused`].
    pub fn note(&mut self, stamp: Stamp, said: &str) -> Result<(), CaseRefused> {
        let text = text("text", said)?;
        if self.notes.len() >= CASE_NOTES_MAX {
            return Err(CaseRefused::Full);
        }
        self.notes.push(CaseNote { stamp, text });
        Ok(())
    }

    /// Notes how it was made sure who asks.
    ///
    /// # Errors
    /// [`CaseRefused`].
    pub fn check_identity(&mut self, stamp: Stamp, how: &str) -> Result<(), CaseRefused> {
        self.refuse_if_decided()?;
        let text = text("how", how)?;
        self.identity = Some(CaseNote { stamp, text });
        Ok(())
    }

    /// Extends the time by two months, once, and within the first month.
    ///
    /// # Errors
    /// [`CaseRefused`].
    pub fn extend(&mut self, stamp: Stamp, reason: &str) -> Result<(), CaseRefused> {
        self.refuse_if_decided()?;
        let text = text("reason", reason)?;
        if self.extended.is_some() {
            return Err(CaseRefused::ExtendedBefore);
        }
        if crate::local_time::day_of(stamp.at) > self.due_on {
            return Err(CaseRefused::TooLateToExtend);
        }
        self.due_on = months_after(self.received_on, 3);
        self.extended = Some(CaseNote { stamp, text });
        Ok(())
    }

    /// Approves what is asked for; each officer once.
    ///
    /// # Errors
    /// [`CaseRefused`].
    pub fn approve(&mut self, stamp: Stamp) -> Result<(), CaseRefused> {
        self.refuse_if_decided()?;
        if self.identity.is_none() {
            return Err(CaseRefused::IdentityUnchecked);
        }
        if self.approvals.iter().any(|approval| approval.by == stamp.by) {
            return Err(CaseRefused::ApprovedBefore);
        }
        self.approvals.push(stamp);
        Ok(())
    }

    /// Whether somebody has noted just this of how it was made sure who asks.
    pub fn was_checked_so(&self, by: &str, how: &str) -> bool {
        is_said(self.identity.as_ref(), by, how)
    }

    /// Whether somebody has extended the time for just this reason.
    pub fn was_extended_so(&self, by: &str, reason: &str) -> bool {
        is_said(self.extended.as_ref(), by, reason)
    }

    /// Whether somebody has decided it just so.
    pub fn was_decided_so(&self, by: &str, outcome: CaseOutcome, grounds: &str) -> bool {
        self.decision.as_ref().is_some_and(|decision| {
            decision.stamp.by == by && decision.outcome == outcome && decision.grounds == grounds.trim()
        })
    }

    /// Whether an erasure may be carried out for it: it asks for one, it was made sure who asks, and where two persons are
    /// wanted, two have approved it.
    ///
    /// # Errors
    /// [`CaseRefused`] with what is missing.
    pub fn may_erase(&self, two_persons: bool) -> Result<(), CaseRefused> {
        self.refuse_if_decided()?;
        if !self.kind.may_erase() {
            return Err(CaseRefused::OtherKind);
        }
        if self.identity.is_none() {
            return Err(CaseRefused::IdentityUnchecked);
        }
        match two_persons && self.approvals.len() < 2 {
            true => Err(CaseRefused::NotApproved),
            false => Ok(()),
        }
    }

    /// Ends the case. What was done or refused needs to know who asked; what was not done needs grounds.
    ///
    /// # Errors
    /// [`CaseRefused`].
    pub fn decide(&mut self, stamp: Stamp, outcome: CaseOutcome, grounds: &str) -> Result<(), CaseRefused> {
        self.refuse_if_decided()?;
        let is_about_somebody = matches!(
            outcome,
            CaseOutcome::Granted | CaseOutcome::PartlyGranted | CaseOutcome::NothingKept
        );
        if is_about_somebody && self.identity.is_none() {
            return Err(CaseRefused::IdentityUnchecked);
        }
        let needs_grounds = matches!(outcome, CaseOutcome::Refused | CaseOutcome::PartlyGranted);
        let grounds = match (needs_grounds, grounds.trim()) {
            (false, "") => String::new(),
            (_, grounds) => text("grounds", grounds)?,
        };
        self.decision = Some(CaseDecision {
            stamp,
            outcome,
            grounds,
        });
        Ok(())
    }
}

fn is_said(note: Option<&CaseNote>, by: &str, text: &str) -> bool {
    note.is_some_and(|note| note.stamp.by == by && note.text == text.trim())
}

/// The same day some months later; the last day of a month that is too short.
fn months_after(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months))
        .unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn stamp(on: &str, by: &str) -> Stamp {
        Stamp {
            at: format!("{on}T10:00:00Z").parse().unwrap(),
            by: by.to_owned(),
        }
    }

    fn case(kind: CaseKind) -> Case {
        Case::open(kind, day("2026-01-31"), stamp("2026-02-02", "anna")).unwrap()
    }

    #[test]
    fn a_case_is_due_after_a_month_of_the_calendar_and_extended_once() {
        let mut case = case(CaseKind::Access);
        assert_eq!(case.due_on, day("2026-02-28"));
        assert!(!case.is_overdue(day("2026-02-28")) && case.is_overdue(day("2026-03-01")));
        let late = case.clone().extend(stamp("2026-03-01", "anna"), "viel");
        assert_eq!(late, Err(CaseRefused::TooLateToExtend));
        case.extend(stamp("2026-02-28", "anna"), "viel").unwrap();
        assert_eq!(case.due_on, day("2026-04-30"));
        let again = case.extend(stamp("2026-02-28", "anna"), "viel");
        assert_eq!(again, Err(CaseRefused::ExtendedBefore));
    }

    #[test]
    fn an_erasure_needs_the_right_kind_an_identity_and_two_persons() {
        assert_eq!(
            case(CaseKind::Access).may_erase(false),
            Err(CaseRefused::OtherKind)
        );
        let mut case = case(CaseKind::Erasure);
        assert_eq!(case.may_erase(false), Err(CaseRefused::IdentityUnchecked));
        case.check_identity(stamp("2026-02-03", "anna"), "Personalausweis")
            .unwrap();
        assert_eq!(case.may_erase(false), Ok(()));
        assert_eq!(case.may_erase(true), Err(CaseRefused::NotApproved));
        case.approve(stamp("2026-02-03", "anna")).unwrap();
        let again = case.approve(stamp("2026-02-04", "anna"));
        assert_eq!(again, Err(CaseRefused::ApprovedBefore));
        assert_eq!(case.may_erase(true), Err(CaseRefused::NotApproved));
        case.approve(stamp("2026-02-04", "ben")).unwrap();
        assert_eq!(case.may_erase(true), Ok(()));
    }

    #[test]
    fn a_refusal_needs_grounds_and_a_decided_case_stays_so() {
        let mut case = case(CaseKind::Objection);
        let decided = stamp("2026-02-05", "anna");
        let refused = case.decide(decided.clone(), CaseOutcome::Refused, " ");
        assert_eq!(refused, Err(CaseRefused::Text("grounds")));
        case.decide(decided.clone(), CaseOutcome::Refused, "§ 10 DSG NRW")
            .unwrap();
        assert_eq!(
            case.decide(decided.clone(), CaseOutcome::Dropped, ""),
            Err(CaseRefused::Decided)
        );
        assert!(case.was_decided_so("anna", CaseOutcome::Refused, "§ 10 DSG NRW "));
        assert!(!case.was_decided_so("ben", CaseOutcome::Refused, "§ 10 DSG NRW"));
        assert!(!case.was_decided_so("anna", CaseOutcome::Refused, "anders"));
        assert!(!case.is_overdue(day("2027-01-01")));
        case.note(decided, "Bescheid versandt").unwrap();
    }

    #[test]
    fn a_first_name_makes_another_of_the_family() {
        let called = |family: &str, first: &str| {
            let hash = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
            NameHashes {
                family: hash(family),
                first: hash(first),
            }
        };
        let ada = called("amsel", "ada");
        for (other, likeness) in [
            (called("amsel", "ada"), Likeness::Same),
            (called("amsel", "xaver"), Likeness::Other),
            (called("drossel", "ada"), Likeness::Other),
            (called("amsel", ""), Likeness::Possible),
            (called("", ""), Likeness::Possible),
            (called("", "xaver"), Likeness::Other),
        ] {
            assert_eq!(ada.likeness(&other), likeness, "{other:?}");
            assert_eq!(other.likeness(&ada), likeness, "{other:?}");
        }
        assert_eq!(
            called("amsel", "").likeness(&called("amsel", "")),
            Likeness::Possible
        );
    }

    #[test]
    fn a_case_that_was_kept_without_a_first_name_is_read() {
        let mut kept = serde_json::to_value(case(CaseKind::Erasure)).unwrap();
        kept["name"] = "ab".into();
        let read: Case = serde_json::from_value(kept).unwrap();
        assert_eq!(
            (read.names().family.as_deref(), read.first_name),
            (Some("ab"), None)
        );
    }

    #[test]
    fn a_request_cannot_come_after_today() {
        let opened = Case::open(CaseKind::Access, day("2026-02-03"), stamp("2026-02-02", "anna"));
        assert_eq!(opened, Err(CaseRefused::ReceivedLater));
    }

    #[test]
    fn a_case_knows_the_requests_that_changed_it_up_to_a_number() {
        let opened = Stamp {
            at: "2026-03-03T10:00:00Z".parse().unwrap(),
            by: "dora".to_owned(),
        };
        let day = "2026-03-03".parse().unwrap();
        let mut case = Case::open(CaseKind::Access, day, opened).unwrap();
        let request = |key: usize, asked: &str| CaseRequest {
            key: key.to_string(),
            asked: asked.to_owned(),
        };
        assert_eq!(case.repetition(&request(0, "a")), Repetition::No);
        for key in 0..=CASE_REQUESTS_MAX {
            case.changed_by(request(key, "a"));
        }
        assert_eq!(case.repetition(&request(1, "a")), Repetition::Same);
        assert_eq!(case.repetition(&request(1, "b")), Repetition::KeyTaken);
        assert_eq!(case.repetition(&request(0, "a")), Repetition::No);
    }
}

//! Which rules there are: those of the register, and those of the settings.

mod noted;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use domain::access::Failures;
use domain::local_time;
use domain::privacy::access_log::{self, ACCESS_LOGS};
use domain::procedure::{
    self, AUDIT_TRAIL, CALL_RECORDS, EntryRules, OfferKind, Period, Procedure, ProcedureId, Register,
    RetentionEvent,
};
use store::clocks::{
    ACCESSES, AGENT_STATES, BACKUPS, CONFIRMED_CALLS, CONFIRMED_KEPT, ENTRIES, FAILED_ATTEMPTS, SESSIONS,
    UNCONFIRMED, of_procedure,
};
use store::retention::{
    AGENT_NAMES, AUDIT_ENTRIES, CALLS, CASES, IDENTITIES, REJECTED_ITEMS, REJECTED_REPLIES, RunLine,
};

use super::RetentionSettings;
use super::clocks::ClockTerms;

/// The entry of the register that says what is kept of agents.
const AGENTS: &str = "agents";
/// That of what people ask for by right.
const DATA_SUBJECT_CASES: &str = "data-subject-cases";
/// That of imports.
const IMPORTS: &str = "imports";
/// That of users.
const USERS: &str = "users";
/// That of backups.
const BACKUP_COPIES: &str = "backups";

/// Entries of the register that this file has rules for, beside those that make tickets or entries.
const KNOWN: &[&str] = &[
    CALL_RECORDS,
    AGENTS,
    procedure::REJECTED_ITEMS,
    procedure::REJECTED_REPLIES,
    DATA_SUBJECT_CASES,
    AUDIT_TRAIL,
    ACCESS_LOGS,
    BACKUP_COPIES,
];

/// What tickets are called in plans and runs.
pub(super) const TICKETS: &str = "tickets";
/// What is kept beside the backups of what was done by right of persons.
const ACTS: &str = "acts_beside_backups";

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Calls with their visits.
    Calls,
    /// Names of agents in calls.
    AgentNames,
    /// What is left of deleted calls.
    Identities,
    /// Items that could not be counted.
    RejectedItems,
    /// Replies of departments to tickets that are not known.
    RejectedReplies,
    /// Tickets of a procedure.
    Tickets(ProcedureId, RetentionEvent),
    /// Cases of data subjects.
    Cases,
    /// The audit trail.
    AuditEntries,
    /// Reports of what agents do.
    AgentStates,
    /// Calls that imports confirmed.
    ConfirmedCalls,
    /// Entries of a procedure that were not confirmed.
    Unconfirmed(ProcedureId),
    /// Entries of a procedure that were ended, or whose event is over.
    Entries(ProcedureId, OfferKind),
    /// The access log.
    Accesses,
    /// Sessions of users.
    Sessions,
    /// Attempts to sign in.
    FailedAttempts,
    /// Backups.
    Backups,
    /// What was done by right of persons, beside the backups.
    Acts,
    /// What nothing has to be done about, and nothing is counted of here.
    Noted { name: &'static str, store: &'static str },
}

/// Who ends what a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// A run of retention.
    Run,
    /// A loop of a service, within minutes; and a run, whatever the loop has left.
    OwnClock,
    /// Whatever ends its purpose, in the same transaction.
    AtOnce,
    /// It goes with the call or ticket that it belongs to.
    WithOwner,
    /// People remove it.
    People,
    /// It is not kept here.
    Elsewhere,
    /// Nobody: it says nothing about persons, or keeps them from coming back.
    Nobody,
}

impl EndedBy {
    /// Its name for programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::OwnClock => "own_clock",
            Self::AtOnce => "at_once",
            Self::WithOwner => "with_owner",
            Self::People => "people",
            Self::Elsewhere => "elsewhere",
            Self::Nobody => "nobody",
        }
    }
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// Whole local days.
    Days(Period),
    /// To the second.
    Exact(TimeDelta),
}

/// How long something is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) what: What,
    /// Of the register; empty where the settings say it.
    pub(super) procedure: String,
    pub(super) after: &'static str,
    pub(super) term: Term,
    /// In German.
    pub(super) text: String,
    pub(super) ended_by: EndedBy,
}

/// The rules in force: what a run ends first, in the order in which it does.
pub(super) fn rules(register: &Register, settings: &RetentionSettings, terms: &ClockTerms) -> Vec<Rule> {
    let mut rules = of_runs(register, settings);
    rules.extend(of_clocks(register, settings, terms));
    rules.extend(noted::rules(register));
    rules
}

fn of_runs(register: &Register, settings: &RetentionSettings) -> Vec<Rule> {
    let mut rules = Vec::new();
    let entry = |id: &str, what: What| Some(of_register(register.procedure(id)?, what, EndedBy::Run));
    rules.extend(entry(CALL_RECORDS, What::Calls));
    let tickets = register.procedures().iter();
    rules.extend(
        tickets
            .filter(|procedure| procedure.ticket_rules().is_some())
            .map(|procedure| {
                let what = What::Tickets(procedure.id.clone(), procedure.retention.after);
                of_register(procedure, what, EndedBy::Run)
            }),
    );
    rules.push(Rule {
        what: What::AgentNames,
        procedure: AGENTS.to_owned(),
        after: RetentionEvent::Call.name(),
        term: Term::Days(settings.agents),
        text: "Kennungen der Beschäftigten in Anrufen (agents.kept_days; zwei Tage, solange Zahlen einzelner Beschäftigter aus sind)."
            .to_owned(),
        ended_by: EndedBy::Run,
    });
    rules.push(Rule {
        what: What::Identities,
        procedure: String::new(),
        after: "deletion",
        term: Term::Days(settings.identities),
        text: "Pseudonyme Kennungen gelöschter Anrufe, damit eine Wiederholung nicht noch einmal zählt."
            .to_owned(),
        ended_by: EndedBy::Run,
    });
    rules.extend(entry(procedure::REJECTED_ITEMS, What::RejectedItems));
    rules.extend(entry(procedure::REJECTED_REPLIES, What::RejectedReplies));
    rules.extend(entry(DATA_SUBJECT_CASES, What::Cases));
    rules.extend(entry(AUDIT_TRAIL, What::AuditEntries));
    rules
}

/// What loops of the services end by themselves.
fn of_clocks(register: &Register, settings: &RetentionSettings, terms: &ClockTerms) -> Vec<Rule> {
    let mut rules = Vec::new();
    for procedure in register.procedures() {
        if let Some(entries) = procedure.entry_rules() {
            rules.push(unconfirmed(procedure, entries));
            rules.push(entries_of(procedure, entries, terms));
        }
    }
    let by_clock = |what: What, id: &str, after: RetentionEvent, kept: TimeDelta, text: &str| Rule {
        what,
        procedure: id.to_owned(),
        after: after.name(),
        term: Term::Exact(kept),
        text: text.to_owned(),
        ended_by: EndedBy::OwnClock,
    };
    let reception = RetentionEvent::Reception;
    if let Period::Days(days) = settings.agents {
        let kept = TimeDelta::days(days.into());
        let text = "Zustände der Beschäftigten (angemeldet, bereit, Pause): agents.kept_days.";
        rules.push(by_clock(What::AgentStates, AGENTS, reception, kept, text));
    }
    let text = "Welche Anrufe ein ersetzender Einlesevorgang bestätigt hat, nur als Kennung.";
    rules.push(by_clock(
        What::ConfirmedCalls,
        IMPORTS,
        reception,
        CONFIRMED_KEPT,
        text,
    ));
    if let Some(procedure) = register.procedure(ACCESS_LOGS) {
        let kept = access_log::kept(register);
        rules.push(by_clock(
            What::Accesses,
            ACCESS_LOGS,
            reception,
            kept,
            &procedure.retention.text,
        ));
    }
    let limits = terms.sessions;
    let text = format!(
        "Sitzungen, oder {} ohne Nutzung.",
        german(&exact_text(limits.idle))
    );
    rules.push(by_clock(What::Sessions, USERS, reception, limits.absolute, &text));
    rules.push(by_clock(
        What::FailedAttempts,
        USERS,
        reception,
        Failures::FORGOTTEN_AFTER,
        "Gezählte Fehlversuche der Anmeldung, nach dem letzten.",
    ));
    if let Some(procedure) = register.procedure(BACKUP_COPIES) {
        let kept = terms.backups_kept;
        rules.push(by_clock(
            What::Backups,
            BACKUP_COPIES,
            reception,
            kept,
            &procedure.retention.text,
        ));
        let text = "Was seit den Sicherungen auf Verlangen berichtigt, eingeschränkt oder abgemeldet wurde, verschlüsselt daneben: so lange wie diese.";
        rules.push(by_clock(What::Acts, BACKUP_COPIES, reception, kept, text));
    }
    rules
}

fn unconfirmed(procedure: &Procedure, entries: &EntryRules) -> Rule {
    let latest = match entries.offers {
        OfferKind::Newsletters => "",
        OfferKind::Events => ", längstens bis zum Tag nach der Frist der Veranstaltung",
    };
    Rule {
        what: What::Unconfirmed(procedure.id.clone()),
        procedure: procedure.id.to_string(),
        after: RetentionEvent::Reception.name(),
        term: Term::Exact(TimeDelta::days(entries.confirm_within_days.into())),
        text: format!("Anmeldungen, die nicht bestätigt werden{latest}."),
        ended_by: EndedBy::OwnClock,
    }
}

fn entries_of(procedure: &Procedure, entries: &EntryRules, terms: &ClockTerms) -> Rule {
    let what = What::Entries(procedure.id.clone(), entries.offers);
    match entries.offers {
        OfferKind::Newsletters => of_register(procedure, what, EndedBy::AtOnce),
        OfferKind::Events => Rule {
            term: Term::Exact(terms.event_entries_kept),
            text: format!(
                "{} Spätestens nach public.event_entries_kept_days, auch wenn niemand sie ausleitet.",
                procedure.retention.text
            ),
            ..of_register(procedure, what, EndedBy::OwnClock)
        },
    }
}

fn of_register(procedure: &Procedure, what: What, ended_by: EndedBy) -> Rule {
    let retention = &procedure.retention;
    Rule {
        what,
        procedure: procedure.id.to_string(),
        after: retention.after.name(),
        term: Term::Days(retention.period),
        text: retention.text.clone(),
        ended_by,
    }
}

impl What {
    /// Its name for programs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Calls => CALLS,
            Self::AgentNames => AGENT_NAMES,
            Self::Identities => IDENTITIES,
            Self::RejectedItems => REJECTED_ITEMS,
            Self::RejectedReplies => REJECTED_REPLIES,
            Self::Tickets(..) => TICKETS,
            Self::Cases => CASES,
            Self::AuditEntries => AUDIT_ENTRIES,
            Self::AgentStates => AGENT_STATES,
            Self::ConfirmedCalls => CONFIRMED_CALLS,
            Self::Unconfirmed(_) => UNCONFIRMED,
            Self::Entries(..) => ENTRIES,
            Self::Accesses => ACCESSES,
            Self::Sessions => SESSIONS,
            Self::FailedAttempts => FAILED_ATTEMPTS,
            Self::Backups => BACKUPS,
            Self::Acts => ACTS,
            Self::Noted { name, .. } => name,
        }
    }

    /// The unit of storage that holds it; empty where none does.
    pub(super) fn store(&self) -> &'static str {
        match self {
            Self::Calls
            | Self::AgentNames
            | Self::Identities
            | Self::RejectedItems
            | Self::AgentStates
            | Self::ConfirmedCalls => "calls",
            Self::Tickets(..) | Self::RejectedReplies | Self::Unconfirmed(_) | Self::Entries(..) => TICKETS,
            Self::Cases | Self::AuditEntries | Self::Accesses | Self::Sessions | Self::FailedAttempts => {
                "access"
            }
            Self::Backups | Self::Acts => "backups",
            Self::Noted { store, .. } => store,
        }
    }

    /// What is counted of it when it goes, by this name; `None` where nothing is.
    pub(super) fn tally(&self) -> Option<String> {
        match self {
            Self::Tickets(procedure, _) => Some(procedure.to_string()),
            Self::Unconfirmed(procedure) | Self::Entries(procedure, _) => {
                Some(of_procedure(self.name(), procedure.as_str()))
            }
            Self::Acts | Self::Noted { .. } => None,
            _ => Some(self.name().to_owned()),
        }
    }
}

impl Term {
    /// As programs and people read it: `180 days`.
    pub(super) fn text(self) -> String {
        match self {
            Self::Days(period) => period.text(),
            Self::Exact(kept) => exact_text(kept),
        }
    }
}

fn exact_text(kept: TimeDelta) -> String {
    let plural = |number: i64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    let seconds = kept.num_seconds();
    match (seconds % 86_400, seconds % 3_600, seconds % 60) {
        (0, ..) => plural(kept.num_days(), "day"),
        (_, 0, _) => plural(kept.num_hours(), "hour"),
        (_, _, 0) => plural(kept.num_minutes(), "minute"),
        _ => plural(seconds, "second"),
    }
}

/// The same for people, in German.
fn german(text: &str) -> String {
    let Some((number, unit)) = text.split_once(' ') else {
        return text.to_owned();
    };
    let unit = match unit {
        "day" => "Tag",
        "days" => "Tage",
        "hour" => "Stunde",
        "hours" => "Stunden",
        "minute" => "Minute",
        "minutes" => "Minuten",
        "second" => "Sekunde",
        _ => "Sekunden",
    };
    format!("{number} {unit}")
}

impl Rule {
    /// The local day before which everything that began is past; `None` where the calendar ends, or whole days do not matter.
    pub(super) fn over_before(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        match self.term {
            Term::Days(period) => period.over_before(local_time::day_of(at)),
            Term::Exact(_) => None,
        }
    }

    /// What began before this moment is past; `None` where the calendar ends.
    pub(super) fn past_before(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.term {
            Term::Days(_) => self.over_before(at).map(local_time::start_of),
            Term::Exact(kept) => at.checked_sub_signed(kept),
        }
    }

    /// The same as it is told: a local day, or a time where whole days do not matter. Empty where nothing has a moment.
    pub(super) fn before(&self, at: DateTime<Utc>) -> String {
        if !matches!(self.ended_by, EndedBy::Run | EndedBy::OwnClock) {
            return String::new();
        }
        let told = match self.term {
            Term::Days(_) => self.over_before(at).map(|day| day.to_string()),
            Term::Exact(_) => self.past_before(at).map(|before| {
                before
                    .with_timezone(&local_time::ZONE)
                    .to_rfc3339_opts(SecondsFormat::Secs, false)
            }),
        };
        told.unwrap_or_default()
    }

    /// What a run did by it, with nothing done yet.
    pub(super) fn line(&self, at: DateTime<Utc>) -> RunLine {
        RunLine {
            what: self.what.name().to_owned(),
            ended_by: self.ended_by.name().to_owned(),
            procedure: self.procedure.clone(),
            after: self.after.to_owned(),
            period: self.term.text(),
            before: self.before(at),
            ..RunLine::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use access::SessionLimits;

    use super::*;

    fn built_in() -> (Register, Vec<Rule>) {
        let register = Register::built_in();
        let settings = RetentionSettings {
            instance: "a".to_owned(),
            at: None,
            agents: Period::Days(2),
            identities: Period::Years(10),
        };
        let terms = ClockTerms {
            event_entries_kept: TimeDelta::days(30),
            sessions: SessionLimits::default(),
            backups: None,
            backups_kept: TimeDelta::days(42),
        };
        let rules = rules(&register, &settings, &terms);
        (register, rules)
    }

    #[test]
    fn every_retention_of_the_register_has_a_rule_that_says_who_ends_it() {
        let (register, rules) = built_in();
        for procedure in register.procedures() {
            let of_it = rules
                .iter()
                .filter(|rule| rule.procedure == procedure.id.as_str());
            let names: Vec<_> = of_it.map(|rule| rule.what.name()).collect();
            assert!(!names.is_empty(), "{}: nothing says who ends it", procedure.id);
            assert!(
                !names.contains(&noted::UNKNOWN),
                "{}: say in rules.rs or rules/noted.rs who ends what is kept of it",
                procedure.id
            );
        }
    }

    #[test]
    fn every_rule_is_told_once_and_says_why() {
        let (_, rules) = built_in();
        for (place, rule) in rules.iter().enumerate() {
            let same =
                |other: &Rule| other.what.name() == rule.what.name() && other.procedure == rule.procedure;
            assert_eq!(rules.iter().position(same), Some(place), "{rule:?}");
            assert!(rule.text.ends_with('.'), "{rule:?}");
        }
    }

    #[test]
    fn terms_are_told_to_the_unit_and_their_moments_to_the_second() {
        let (_, rules) = built_in();
        let at: DateTime<Utc> = "2026-11-28T12:30:15Z".parse().unwrap();
        let of = |what: &str, procedure: &str| {
            let mut found = rules.iter();
            let rule = found.find(|rule| rule.what.name() == what && rule.procedure == procedure);
            let rule = rule.unwrap();
            (rule.term.text(), rule.before(at), rule.ended_by.name())
        };
        for (what, procedure, period, before, ended_by) in [
            ("calls", "call-records", "180 days", "2026-06-01", "run"),
            ("cases", "data-subject-cases", "3 years", "2023-11-28", "run"),
            (
                "accesses",
                "access-logs",
                "2 days",
                "2026-11-26T13:30:15+01:00",
                "own_clock",
            ),
            (
                "sessions",
                "users",
                "12 hours",
                "2026-11-28T01:30:15+01:00",
                "own_clock",
            ),
            (
                "backups",
                "backups",
                "42 days",
                "2026-10-17T14:30:15+02:00",
                "own_clock",
            ),
            ("entries", "newsletter", "0 days", "", "at_once"),
            ("drafts", "desk-drafts", "1 day", "", "elsewhere"),
        ] {
            assert_eq!(
                of(what, procedure),
                (period.to_owned(), before.to_owned(), ended_by),
                "{what}"
            );
        }
    }
}

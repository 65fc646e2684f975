//! Cases: what persons ask for, and what came of it.

use chrono::{NaiveDate, SubsecRound as _};
use domain::access::{Principal, Role};
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{IdentityKey, TicketId};
use domain::local_time;
use domain::privacy::{
    Case, CaseKind, CaseNote, CaseOutcome, CaseRefused, CaseRequest, MarkKind, Marks, NameHashes, Repetition,
    Stamp,
};
use domain::report::content_hash;
use store::StoreError;
use store::cases::{CaseQuery, KeptCase, NewCase, OpenedCase};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;
use wire::v1::privacy::change_case_request::Change;

use super::{RightsParts, RightsService, acts, refused};
use crate::about::{self, About};
use crate::paging;

/// How often a note is written anew because somebody else was faster.
const TRIES: usize = 8;

fn stamp(parts: &RightsParts, principal: &Principal) -> Stamp {
    Stamp {
        at: (parts.clock)().trunc_subsecs(3),
        by: principal.name.clone(),
    }
}

fn not_done(refusal: CaseRefused) -> Status {
    match refusal {
        CaseRefused::Text(_) | CaseRefused::ReceivedLater => Status::invalid_argument(refusal.to_string()),
        _ => Status::failed_precondition(refusal.to_string()),
    }
}

fn no_case(number: i64) -> Status {
    Status::not_found(format!(
        "number: there is no case {number}; see privacy case list --all"
    ))
}

async fn kept(parts: &RightsParts, number: i64) -> Result<KeptCase, Status> {
    let found = parts.cases.case(number).await.map_err(|error| refused(&error))?;
    found.ok_or_else(|| no_case(number))
}

/// Keyed hashes of what a person is known by. The name counts only where nothing else is known: many have it.
fn hashes(parts: &RightsParts, marks: &Marks) -> Vec<String> {
    let keys = marks.ticket_keys().into_iter();
    keys.map(|(kind, text)| mark_hash(&parts.key, kind, &text))
        .collect()
}

/// The keyed hash of something that a person is known by, as cases keep it.
pub(crate) fn mark_hash(key: &IdentityKey, kind: MarkKind, text: &str) -> String {
    key.keyed(&[b"mark", kind.name().as_bytes(), text.as_bytes()])
        .to_hex()
}

/// The keyed hashes of the keys of what somebody is called.
pub(crate) fn name_hashes(key: &IdentityKey, family: Option<&str>, first: Option<&str>) -> NameHashes {
    NameHashes {
        family: family.map(|name| mark_hash(key, MarkKind::Name, name)),
        first: first.map(|name| key.keyed(&[b"mark", b"first_name", name.as_bytes()]).to_hex()),
    }
}

pub(super) async fn open(
    service: &RightsService,
    request: Request<proto::OpenCaseRequest>,
) -> Result<Response<proto::Case>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let kind = CaseKind::from_name(sent.kind.trim()).ok_or_else(|| {
        let all: Vec<&str> = CaseKind::ALL.iter().map(|kind| kind.name()).collect();
        Status::invalid_argument(format!("kind: use {}", all.join(", ")))
    })?;
    let opened = stamp(parts, &principal);
    let received_on = match sent.received_on.trim() {
        "" => local_time::day_of(opened.at),
        text => day(text)?,
    };
    let key = acts::key(&principal, &sent.idempotency_key)?;
    let mut case = Case::open(kind, received_on, opened.clone()).map_err(not_done)?;
    if let Some(sent) = sent.marks {
        // A case that was opened by a ticket is about that one, whatever else is known of the person.
        if !sent.ticket_id.trim().is_empty() {
            case.tickets.push(acts::ticket_id(&sent.ticket_id)?);
        }
        let marks = service.marks(Some(sent)).await?;
        case.marks = hashes(parts, &marks);
        let (family, first) = (marks.name_key(), marks.first_name_key());
        let names = name_hashes(&parts.key, family.as_deref(), first.as_deref());
        (case.name, case.first_name) = (names.family, names.first);
    }
    for id in &sent.ticket_ids {
        let id = acts::ticket_id(id)?;
        if !case.tickets.contains(&id) {
            case.tickets.push(id);
        }
    }
    if !sent.note.trim().is_empty() {
        case.note(opened, &sent.note).map_err(not_done)?;
    }
    let new = NewCase {
        requested: content_hash(&(
            kind,
            sent.received_on.trim(),
            &case.marks,
            (&case.name, &case.first_name),
            &case.tickets,
            sent.note.trim(),
        )),
        case,
        idempotency_key: key,
    };
    let opened = parts
        .cases
        .open_case(new.clone())
        .await
        .map_err(|error| refused(&error))?;
    let kept = match opened {
        OpenedCase::New(number) => KeptCase {
            number,
            revision: 1,
            case: new.case,
        },
        OpenedCase::Repeated(kept) => *kept,
        OpenedCase::KeyTaken => {
            return Err(Status::already_exists(
                "idempotency_key: it was used for another request; choose a new one",
            ));
        }
    };
    note_done(parts, &principal, kept.number, "opened").await?;
    Ok(Response::new(shown(parts, &kept)))
}

fn day(text: &str) -> Result<NaiveDate, Status> {
    text.parse()
        .map_err(|_| Status::invalid_argument("received_on: give a day as YYYY-MM-DD"))
}

async fn note_done(
    parts: &RightsParts,
    principal: &Principal,
    number: i64,
    what: &str,
) -> Result<(), Status> {
    let subject = AuditSubject::new("case", number.to_string());
    let entry = parts.audit.entry(principal, AuditAction::CaseChanged, subject);
    parts.audit.append_done(vec![entry.because(what)]).await
}

pub(super) async fn list(
    service: &RightsService,
    request: Request<proto::ListCasesRequest>,
) -> Result<Response<proto::ListCasesResponse>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let most = paging::size(sent.page_size);
    let marks = match sent.marks {
        Some(marks) => hashes(parts, &service.marks(Some(marks)).await?),
        None => Vec::new(),
    };
    let query = CaseQuery {
        open: !sent.all,
        marks,
        after: place(&sent.page_token)?,
        most,
    };
    let found = parts.cases.cases(query).await.map_err(|error| refused(&error))?;
    let entry = parts
        .audit
        .entry(&principal, AuditAction::CasesRead, AuditSubject::none());
    parts.audit.append(entry.of_items(found.len())).await?;
    let last = found.last().filter(|_| found.len() == most);
    Ok(Response::new(proto::ListCasesResponse {
        next_page_token: last
            .map(|last| format!("{} {}", last.case.due_on, last.number))
            .unwrap_or_default(),
        cases: found.iter().map(|kept| shown(parts, kept)).collect(),
    }))
}

fn place(token: &str) -> Result<Option<(NaiveDate, i64)>, Status> {
    paging::begin(token, |token| {
        let (due_on, number) = token.split_once(' ')?;
        Some((due_on.parse().ok()?, number.parse().ok()?))
    })
}

pub(super) async fn get(
    service: &RightsService,
    request: Request<proto::GetCaseRequest>,
) -> Result<Response<proto::Case>, Status> {
    let principal = principal(&request)?;
    let number = request.into_inner().number;
    let parts = &*service.parts;
    let kept = kept(parts, number).await?;
    let subject = AuditSubject::new("case", number.to_string());
    parts
        .audit
        .note(&principal, AuditAction::CasesRead, subject)
        .await?;
    Ok(Response::new(shown(parts, &kept)))
}

pub(super) async fn change(
    service: &RightsService,
    request: Request<proto::ChangeCaseRequest>,
) -> Result<Response<proto::Case>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let asked = sent.change.ok_or_else(|| {
        Status::invalid_argument("change: give a note, identity_check, extension, approval or decision")
    })?;
    let mut kept = kept(parts, sent.number).await?;
    let request = match sent.idempotency_key.trim() {
        "" => None,
        key => Some(case_request(&acts::key(&principal, key)?, &asked)),
    };
    match request.as_ref().map(|request| kept.case.repetition(request)) {
        None | Some(Repetition::No) => {}
        Some(Repetition::Same) => {
            note_done(parts, &principal, kept.number, "repeated").await?;
            return Ok(Response::new(shown(parts, &kept)));
        }
        Some(Repetition::KeyTaken) => {
            return Err(Status::already_exists(
                "idempotency_key: it was used for another request; choose a new one",
            ));
        }
    }
    // The same again is the same: whoever lost the answer repeats the request, whatever happened since.
    if is_done(&kept.case, &principal.name, &asked) {
        return Ok(Response::new(shown(parts, &kept)));
    }
    if sent.revision != 0 && sent.revision != kept.revision {
        return Err(refused(&StoreError::Conflict(format!("case {}", sent.number))));
    }
    let stamp = stamp(parts, &principal);
    let case = &mut kept.case;
    let (done, what) = match &asked {
        Change::Note(text) => (case.note(stamp, text), "note"),
        Change::IdentityCheck(how) => (case.check_identity(stamp, how), "identity checked"),
        Change::Extension(reason) => (case.extend(stamp, reason), "extended"),
        Change::Approval(false) => {
            return Err(Status::invalid_argument(
                "approval: an approval cannot be taken back; decide the case",
            ));
        }
        Change::Approval(true) => {
            if parts.settings.two_persons && principal.roles.contains(&Role::Operator) {
                return Err(Status::permission_denied(
                    "approval: only a data protection officer approves a case, in his or her own name",
                ));
            }
            (case.approve(stamp), "approved")
        }
        Change::Decision(decision) => {
            let outcome = CaseOutcome::from_name(decision.outcome.trim()).ok_or_else(|| {
                let all: Vec<&str> = CaseOutcome::ALL.iter().map(|outcome| outcome.name()).collect();
                Status::invalid_argument(format!("outcome: use {}", all.join(", ")))
            })?;
            (case.decide(stamp, outcome, &decision.grounds), outcome.name())
        }
    };
    done.map_err(not_done)?;
    if let Some(request) = request {
        kept.case.changed_by(request);
    }
    parts
        .cases
        .change_case(kept.clone())
        .await
        .map_err(|error| refused(&error))?;
    kept.revision += 1;
    note_done(parts, &principal, kept.number, what).await?;
    Ok(Response::new(shown(parts, &kept)))
}

/// A request to change a case, as it is kept.
fn case_request(key: &str, asked: &Change) -> CaseRequest {
    let asked = match asked {
        Change::Note(text) => content_hash(&("note", text.trim())),
        Change::IdentityCheck(how) => content_hash(&("check", how.trim())),
        Change::Extension(reason) => content_hash(&("extend", reason.trim())),
        Change::Approval(given) => content_hash(&("approve", given)),
        Change::Decision(decision) => {
            content_hash(&("decide", decision.outcome.trim(), decision.grounds.trim()))
        }
    };
    CaseRequest {
        key: short(&content_hash(&key)),
        asked: short(&asked),
    }
}

/// The begin of a hash, hexadecimal.
fn short(hash: &[u8]) -> String {
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the same person has done just this before. A note may be meant twice.
fn is_done(case: &Case, by: &str, asked: &Change) -> bool {
    match asked {
        Change::IdentityCheck(how) => case.was_checked_so(by, how),
        Change::Extension(reason) => case.was_extended_so(by, reason),
        Change::Decision(decision) => CaseOutcome::from_name(decision.outcome.trim())
            .is_some_and(|outcome| case.was_decided_so(by, outcome, &decision.grounds)),
        // Whoever approves twice is told that it takes another one.
        Change::Approval(_) | Change::Note(_) => false,
    }
}

/// The open case that an act is done for; none for 0. An act that was noted under its key before may be repeated after the
/// decision.
pub(super) async fn for_act(parts: &RightsParts, number: i64, key: &str) -> Result<Option<KeptCase>, Status> {
    if number == 0 {
        return Ok(None);
    }
    let kept = parts.cases.case(number).await.map_err(|error| refused(&error))?;
    let kept = kept.ok_or_else(|| Status::not_found(format!("case_number: there is no case {number}")))?;
    match kept.case.decision.is_some() && !has_note(&kept.case, &key_mark(key)) {
        true => Err(not_done(CaseRefused::Decided)),
        false => Ok(Some(kept)),
    }
}

/// Refuses an act that is not about whom its case is about; one that was noted under its key before was.
pub(super) async fn refuse_if_other(
    parts: &RightsParts,
    case: Option<&KeptCase>,
    key: &str,
    of: &[About],
) -> Result<(), Status> {
    match case.filter(|kept| !has_note(&kept.case, &key_mark(key))) {
        Some(kept) => about::refuse_if_other(&parts.finder, &parts.key, kept, of).await,
        None => Ok(()),
    }
}

fn has_note(case: &Case, mark: &str) -> bool {
    case.notes.iter().any(|note| note.text.ends_with(mark))
}

/// Whether there is a case of this number; 0 is none, and needs none.
pub(super) async fn exists(parts: &RightsParts, number: i64) -> Result<(), Status> {
    if number == 0 {
        return Ok(());
    }
    let kept = parts.cases.case(number).await.map_err(|error| refused(&error))?;
    match kept {
        Some(_) => Ok(()),
        None => Err(Status::not_found(format!(
            "case_number: there is no case {number}"
        ))),
    }
}

/// Writes into a case what was done for it, once for the key of the request. A ticket that was changed stays one that the
/// case is about, whatever it says now.
pub(super) async fn note_act(
    parts: &RightsParts,
    principal: &Principal,
    case: Option<&KeptCase>,
    key: &str,
    (said, changed): (&str, Option<&TicketId>),
) -> Result<(), Status> {
    let Some(number) = case.map(|kept| kept.number) else {
        return Ok(());
    };
    let mark = key_mark(key);
    for _ in 0..TRIES {
        let mut kept = kept(parts, number).await?;
        if has_note(&kept.case, &mark) {
            return Ok(());
        }
        let note = kept.case.note(stamp(parts, principal), &format!("{said} {mark}"));
        note.map_err(not_done)?;
        let is_new = |id: &&TicketId| kept.case.has_subject() && !kept.case.tickets.contains(id);
        if let Some(id) = changed.filter(is_new) {
            kept.case.tickets.push(id.clone());
        }
        match parts.cases.change_case(kept).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(refused(&StoreError::Conflict(format!("case {number}"))))
}

/// Tells the note of one request from that of another: the begin of a hash of its key.
fn key_mark(key: &str) -> String {
    let hash = content_hash(&key);
    let hex: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("({hex})")
}

fn shown(parts: &RightsParts, kept: &KeptCase) -> proto::Case {
    let case = &kept.case;
    let may_erase = case.may_erase(parts.settings.two_persons);
    let note = |note: &CaseNote| proto::CaseNote {
        at_unix_ms: note.stamp.at.timestamp_millis(),
        by: note.stamp.by.clone(),
        text: note.text.clone(),
    };
    let approval = |stamp: &Stamp| proto::CaseNote {
        at_unix_ms: stamp.at.timestamp_millis(),
        by: stamp.by.clone(),
        text: String::new(),
    };
    proto::Case {
        number: kept.number,
        revision: kept.revision,
        kind: case.kind.name().to_owned(),
        received_on: case.received_on.to_string(),
        due_on: case.due_on.to_string(),
        overdue: case.is_overdue(local_time::day_of((parts.clock)())),
        opened_at_unix_ms: case.opened.at.timestamp_millis(),
        opened_by: case.opened.by.clone(),
        ticket_ids: case.tickets.iter().map(ToString::to_string).collect(),
        identity_check: case.identity.as_ref().map(note),
        extension: case.extended.as_ref().map(note),
        approvals: case.approvals.iter().map(approval).collect(),
        notes: case.notes.iter().map(note).collect(),
        decision: case.decision.as_ref().map(|decision| proto::CaseDecision {
            outcome: decision.outcome.name().to_owned(),
            grounds: decision.grounds.clone(),
            at_unix_ms: decision.stamp.at.timestamp_millis(),
            by: decision.stamp.by.clone(),
        }),
        may_erase: may_erase.is_ok(),
        missing: match case.kind.may_erase() && case.decision.is_none() {
            true => may_erase
                .err()
                .map(|missing| missing.to_string())
                .unwrap_or_default(),
            false => String::new(),
        },
    }
}

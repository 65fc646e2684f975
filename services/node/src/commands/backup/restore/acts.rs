//! What was done by right of persons since the backup, done again with what was restored, before any node has it.
//!
//! Everything may be done twice: what is there already is passed over.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use backup::acts::{self, ACTS};
use chrono::{DateTime, Utc};
use domain::ids::{EntryId, Identity, TicketId};
use domain::ticket::{TicketState, redo};
use privacy::journal::{Installation, JournalStores, Record, RestrictedCall, RestrictedEntry, TicketActs};
use serde_json::{Value, json};
use store::cases::KeptCase;
use store::entries::{EndedBy, EntryStore};

use super::Restore;
use crate::cli::RestoreArguments;
use crate::exit::Failure;
use crate::output::note;

/// Files of the journal, opened.
pub(super) struct Files(Vec<Vec<u8>>);

/// What was done again.
#[derive(Default)]
pub(super) struct Redone {
    tickets: usize,
    calls: usize,
    cases: usize,
    entries: u32,
    restricted_entries: usize,
    /// Tickets that were logged after the backup.
    lost: usize,
    /// Tickets and cases that stand otherwise than what was done with them found them.
    refused: Vec<String>,
    /// Files of another installation.
    foreign: usize,
}

impl Files {
    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Opens the files that stand beside the backup, and those of the folders that were given.
pub(super) fn open(arguments: &RestoreArguments, key: &backup::Key) -> anyhow::Result<Files> {
    let beside = arguments.from.parent().map(|folder| folder.join(ACTS));
    if let Some(missing) = arguments.acts.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!(
            "--acts {}: there is no such folder; give the folder `acts` that stood beside the backups",
            missing.display()
        )));
    }
    let mut opened = Vec::new();
    for folder in beside.iter().chain(&arguments.acts) {
        opened.extend(acts::open(folder, key).map_err(|error| {
            Failure::usage(format!(
                "{error}; what it says was done by right of a person. Put the key of before into the key file, too, or take \
                 the file from another copy; move it away only if what it says may be lost"
            ))
        })?);
    }
    opened.sort_by_key(|(name, _)| name.at);
    Ok(Files(opened.into_iter().map(|(_, content)| content).collect()))
}

/// Does it all again. `known` was found in an old store.
pub(super) async fn redo_all(
    restore: &Restore,
    stores: &JournalStores,
    entries: &dyn EntryStore,
    installation: &Installation,
) -> anyhow::Result<Redone> {
    let mut redone = Redone::default();
    let mut records = Vec::new();
    for content in &restore.acts.0 {
        match Record::read(content, installation).context("a file of what was done by right of persons")? {
            Some(record) => records.push(record),
            None => redone.foreign += 1,
        }
    }
    let erased = restore
        .erasures
        .iter()
        .flat_map(|order| order.tickets.iter().cloned());
    let erased: BTreeSet<TicketId> = erased.collect();
    let mut restricted: Option<(DateTime<Utc>, &[RestrictedCall])> = None;
    // First of all: what is restricted stays where an offer is cleared.
    if let Some(kept) = restricted_entries(records.iter().chain(&restore.known), restore.restored.made_at) {
        redone.restricted_entries = restrict_entries(stores, kept).await?;
    }
    for record in records.iter().chain(&restore.known) {
        match record {
            Record::Ticket(acts) if erased.contains(&acts.ticket) => {}
            Record::Ticket(acts) => ticket(stores, acts, &mut redone).await?,
            Record::Calls {
                at,
                restricted: calls,
            } => {
                let is_newer = restricted.is_none_or(|(before, _)| before <= *at);
                if is_newer && *at >= restore.restored.made_at {
                    restricted = Some((*at, calls));
                }
            }
            Record::Entries { .. } => {}
            Record::Case {
                number,
                revision,
                case,
            } => {
                let kept = KeptCase {
                    number: *number,
                    revision: *revision,
                    case: (**case).clone(),
                };
                match stores.cases.bring_back_case(kept).await {
                    Ok(is_back) => redone.cases += usize::from(is_back),
                    Err(store::StoreError::Conflict(what)) => redone.refused.push(what),
                    Err(error) => return Err(error).context(format!("case {number}")),
                }
            }
            Record::Ended { id } => {
                let ended = entries.end_entries(id, EndedBy::Person, Utc::now());
                redone.entries += ended.await?;
            }
            Record::Cleared {
                procedure,
                offer,
                confirmed_by,
                at,
            } => redone.entries += entries.clear_offer(procedure, offer, *confirmed_by, *at).await?,
        }
    }
    if let Some((_, calls)) = restricted {
        redone.calls = restrict(stores, calls).await?;
    }
    Ok(redone)
}

async fn ticket(stores: &JournalStores, acts: &TicketActs, redone: &mut Redone) -> anyhow::Result<()> {
    let context = || format!("ticket {}", acts.ticket);
    let Some(found) = stores.tickets.ticket(&acts.ticket).await.with_context(context)? else {
        redone.lost += 1;
        return Ok(());
    };
    if found.ticket.state == TicketState::Erased {
        return Ok(());
    }
    let known: BTreeSet<_> = found.history.iter().map(|it| (it.at, it.action.name())).collect();
    let missing = acts
        .acts
        .iter()
        .filter(|act| !known.contains(&(act.at, act.action.name())));
    let (mut now, mut is_changed) = (found.ticket, false);
    for act in missing {
        let Ok(transition) = redo(&now, act, &acts.right) else {
            redone.refused.push(acts.ticket.to_string());
            break;
        };
        now = transition.ticket.clone();
        stores.tickets.record(transition).await.with_context(context)?;
        is_changed = true;
    }
    redone.tickets += usize::from(is_changed);
    Ok(())
}

/// The newest record of which entries are restricted, unless it is older than what was restored.
fn restricted_entries<'r>(
    records: impl Iterator<Item = &'r Record>,
    made_at: DateTime<Utc>,
) -> Option<&'r [RestrictedEntry]> {
    let known = records.filter_map(|record| match record {
        Record::Entries { at, restricted } if *at >= made_at => Some((*at, restricted.as_slice())),
        _ => None,
    });
    known.max_by_key(|(at, _)| *at).map(|(_, restricted)| restricted)
}

/// Restricts these entries, and no others. Gives how many were not as they should be.
async fn restrict_entries(stores: &JournalStores, entries: &[RestrictedEntry]) -> anyhow::Result<usize> {
    const AT_ONCE: usize = 500;
    let wanted: BTreeSet<&EntryId> = entries.iter().map(|restricted| &restricted.entry).collect();
    let (mut changed, mut after) = (0, None);
    loop {
        let page = stores.entries.restricted_entries(after, AT_ONCE).await?;
        after = page.last().map(|(entry, _)| entry.clone());
        let is_last = page.len() < AT_ONCE;
        let known = page.into_iter().map(|(entry, _)| entry);
        let lifted = known.filter(|entry| !wanted.contains(entry)).collect();
        changed += stores.entries.lift_entries(lifted).await?;
        if is_last {
            break;
        }
    }
    for RestrictedEntry { entry, since } in entries {
        changed += stores
            .entries
            .restrict_entries(vec![entry.clone()], *since)
            .await?;
    }
    Ok(changed)
}

/// Restricts these calls, and no others. Gives how many were not as they should be.
async fn restrict(stores: &JournalStores, calls: &[RestrictedCall]) -> anyhow::Result<usize> {
    const AT_ONCE: usize = 500;
    let mut wanted: BTreeMap<DateTime<Utc>, Vec<Identity>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for RestrictedCall { call, since } in calls {
        let call = Identity::from_hex(call).context("the identity of a restricted call")?;
        wanted.entry(*since).or_default().push(call);
        all.insert(call);
    }
    let (mut changed, mut after) = (0, None);
    loop {
        let page = stores.calls.restricted(after, AT_ONCE).await.context("calls")?;
        after = page.last().map(|(call, _)| *call);
        let is_last = page.len() < AT_ONCE;
        let lifted = page
            .into_iter()
            .map(|(call, _)| call)
            .filter(|call| !all.contains(call));
        changed += stores.calls.lift_calls(lifted.collect()).await.context("calls")?;
        if is_last {
            break;
        }
    }
    for (since, calls) in wanted {
        for step in calls.chunks(AT_ONCE) {
            changed += stores
                .calls
                .restrict_calls(step.to_vec(), since)
                .await
                .context("calls")?;
        }
    }
    Ok(changed)
}

impl Redone {
    /// As JSON.
    pub(super) fn object(&self) -> Value {
        json!({
            "tickets": self.tickets,
            "calls": self.calls,
            "cases": self.cases,
            "entries": self.entries,
            "restricted_entries": self.restricted_entries,
            "of_lost_tickets": self.lost,
            "refused": self.refused,
            "of_another_installation": self.foreign,
        })
    }

    /// For people.
    pub(super) fn tell(&self) {
        note!(
            "done again by right of persons: with {} tickets, {} calls, {} cases, {} entries; {} entries erased",
            self.tickets,
            self.calls,
            self.cases,
            self.restricted_entries,
            self.entries
        );
        for subject in &self.refused {
            note!(
                "{subject}: it stands otherwise than what was done with it found it; look at it, and do that by hand"
            );
        }
        if self.lost > 0 {
            note!(
                "{} tickets that were logged after the backup are lost with what was done with them",
                self.lost
            );
        }
        if self.foreign > 0 {
            note!(
                "{} files are of another installation, and were passed over",
                self.foreign
            );
        }
    }
}

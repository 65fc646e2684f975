//! What a department's topic has and the store does not: a store that was set back to a backup has forgotten tickets that were
//! logged since, or knows others to be elsewhere. Nothing else would ever take them off the topic.
//!
//! Tickets that the store does know are handed over anew by the restore itself, with raised versions.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::{Outgoing, Positions, topics};
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::TicketVersion;
use store::tickets::HandOverKey;

use crate::envelope;
use crate::error::HandoverError;
use crate::supervisor::HandoverParts;

/// Messages read at once at most.
const MESSAGES: usize = 2_000;
/// Behind the last message Kafka may have marks that nobody reads: without news for so long, that was all.
const QUIET: Duration = Duration::from_secs(10);

/// Tickets that were found on a topic, after a restore.
pub(crate) struct Found {
    /// When the store was restored.
    pub(crate) restored_at: DateTime<Utc>,
    /// Tombstones of those that do not belong there.
    pub(crate) tombstones: Vec<Outgoing>,
}

/// Compares the topic of a department with the store, if that was restored since it was last done.
pub(crate) async fn find(
    parts: &HandoverParts,
    department: &DepartmentId,
) -> Result<Option<Found>, HandoverError> {
    let Some(restored_at) = parts.restores.unchecked_topic(department).await? else {
        return Ok(None);
    };
    let there = read(parts, department).await?;
    let ids: Vec<TicketId> = there.keys().cloned().collect();
    let now = (parts.clock)();
    let mut tombstones = Vec::new();
    for page in ids.chunks(MESSAGES) {
        let belonging = parts.restores.belonging(department, page.to_vec()).await?;
        for ticket in page.iter().filter(|ticket| !belonging.contains(*ticket)) {
            // A department may still work on it: people must be able to ask.
            tracing::warn!(%ticket, %department, "a ticket that the restored store does not know is taken off the topic");
            let key = HandOverKey {
                department: department.clone(),
                ticket: ticket.clone(),
                version: there.get(ticket).copied().unwrap_or(TicketVersion(0)),
            };
            tombstones.push(envelope::tombstone(&key, now));
        }
    }
    Ok(Some(Found {
        restored_at,
        tombstones,
    }))
}

/// The tickets that have a state on the topic now, and which version.
async fn read(
    parts: &HandoverParts,
    department: &DepartmentId,
) -> Result<BTreeMap<TicketId, TicketVersion>, HandoverError> {
    let topic = topics::tickets(department);
    let mut there = BTreeMap::new();
    let mut unread: Positions = parts.bus.ends(&topic).await?;
    unread.retain(|_, end| *end > 0);
    if unread.is_empty() {
        return Ok(there);
    }
    let mut reader = parts.bus.reader_alone(&topic, Positions::new()).await?;
    while !unread.is_empty() {
        let messages = reader.next(MESSAGES, QUIET).await?;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let end = unread.get(&message.partition).copied().unwrap_or(0);
            if message.offset + 1 >= end {
                unread.remove(&message.partition);
            }
            // Heartbeats have a key that is no ticket's.
            let Some(ticket) = ticket_of(&message.key) else {
                continue;
            };
            let version = message.header("ce_ticketversion");
            let version = version.and_then(|version| version.parse().ok()).unwrap_or(0);
            match message.payload {
                Some(_) => there.insert(ticket, TicketVersion(version)),
                None => there.remove(&ticket),
            };
        }
    }
    Ok(there)
}

fn ticket_of(key: &[u8]) -> Option<TicketId> {
    let key = std::str::from_utf8(key).ok()?;
    (key != topics::HEARTBEAT_KEY).then(|| TicketId::new(key))
}

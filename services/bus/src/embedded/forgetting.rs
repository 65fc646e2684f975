//! Taking messages out of the file. Offsets stay as they are.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::Inner;
use super::cleaning::MESSAGES_A_STEP;
use super::schema::{AUTOCHECKPOINT, BUSY_TIMEOUT};
use super::topics::Topic;
use crate::{BusError, Forgetting, Positions, Received};

/// A file of more bytes is written anew beside a temporary file, not in memory.
const SCRUBBED_IN_MEMORY: i64 = 256 << 20;

/// How long appends wait at a time for readers that keep the log from being emptied, and how often that is tried.
const READERS_AWAITED: Duration = Duration::from_millis(250);
const EMPTIED_AT_TRY: usize = 20;

/// A message that is to change: its offset, and what is in its place.
type Changed = (i64, Option<Vec<u8>>);

/// Takes messages out of each partition, some at a time, so that appends go on in between.
pub(super) async fn forget(
    inner: &Inner,
    topic: &Arc<Topic>,
    what: &Forgetting,
    read_up_to: &Positions,
) -> Result<(), BusError> {
    for partition in 0..topic.partitions() {
        let mut after = -1;
        loop {
            let (searched, wanted) = (Arc::clone(topic), what.clone());
            let end = match topic.is_compacted() {
                true => i64::MAX,
                false => read_up_to.get(&partition).copied().unwrap_or(0),
            };
            let find = move |connection: &Connection| match searched.is_compacted() {
                true => superseded(connection, searched.id, partition, after, &wanted),
                false => read(connection, searched.id, partition, after, end, &wanted),
            };
            let changed = inner.connections.read(find).await?;
            let Some((last, _)) = changed.last() else { break };
            after = *last;
            let topic = Arc::clone(topic);
            inner
                .appender
                .run(move |connection| change(connection, &topic, partition, &changed))
                .await?;
        }
    }
    Ok(())
}

/// Messages of the keys in a partition that have been read, behind an offset.
fn read(
    connection: &Connection,
    topic_id: i64,
    partition: u32,
    after: i64,
    end: i64,
    what: &Forgetting,
) -> Result<Vec<Changed>, BusError> {
    let mut statement = connection.prepare_cached(
        "SELECT offset, key, headers, payload FROM messages
         WHERE topic_id = ?1 AND partition = ?2 AND offset > ?3 AND offset < ?4 ORDER BY offset",
    )?;
    let mut rows = statement.query(params![topic_id, partition, after, end])?;
    let mut changed = Vec::new();
    while let Some(row) = rows.next()? {
        let key = row.get_ref(1)?.as_blob().unwrap_or_default();
        if what.others.is_none() && !what.keys.contains(key) {
            continue;
        }
        let headers: String = row.get(2)?;
        let message = Received {
            partition,
            offset: row.get(0)?,
            key: key.to_vec(),
            headers: serde_json::from_str(&headers).unwrap_or_default(),
            payload: row.get(3)?,
        };
        if !what.means(&message) {
            continue;
        }
        let instead = (what.instead)(&message);
        if instead.is_none() || instead != message.payload {
            changed.push((message.offset, instead));
        }
        if changed.len() == MESSAGES_A_STEP {
            break;
        }
    }
    Ok(changed)
}

/// Superseded messages of the keys in a partition of a compacted topic, behind an offset.
fn superseded(
    connection: &Connection,
    topic_id: i64,
    partition: u32,
    after: i64,
    what: &Forgetting,
) -> Result<Vec<Changed>, BusError> {
    let mut statement = connection.prepare_cached(
        "SELECT s.offset, m.key FROM superseded s JOIN messages m USING (topic_id, partition, offset)
         WHERE s.topic_id = ?1 AND s.partition = ?2 AND s.offset > ?3 ORDER BY s.offset",
    )?;
    let mut rows = statement.query(params![topic_id, partition, after])?;
    let mut changed = Vec::new();
    while let Some(row) = rows.next()? {
        let key = row.get_ref(1)?.as_blob().unwrap_or_default();
        if what.keys.contains(key) {
            changed.push((row.get(0)?, None));
        }
        if changed.len() == MESSAGES_A_STEP {
            break;
        }
    }
    Ok(changed)
}

fn change(
    connection: &mut Connection,
    topic: &Topic,
    partition: u32,
    changed: &[Changed],
) -> Result<(), BusError> {
    let transaction = connection.transaction()?;
    let place = "topic_id = ?1 AND partition = ?2 AND offset = ?3";
    for (offset, instead) in changed {
        match instead {
            Some(payload) => transaction
                .prepare_cached(&format!("UPDATE messages SET payload = ?4 WHERE {place}"))?
                .execute(params![topic.id, partition, offset, payload])?,
            None => transaction
                .prepare_cached(&format!("DELETE FROM messages WHERE {place}"))?
                .execute(params![topic.id, partition, offset])?,
        };
        if topic.is_compacted() {
            transaction
                .prepare_cached(&format!("DELETE FROM superseded WHERE {place}"))?
                .execute(params![topic.id, partition, offset])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Writes the file anew and empties its log: overwriting what is deleted leaves bytes of messages that were moved from page
/// to page before. Appends wait while the pages go into the log; they go from there into the file beside them.
pub(super) async fn scrub(inner: &Inner) -> Result<(), BusError> {
    let rewritten = inner.appender.run(|connection| rewrite(connection)).await;
    let emptied = match rewritten {
        Ok(()) => empty_log(inner).await,
        Err(error) => Err(error),
    };
    let checkpoints = |connection: &mut Connection| Ok(connection.execute_batch(AUTOCHECKPOINT)?);
    inner.appender.run(checkpoints).await?;
    emptied
}

/// Writes all pages anew, into the log alone: whoever appends next does not bring them into the file.
fn rewrite(connection: &Connection) -> Result<(), BusError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let bytes = number("PRAGMA page_count")? * number("PRAGMA page_size")?;
    let place = if bytes > SCRUBBED_IN_MEMORY {
        "FILE"
    } else {
        "MEMORY"
    };
    Ok(connection.execute_batch(&format!(
        "PRAGMA temp_store = {place}; PRAGMA wal_autocheckpoint = 0; VACUUM;"
    ))?)
}

/// Most of the log beside the appends, what is left with them waiting; readers are not waited for long.
async fn empty_log(inner: &Inner) -> Result<(), BusError> {
    let passive = |connection: &Connection| checkpoint(connection, "PASSIVE").map(drop);
    inner.connections.read(passive).await?;
    for _ in 0..EMPTIED_AT_TRY {
        let is_read = inner.appender.run(|connection| {
            connection.busy_timeout(READERS_AWAITED)?;
            let is_read = checkpoint(connection, "TRUNCATE");
            connection.busy_timeout(BUSY_TIMEOUT)?;
            is_read
        });
        if !is_read.await? {
            return Ok(());
        }
        tokio::time::sleep(READERS_AWAITED).await;
    }
    Err(BusError::Unavailable(
        "the log of the bus could not be emptied while it was read; do it again".to_owned(),
    ))
}

/// Brings the log into the file. Returns whether something kept it from being done wholly.
fn checkpoint(connection: &Connection, how: &str) -> Result<bool, BusError> {
    Ok(connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get(0))?)
}

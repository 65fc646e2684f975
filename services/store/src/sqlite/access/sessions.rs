//! Sessions, and attempts to begin one.

use chrono::{DateTime, Utc};
use domain::access::{AttemptKey, AttemptKind, Failures, TokenHash};
use domain::ids::UserName;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::users;
use crate::StoreError;
use crate::clocks::{BETWEEN_RUNS, FAILED_ATTEMPTS, SESSIONS};
use crate::sqlite::tallies;
use crate::users::{Ends, NewSession, Open, Session, USER_COLUMNS, changed_meanwhile, time};

/// See [`crate::users::UserStore::take_attempt`].
pub(super) fn take_attempt(
    transaction: &Transaction<'_>,
    keys: &[AttemptKey],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut find = transaction
        .prepare_cached("SELECT failures, last_at_ms FROM failed_attempts WHERE kind = ?1 AND key = ?2")?;
    let mut counted = Vec::new();
    let mut wait = now;
    for key in keys {
        let before = find
            .query_row(params![key.kind.name(), key.hash], |row| {
                Ok(Failures {
                    count: row.get(0)?,
                    last_at: time(row.get(1)?),
                })
            })
            .optional()?
            .and_then(|failures| failures.lasting(now));
        wait = before.map_or(wait, |failures| wait.max(failures.wait_until(key.kind)));
        counted.push((key, Failures::and_one(before, now)));
    }
    if wait > now {
        return Ok(Some(wait));
    }
    let mut count = transaction.prepare_cached(
        "INSERT INTO failed_attempts (kind, key, failures, last_at_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, key) DO UPDATE SET failures = excluded.failures, last_at_ms = excluded.last_at_ms",
    )?;
    for (key, failures) in counted {
        let at = failures.last_at.timestamp_millis();
        count.execute(params![key.kind.name(), key.hash, failures.count, at])?;
    }
    Ok(None)
}

/// See [`crate::users::UserStore::open_session`].
pub(super) fn open(transaction: &Transaction<'_>, session: &NewSession) -> Result<(), StoreError> {
    let at = session.at.timestamp_millis();
    let let_in = transaction.execute(
        "UPDATE users SET last_sign_in_at_ms = ?1 WHERE name = ?2 AND revision = ?3 AND NOT disabled",
        params![at, session.user.as_str(), session.revision],
    )?;
    if let_in != 1 {
        return Err(changed_meanwhile(&session.user));
    }
    transaction.execute(
        "INSERT INTO sessions (token_hash, user_name, created_at_ms, seen_at_ms, ends_at_ms)
         VALUES (?1, ?2, ?3, ?3, ?4)",
        params![
            session.token.0,
            session.user.as_str(),
            at,
            session.ends_at.timestamp_millis()
        ],
    )?;
    for key in &session.attempt {
        let forget = match key.kind {
            AttemptKind::Name | AttemptKind::Form => {
                "DELETE FROM failed_attempts WHERE kind = ?1 AND key = ?2"
            }
            AttemptKind::Client => {
                "UPDATE failed_attempts SET failures = failures - 1 WHERE kind = ?1 AND key = ?2 AND failures > 0"
            }
        };
        transaction.execute(forget, params![key.kind.name(), key.hash])?;
    }
    Ok(())
}

/// See [`crate::users::UserStore::session`].
pub(super) fn session(
    connection: &Connection,
    token: TokenHash,
    open: Open,
) -> Result<Option<Session>, StoreError> {
    let (now, seen_after) = open.columns();
    let sql = format!(
        "SELECT {USER_COLUMNS}, seen_at_ms, ends_at_ms FROM sessions JOIN users ON users.name = user_name
         WHERE token_hash = ?1 AND ends_at_ms > ?2 AND seen_at_ms > ?3 AND NOT disabled"
    );
    let mut find = connection.prepare_cached(&sql)?;
    let found = find
        .query_row(params![token.0, now, seen_after], |row| {
            Ok((users::columns(row)?, row.get(12)?, row.get(13)?))
        })
        .optional()?;
    let Some((user, seen_at, ends_at)) = found else {
        return Ok(None);
    };
    Ok(Some(Session {
        token,
        user: user.read()?,
        seen_at: time(seen_at),
        ends_at: time(ends_at),
    }))
}

/// Ends sessions of a user; tells how many there were.
pub(super) fn end(transaction: &Transaction<'_>, user: &UserName, ends: Ends) -> Result<u32, StoreError> {
    let kept = match ends {
        Ends::None => return Ok(0),
        Ends::All => Vec::new(),
        Ends::AllBut(token) => token.0.to_vec(),
    };
    let mut delete =
        transaction.prepare_cached("DELETE FROM sessions WHERE user_name = ?1 AND token_hash <> ?2")?;
    let ended = delete.execute(params![user.as_str(), kept])?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

/// See [`crate::users::UserStore::forget_ended`].
pub(super) fn forget_ended(transaction: &Transaction<'_>, open: Open) -> Result<(), StoreError> {
    let (now, seen_after) = open.columns();
    let ended = transaction.execute(
        "DELETE FROM sessions WHERE seen_at_ms <= ?2 OR ends_at_ms <= ?1",
        params![now, seen_after],
    )?;
    tallies::add(transaction, BETWEEN_RUNS, SESSIONS, ended)?;
    let forgotten = (open.now - Failures::FORGOTTEN_AFTER).timestamp_millis();
    let forgotten = transaction.execute(
        "DELETE FROM failed_attempts WHERE last_at_ms <= ?1",
        params![forgotten],
    )?;
    tallies::add(transaction, BETWEEN_RUNS, FAILED_ATTEMPTS, forgotten)?;
    Ok(())
}

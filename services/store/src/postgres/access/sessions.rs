//! Sessions, and attempts to begin one.

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::access::{AttemptKey, AttemptKind, Failures, TokenHash};
use domain::ids::UserName;

use super::super::tallies;
use super::super::values::count;
use super::retention::TALLIES;
use super::{begin, users};
use crate::StoreError;
use crate::clocks::{BETWEEN_RUNS, FAILED_ATTEMPTS, SESSIONS};
use crate::users::{Ends, NewSession, Open, Session, USER_COLUMNS, changed_meanwhile, time};

/// See [`crate::users::UserStore::take_attempt`]. Rows are locked by kind, so that no two wait for each other.
pub(super) async fn take_attempt(
    transaction: &Transaction<'_>,
    keys: &[AttemptKey],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let now_ms = now.timestamp_millis();
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let add = transaction
        .prepare_cached(
            "INSERT INTO failed_attempts (kind, key, failures, last_at_ms) VALUES ($1, $2, 0, $3)
             ON CONFLICT DO NOTHING",
        )
        .await?;
    let lock = transaction
        .prepare_cached(
            "SELECT failures, last_at_ms FROM failed_attempts WHERE kind = $1 AND key = $2 FOR UPDATE",
        )
        .await?;
    let mut counted = Vec::new();
    let mut wait = now;
    for key in keys {
        let (kind, hash) = (key.kind.name(), key.hash.as_slice());
        transaction.execute(&add, &[&kind, &hash, &now_ms]).await?;
        let row = transaction.query_one(&lock, &[&kind, &hash]).await?;
        let before = Failures {
            count: count(row.get(0))?,
            last_at: time(row.get(1)),
        }
        .lasting(now);
        wait = before.map_or(wait, |failures| wait.max(failures.wait_until(key.kind)));
        counted.push((key, Failures::and_one(before, now)));
    }
    if wait > now {
        return Ok(Some(wait));
    }
    let note = transaction
        .prepare_cached(
            "UPDATE failed_attempts SET failures = $3, last_at_ms = $4 WHERE kind = $1 AND key = $2",
        )
        .await?;
    for (key, failures) in counted {
        let (kind, hash) = (key.kind.name(), key.hash.as_slice());
        let failures = i64::from(failures.count);
        transaction
            .execute(&note, &[&kind, &hash, &failures, &now_ms])
            .await?;
    }
    Ok(None)
}

/// See [`crate::users::UserStore::open_session`].
pub(super) async fn open(transaction: &Transaction<'_>, session: &NewSession) -> Result<(), StoreError> {
    let at = session.at.timestamp_millis();
    let let_in = transaction
        .execute(
            "UPDATE users SET last_sign_in_at_ms = $1 WHERE name = $2 AND revision = $3 AND NOT disabled",
            &[&at, &session.user.as_str(), &i64::from(session.revision)],
        )
        .await?;
    if let_in != 1 {
        return Err(changed_meanwhile(&session.user));
    }
    transaction
        .execute(
            "INSERT INTO sessions (token_hash, user_name, created_at_ms, seen_at_ms, ends_at_ms)
             VALUES ($1, $2, $3, $3, $4)",
            &[
                &session.token.0.as_slice(),
                &session.user.as_str(),
                &at,
                &session.ends_at.timestamp_millis(),
            ],
        )
        .await?;
    let mut attempt = session.attempt.clone();
    attempt.sort_unstable();
    for key in attempt {
        let forget = match key.kind {
            AttemptKind::Name | AttemptKind::Form => {
                "DELETE FROM failed_attempts WHERE kind = $1 AND key = $2"
            }
            AttemptKind::Client => {
                "UPDATE failed_attempts SET failures = failures - 1 WHERE kind = $1 AND key = $2 AND failures > 0"
            }
        };
        transaction
            .execute(forget, &[&key.kind.name(), &key.hash.as_slice()])
            .await?;
    }
    Ok(())
}

/// See [`crate::users::UserStore::session`].
pub(super) async fn session(
    client: &Object,
    token: TokenHash,
    open: Open,
) -> Result<Option<Session>, StoreError> {
    let (now, seen_after) = open.columns();
    let find = format!(
        "SELECT {USER_COLUMNS}, seen_at_ms, ends_at_ms FROM sessions JOIN users ON users.name = user_name
         WHERE token_hash = $1 AND ends_at_ms > $2 AND seen_at_ms > $3 AND NOT disabled"
    );
    let find = client.prepare_cached(&find).await?;
    let found = client
        .query_opt(&find, &[&token.0.as_slice(), &now, &seen_after])
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    Ok(Some(Session {
        token,
        user: users::columns(&row).read()?,
        seen_at: time(row.get(12)),
        ends_at: time(row.get(13)),
    }))
}

/// Ends sessions of a user; tells how many there were.
pub(super) async fn end(
    transaction: &Transaction<'_>,
    user: &UserName,
    ends: Ends,
) -> Result<u32, StoreError> {
    let kept = match ends {
        Ends::None => return Ok(0),
        Ends::All => Vec::new(),
        Ends::AllBut(token) => token.0.to_vec(),
    };
    let ended = transaction
        .execute(
            "DELETE FROM sessions WHERE user_name = $1 AND token_hash <> $2",
            &[&user.as_str(), &kept],
        )
        .await?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

/// See [`crate::users::UserStore::forget_ended`]. What somebody else holds is left for the next time.
pub(super) async fn forget_ended(client: &mut Object, open: Open) -> Result<(), StoreError> {
    let (now, seen_after) = open.columns();
    let transaction = begin(client).await?;
    let ended = transaction
        .execute(
            "DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions
                 WHERE seen_at_ms <= $2 OR ends_at_ms <= $1 FOR UPDATE SKIP LOCKED)",
            &[&now, &seen_after],
        )
        .await?;
    let forgotten = (open.now - Failures::FORGOTTEN_AFTER).timestamp_millis();
    let forgotten = transaction
        .execute(
            "DELETE FROM failed_attempts WHERE (kind, key) IN (SELECT kind, key FROM failed_attempts
                 WHERE last_at_ms <= $1 FOR UPDATE SKIP LOCKED)",
            &[&forgotten],
        )
        .await?;
    // In the order of their names, as whoever takes them over.
    tallies::add(&transaction, TALLIES, BETWEEN_RUNS, FAILED_ATTEMPTS, forgotten).await?;
    tallies::add(&transaction, TALLIES, BETWEEN_RUNS, SESSIONS, ended).await?;
    Ok(transaction.commit().await?)
}

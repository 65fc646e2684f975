//! Users.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::{AttemptKey, TokenHash, User};
use domain::audit::NewAuditEntry;
use domain::ids::UserName;
use rusqlite::{Connection, OptionalExtension, Params, Row, Transaction, params};

use super::{SqliteAccess, audit, sessions};
use crate::StoreError;
use crate::users::{
    ADMINISTERS, Added, Changed, Ends, ListedUser, NewSession, Open, Session, USER_COLUMNS, UserChange,
    UserColumns, UserStore, changed_meanwhile,
};

#[async_trait]
impl UserStore for SqliteAccess {
    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let name = name.as_str().to_owned();
        self.query(move |connection| find(connection, "name = ?1", [name]))
            .await
    }

    async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, StoreError> {
        let subject = subject.to_owned();
        self.query(move |connection| find(connection, "openid_subject = ?1", [subject]))
            .await
    }

    async fn users(
        &self,
        after: Option<&UserName>,
        most: usize,
        open: Open,
    ) -> Result<Vec<ListedUser>, StoreError> {
        let after = after.map_or_else(String::new, ToString::to_string);
        let (now, seen_after) = open.columns();
        self.query(move |connection| {
            let sql = format!(
                "SELECT {USER_COLUMNS}, (SELECT count(*) FROM sessions
                     WHERE user_name = users.name AND seen_at_ms > ?4 AND ends_at_ms > ?3)
                 FROM users WHERE name > ?1 ORDER BY name LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let listed = statement.query_map(params![after, most as i64, now, seen_after], |row| {
                Ok((columns(row)?, row.get(12)?))
            })?;
            listed
                .map(|listed| {
                    let (user, sessions) = listed?;
                    Ok(ListedUser {
                        user: user.read()?,
                        sessions,
                    })
                })
                .collect()
        })
        .await
    }

    async fn add_user(&self, user: User, noted: NewAuditEntry) -> Result<Added, StoreError> {
        self.unit(move |transaction| {
            let user = UserColumns::of(&user);
            if taken(transaction, "name = ?1", [&user.name])? {
                return Ok(Added::NameTaken);
            }
            if taken(transaction, "openid_subject = ?1", [&user.openid_subject])? {
                return Ok(Added::SubjectTaken);
            }
            insert(transaction, &user)?;
            audit::append(transaction, [noted])?;
            Ok(Added::New)
        })
        .await
    }

    async fn add_first_users(&self, users: Vec<User>, noted: Vec<NewAuditEntry>) -> Result<bool, StoreError> {
        self.unit(move |transaction| {
            if taken(transaction, "true", [])? {
                return Ok(false);
            }
            for user in &users {
                insert(transaction, &UserColumns::of(user))?;
            }
            audit::append(transaction, noted)?;
            Ok(true)
        })
        .await
    }

    async fn change_user(&self, change: UserChange) -> Result<Changed, StoreError> {
        self.unit(move |transaction| apply(transaction, change)).await
    }

    async fn take_attempt(
        &self,
        keys: &[AttemptKey],
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let keys = keys.to_vec();
        self.unit(move |transaction| sessions::take_attempt(transaction, &keys, now))
            .await
    }

    async fn open_session(&self, session: NewSession) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            sessions::open(transaction, &session)?;
            audit::append(transaction, [session.noted])
        })
        .await
    }

    async fn session(&self, token: TokenHash, open: Open) -> Result<Option<Session>, StoreError> {
        self.query(move |connection| sessions::session(connection, token, open))
            .await
    }

    async fn session_seen(&self, token: TokenHash, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            transaction.execute(
                "UPDATE sessions SET seen_at_ms = max(seen_at_ms, ?2) WHERE token_hash = ?1",
                params![token.0, at.timestamp_millis()],
            )?;
            Ok(())
        })
        .await
    }

    async fn end_session(&self, token: TokenHash, noted: NewAuditEntry) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            let ended = transaction.execute("DELETE FROM sessions WHERE token_hash = ?1", [token.0])?;
            match ended {
                0 => Ok(()),
                _ => audit::append(transaction, [noted]),
            }
        })
        .await
    }

    async fn end_sessions(&self, user: &UserName, noted: NewAuditEntry) -> Result<u32, StoreError> {
        let user = user.clone();
        self.unit(move |transaction| {
            let ended = sessions::end(transaction, &user, Ends::All)?;
            audit::append(transaction, [noted])?;
            Ok(ended)
        })
        .await
    }

    async fn open_sessions(&self, of: Option<&UserName>, open: Open) -> Result<u32, StoreError> {
        let (now, seen_after) = open.columns();
        let of = of.map(ToString::to_string);
        self.query(move |connection| {
            let sql = "SELECT count(*) FROM sessions WHERE seen_at_ms > ?2 AND ends_at_ms > ?1
                 AND (?3 IS NULL OR user_name = ?3)";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row(params![now, seen_after, of], |row| row.get(0))?)
        })
        .await
    }

    async fn forget_ended(&self, open: Open) -> Result<(), StoreError> {
        self.unit(move |transaction| sessions::forget_ended(transaction, open))
            .await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.query(|connection| {
            Ok(connection.query_row("SELECT count(*) FROM failed_attempts", [], |_| Ok(()))?)
        })
        .await
    }
}

fn apply(transaction: &Transaction<'_>, change: UserChange) -> Result<Changed, StoreError> {
    let UserChange { user, ends, noted } = change;
    let columns = UserColumns::of(&user);
    if taken(
        transaction,
        "openid_subject = ?1 AND name <> ?2",
        params![columns.openid_subject, columns.name],
    )? {
        return Ok(Changed::SubjectTaken);
    }
    if !user.administers()
        && taken(
            transaction,
            &format!("{ADMINISTERS} AND name = ?1"),
            [&columns.name],
        )?
        && !taken(
            transaction,
            &format!("{ADMINISTERS} AND name <> ?1"),
            [&columns.name],
        )?
    {
        return Ok(Changed::LastAdministrator);
    }
    let changed = transaction.execute(
        "UPDATE users SET shown_name = ?3, roles = ?4, department = ?5, agent = ?6, disabled = ?7, password_hash = ?8,
             first_password = ?9, openid_subject = ?10, revision = revision + 1
         WHERE name = ?1 AND revision = ?2",
        params![
            columns.name,
            columns.revision,
            columns.shown_name,
            columns.roles,
            columns.department,
            columns.agent,
            columns.disabled,
            columns.password_hash,
            columns.first_password,
            columns.openid_subject,
        ],
    )?;
    if changed != 1 {
        return Err(changed_meanwhile(&user.name));
    }
    let ended = sessions::end(transaction, &user.name, ends)?;
    audit::append(transaction, [noted])?;
    Ok(Changed::Done { ended })
}

fn insert(transaction: &Transaction<'_>, user: &UserColumns) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO users (name, shown_name, roles, department, agent, disabled, password_hash, first_password,
             openid_subject, created_at_ms, last_sign_in_at_ms, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            user.name,
            user.shown_name,
            user.roles,
            user.department,
            user.agent,
            user.disabled,
            user.password_hash,
            user.first_password,
            user.openid_subject,
            user.created_at_ms,
            user.last_sign_in_at_ms,
            user.revision,
        ],
    )?;
    Ok(())
}

fn taken(connection: &Connection, condition: &str, values: impl Params) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM users WHERE {condition} LIMIT 1");
    Ok(connection.prepare_cached(&sql)?.exists(values)?)
}

fn find(connection: &Connection, condition: &str, values: impl Params) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {USER_COLUMNS} FROM users WHERE {condition}");
    let found = connection
        .prepare_cached(&sql)?
        .query_row(values, columns)
        .optional()?;
    found.map(UserColumns::read).transpose()
}

pub(super) fn columns(row: &Row<'_>) -> rusqlite::Result<UserColumns> {
    Ok(UserColumns {
        name: row.get(0)?,
        shown_name: row.get(1)?,
        roles: row.get(2)?,
        department: row.get(3)?,
        agent: row.get(4)?,
        disabled: row.get(5)?,
        password_hash: row.get(6)?,
        first_password: row.get(7)?,
        openid_subject: row.get(8)?,
        created_at_ms: row.get(9)?,
        last_sign_in_at_ms: row.get(10)?,
        revision: row.get(11)?,
    })
}

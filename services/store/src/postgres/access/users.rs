//! Users.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::access::{AttemptKey, TokenHash, User};
use domain::audit::NewAuditEntry;
use domain::ids::UserName;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{count, limit, text};
use super::{PostgresAccess, audit, begin, sessions};
use crate::StoreError;
use crate::users::{
    ADMINISTERS, Added, Changed, Ends, ListedUser, NewSession, Open, Session, USER_COLUMNS, UserChange,
    UserColumns, UserStore, changed_meanwhile,
};

/// One at a time changes users, so that what was checked still holds when it is written.
const LOCK: &str = "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE";

#[async_trait]
impl UserStore for PostgresAccess {
    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        find(&self.database.client().await?, "name = $1", name.as_str()).await
    }

    async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, StoreError> {
        find(&self.database.client().await?, "openid_subject = $1", subject).await
    }

    async fn users(
        &self,
        after: Option<&UserName>,
        most: usize,
        open: Open,
    ) -> Result<Vec<ListedUser>, StoreError> {
        let after = after.map_or("", UserName::as_str);
        let (now, seen_after) = open.columns();
        let list = format!(
            "SELECT {USER_COLUMNS}, (SELECT count(*) FROM sessions
                 WHERE user_name = users.name AND seen_at_ms > $4 AND ends_at_ms > $3)
             FROM users WHERE name > $1 ORDER BY name LIMIT $2"
        );
        let client = self.database.client().await?;
        let list = client.prepare_cached(&list).await?;
        let rows = client
            .query(&list, &[&text(after), &limit(most), &now, &seen_after])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ListedUser {
                    user: columns(row).read()?,
                    sessions: count(row.get(12))?,
                })
            })
            .collect()
    }

    async fn add_user(&self, user: User, noted: NewAuditEntry) -> Result<Added, StoreError> {
        let user = UserColumns::of(&user);
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        transaction.batch_execute(LOCK).await?;
        if taken(&transaction, "name = $1", &[&user.name]).await? {
            return Ok(Added::NameTaken);
        }
        if taken(&transaction, "openid_subject = $1", &[&user.openid_subject]).await? {
            return Ok(Added::SubjectTaken);
        }
        insert(&transaction, &user).await?;
        audit::append(&transaction, [noted]).await?;
        transaction.commit().await?;
        Ok(Added::New)
    }

    async fn add_first_users(&self, users: Vec<User>, noted: Vec<NewAuditEntry>) -> Result<bool, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        transaction.batch_execute(LOCK).await?;
        if taken(&transaction, "true", &[]).await? {
            return Ok(false);
        }
        for user in &users {
            insert(&transaction, &UserColumns::of(user)).await?;
        }
        audit::append(&transaction, noted).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn change_user(&self, change: UserChange) -> Result<Changed, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        transaction.batch_execute(LOCK).await?;
        let changed = apply(&transaction, change).await?;
        if matches!(changed, Changed::Done { .. }) {
            transaction.commit().await?;
        }
        Ok(changed)
    }

    async fn take_attempt(
        &self,
        keys: &[AttemptKey],
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let wait = sessions::take_attempt(&transaction, keys, now).await?;
        if wait.is_none() {
            transaction.commit().await?;
        }
        Ok(wait)
    }

    async fn open_session(&self, session: NewSession) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        sessions::open(&transaction, &session).await?;
        audit::append(&transaction, [session.noted]).await?;
        Ok(transaction.commit().await?)
    }

    async fn session(&self, token: TokenHash, open: Open) -> Result<Option<Session>, StoreError> {
        sessions::session(&self.database.client().await?, token, open).await
    }

    async fn session_seen(&self, token: TokenHash, at: DateTime<Utc>) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "UPDATE sessions SET seen_at_ms = greatest(seen_at_ms, $2) WHERE token_hash = $1",
                &[&token.0.as_slice(), &at.timestamp_millis()],
            )
            .await?;
        Ok(())
    }

    async fn end_session(&self, token: TokenHash, noted: NewAuditEntry) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let ended = transaction
            .execute(
                "DELETE FROM sessions WHERE token_hash = $1",
                &[&token.0.as_slice()],
            )
            .await?;
        if ended > 0 {
            audit::append(&transaction, [noted]).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn end_sessions(&self, user: &UserName, noted: NewAuditEntry) -> Result<u32, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let ended = sessions::end(&transaction, user, Ends::All).await?;
        audit::append(&transaction, [noted]).await?;
        transaction.commit().await?;
        Ok(ended)
    }

    async fn open_sessions(&self, of: Option<&UserName>, open: Open) -> Result<u32, StoreError> {
        let (now, seen_after) = open.columns();
        let client = self.database.client().await?;
        let open = client
            .query_one(
                "SELECT count(*) FROM sessions WHERE seen_at_ms > $2 AND ends_at_ms > $1
                     AND ($3::text IS NULL OR user_name = $3)",
                &[&now, &seen_after, &of.map(UserName::as_str)],
            )
            .await?;
        count(open.get(0))
    }

    async fn forget_ended(&self, open: Open) -> Result<(), StoreError> {
        sessions::forget_ended(&mut self.database.client().await?, open).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.database.probe().await
    }
}

async fn apply(transaction: &Transaction<'_>, change: UserChange) -> Result<Changed, StoreError> {
    let UserChange { user, ends, noted } = change;
    let columns = UserColumns::of(&user);
    let subject = "openid_subject = $1 AND name <> $2";
    if taken(transaction, subject, &[&columns.openid_subject, &columns.name]).await? {
        return Ok(Changed::SubjectTaken);
    }
    let (itself, others) = (
        format!("{ADMINISTERS} AND name = $1"),
        format!("{ADMINISTERS} AND name <> $1"),
    );
    if !user.administers()
        && taken(transaction, &itself, &[&columns.name]).await?
        && !taken(transaction, &others, &[&columns.name]).await?
    {
        return Ok(Changed::LastAdministrator);
    }
    let changed = transaction
        .execute(
            "UPDATE users SET shown_name = $3, roles = $4, department = $5, agent = $6, disabled = $7,
                 password_hash = $8, first_password = $9, openid_subject = $10, revision = revision + 1
             WHERE name = $1 AND revision = $2",
            &[
                &columns.name,
                &columns.revision,
                &columns.shown_name,
                &columns.roles,
                &columns.department,
                &columns.agent,
                &columns.disabled,
                &columns.password_hash,
                &columns.first_password,
                &columns.openid_subject,
            ],
        )
        .await?;
    if changed != 1 {
        return Err(changed_meanwhile(&user.name));
    }
    let ended = sessions::end(transaction, &user.name, ends).await?;
    audit::append(transaction, [noted]).await?;
    Ok(Changed::Done { ended })
}

async fn insert(transaction: &Transaction<'_>, user: &UserColumns) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO users (name, shown_name, roles, department, agent, disabled, password_hash, first_password,
                 openid_subject, created_at_ms, last_sign_in_at_ms, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &[
                &user.name,
                &user.shown_name,
                &user.roles,
                &user.department,
                &user.agent,
                &user.disabled,
                &user.password_hash,
                &user.first_password,
                &user.openid_subject,
                &user.created_at_ms,
                &user.last_sign_in_at_ms,
                &user.revision,
            ],
        )
        .await?;
    Ok(())
}

async fn taken(
    transaction: &Transaction<'_>,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<bool, StoreError> {
    let find = format!("SELECT 1 FROM users WHERE {condition} LIMIT 1");
    Ok(transaction.query_opt(&find, values).await?.is_some())
}

async fn find(client: &Object, condition: &str, value: &str) -> Result<Option<User>, StoreError> {
    let find = format!("SELECT {USER_COLUMNS} FROM users WHERE {condition}");
    let find = client.prepare_cached(&find).await?;
    let found = client.query_opt(&find, &[&text(value)]).await?;
    found.map(|row| columns(&row).read()).transpose()
}

pub(super) fn columns(row: &Row) -> UserColumns {
    UserColumns {
        name: row.get(0),
        shown_name: row.get(1),
        roles: row.get(2),
        department: row.get(3),
        agent: row.get(4),
        disabled: row.get(5),
        password_hash: row.get(6),
        first_password: row.get(7),
        openid_subject: row.get(8),
        created_at_ms: row.get(9),
        last_sign_in_at_ms: row.get(10),
        revision: row.get(11),
    }
}

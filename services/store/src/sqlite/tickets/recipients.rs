//! Who was told of what, and has confirmed it.

use async_trait::async_trait;
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::{Ticket, ToldOf};
use rusqlite::types::Value;
use rusqlite::{Row, Transaction, params, params_from_iter};

use super::SqliteTickets;
use super::rows::collect;
use crate::StoreError;
use crate::recipients::{BY_HAND, Recipient, RecipientPlace, RecipientQuery, RecipientStore, confirmed_by};
use crate::ticket_columns::{time, unreadable};

#[async_trait]
impl RecipientStore for SqliteTickets {
    async fn recipients(&self, query: RecipientQuery) -> Result<Vec<Recipient>, StoreError> {
        self.query(move |connection| {
            let mut conditions = vec!["true".to_owned()];
            let mut values: Vec<Value> = Vec::new();
            if let Some(ticket) = &query.ticket {
                conditions.push("ticket_id = ?".to_owned());
                values.push(Value::from(ticket.to_string()));
            }
            if let Some(department) = &query.department {
                conditions.push("department = ?".to_owned());
                values.push(Value::from(department.to_string()));
            }
            if query.waiting {
                conditions.push("confirmed_at_ms IS NULL".to_owned());
            }
            if let Some(before) = query.told_before {
                conditions.push("told_at_ms < ?".to_owned());
                values.push(Value::from(before.timestamp_millis()));
            }
            if let Some(after) = &query.after {
                conditions.push("(told_at_ms, ticket_id, department, told_of) > (?, ?, ?, ?)".to_owned());
                values.extend([
                    Value::from(after.told_at.timestamp_millis()),
                    Value::from(after.ticket.to_string()),
                    Value::from(after.department.to_string()),
                    Value::from(after.of.name().to_owned()),
                ]);
            }
            values.push(Value::from(query.most as i64));
            let sql = format!(
                "SELECT ticket_id, department, told_of, told_at_ms, confirmed_at_ms, confirmed_by
                 FROM ticket_recipients WHERE {}
                 ORDER BY told_at_ms, ticket_id, department, told_of LIMIT ?",
                conditions.join(" AND ")
            );
            collect(
                &mut *connection.prepare_cached(&sql)?,
                params_from_iter(values),
                read,
            )
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<Recipient, StoreError> {
    let of: String = row.get(2)?;
    let by: Option<String> = row.get(5)?;
    Ok(Recipient {
        place: RecipientPlace {
            ticket: TicketId::new(row.get::<_, String>(0)?),
            department: DepartmentId::new(row.get::<_, String>(1)?),
            of: ToldOf::from_name(&of).ok_or_else(|| unreadable("what a department was told of"))?,
            told_at: time(row.get(3)?)?,
        },
        confirmed_at: row.get::<_, Option<i64>>(4)?.map(time).transpose()?,
        by_hand: by.as_deref() == Some(BY_HAND),
    })
}

pub(super) fn tell(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    of: ToldOf,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO ticket_recipients (ticket_id, department, told_of, told_at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (ticket_id, department, told_of) DO UPDATE SET told_at_ms = excluded.told_at_ms,
                 confirmed_at_ms = NULL, confirmed_by = NULL",
        )?
        .execute(params![
            ticket.id.as_str(),
            department.as_str(),
            of.name(),
            ticket.changed_at.timestamp_millis()
        ])?;
    Ok(())
}

pub(super) fn confirm(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    of: ToldOf,
    by_hand: bool,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "UPDATE ticket_recipients SET confirmed_at_ms = ?4, confirmed_by = ?5
             WHERE ticket_id = ?1 AND department = ?2 AND told_of = ?3",
        )?
        .execute(params![
            ticket.id.as_str(),
            department.as_str(),
            of.name(),
            ticket.changed_at.timestamp_millis(),
            confirmed_by(by_hand)
        ])?;
    Ok(())
}

pub(super) fn untell(transaction: &Transaction<'_>, ticket: &Ticket, of: ToldOf) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "DELETE FROM ticket_recipients WHERE ticket_id = ?1 AND told_of = ?2 AND confirmed_at_ms IS NULL",
        )?
        .execute(params![ticket.id.as_str(), of.name()])?;
    Ok(())
}

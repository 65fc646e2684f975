//! Who was told of what, and has confirmed it.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::{Ticket, ToldOf};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{limit, text};
use super::PostgresTickets;
use crate::StoreError;
use crate::recipients::{BY_HAND, Recipient, RecipientPlace, RecipientQuery, RecipientStore, confirmed_by};
use crate::ticket_columns::{time, unreadable};

#[async_trait]
impl RecipientStore for PostgresTickets {
    async fn recipients(&self, query: RecipientQuery) -> Result<Vec<Recipient>, StoreError> {
        let client = self.database.client().await?;
        let most = limit(query.most);
        let ticket = query.ticket.as_ref().map(|ticket| text(ticket.as_str()));
        let department = query.department.as_ref();
        let department = department.map(|department| text(department.as_str()));
        let before_ms = query.told_before.map(|before| before.timestamp_millis());
        let after = query.after.as_ref().map(|after| {
            (
                after.told_at.timestamp_millis(),
                text(after.ticket.as_str()),
                text(after.department.as_str()),
                after.of.name(),
            )
        });
        let mut conditions = vec!["true".to_owned()];
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&most];
        if let Some(ticket) = &ticket {
            values.push(ticket);
            conditions.push(format!("ticket_id = ${}", values.len()));
        }
        if let Some(department) = &department {
            values.push(department);
            conditions.push(format!("department = ${}", values.len()));
        }
        if query.waiting {
            conditions.push("confirmed_at_ms IS NULL".to_owned());
        }
        if let Some(before_ms) = &before_ms {
            values.push(before_ms);
            conditions.push(format!("told_at_ms < ${}", values.len()));
        }
        if let Some((told_at_ms, ticket, department, of)) = &after {
            values.extend([told_at_ms as &(dyn ToSql + Sync), ticket, department, of]);
            let last = values.len();
            conditions.push(format!(
                "(told_at_ms, ticket_id, department, told_of) > (${}, ${}, ${}, ${last})",
                last - 3,
                last - 2,
                last - 1
            ));
        }
        let select = format!(
            "SELECT ticket_id, department, told_of, told_at_ms, confirmed_at_ms, confirmed_by FROM ticket_recipients
             WHERE {} ORDER BY told_at_ms, ticket_id, department, told_of LIMIT $1",
            conditions.join(" AND ")
        );
        let select = client.prepare_cached(&select).await?;
        client.query(&select, &values).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Recipient, StoreError> {
    let of = ToldOf::from_name(row.get(2));
    Ok(Recipient {
        place: RecipientPlace {
            ticket: TicketId::new(row.get::<_, &str>(0)),
            department: DepartmentId::new(row.get::<_, &str>(1)),
            of: of.ok_or_else(|| unreadable("what a department was told of"))?,
            told_at: time(row.get(3))?,
        },
        confirmed_at: row.get::<_, Option<i64>>(4).map(time).transpose()?,
        by_hand: row.get::<_, Option<&str>>(5) == Some(BY_HAND),
    })
}

pub(super) async fn tell(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    of: ToldOf,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO ticket_recipients (ticket_id, department, told_of, told_at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (ticket_id, department, told_of) DO UPDATE SET told_at_ms = excluded.told_at_ms,
                 confirmed_at_ms = NULL, confirmed_by = NULL",
            &[
                &ticket.id.as_str(),
                &department.as_str(),
                &of.name(),
                &ticket.changed_at.timestamp_millis(),
            ],
        )
        .await?;
    Ok(())
}

pub(super) async fn confirm(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    of: ToldOf,
    by_hand: bool,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "UPDATE ticket_recipients SET confirmed_at_ms = $4, confirmed_by = $5
             WHERE ticket_id = $1 AND department = $2 AND told_of = $3",
            &[
                &ticket.id.as_str(),
                &department.as_str(),
                &of.name(),
                &ticket.changed_at.timestamp_millis(),
                &confirmed_by(by_hand),
            ],
        )
        .await?;
    Ok(())
}

pub(super) async fn untell(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    of: ToldOf,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "DELETE FROM ticket_recipients WHERE ticket_id = $1 AND told_of = $2 AND confirmed_at_ms IS NULL",
            &[&ticket.id.as_str(), &of.name()],
        )
        .await?;
    Ok(())
}

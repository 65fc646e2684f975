//! What tickets are found by, whatever their state.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use domain::ids::TicketId;
use domain::privacy::{MarkKind, marks_of_ticket};
use domain::procedure::CheckedRequest;
use domain::ticket::{AddedConcern, Ticket};
use tokio_postgres::Client;

use super::super::values::{limit, text};
use super::PostgresTickets;
use super::rows::{self, TICKET_COLUMNS};
use crate::StoreError;
use crate::persons::{MarkedTickets, PersonTickets};
use crate::ticket_columns::{CitizenColumns, of_ticket};

/// Tickets that a step of the filling takes.
const TICKETS_AT_ONCE: i64 = 2000;

#[async_trait]
impl PersonTickets for PostgresTickets {
    async fn tickets_with(&self, search: MarkedTickets) -> Result<Vec<Ticket>, StoreError> {
        if search.keys.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.database.client().await?;
        let (kinds, keys) = columns(&search.keys);
        let (at_ms, id) = match &search.after {
            Some(after) => (after.at.timestamp_millis(), text(after.id.as_str()).into_owned()),
            None => (i64::MAX, String::new()),
        };
        // Found first, then ordered: else the planner walks all tickets from the newest back.
        let find = format!(
            "WITH found AS MATERIALIZED (SELECT DISTINCT ticket_id FROM ticket_marks
                 JOIN unnest($1::text[], $2::text[]) AS wanted (kind, key) USING (kind, key))
             SELECT {TICKET_COLUMNS} FROM tickets JOIN found USING (ticket_id)
             WHERE (created_at_ms, ticket_id) < ($3, $4)
             ORDER BY created_at_ms DESC, ticket_id DESC LIMIT $5"
        );
        let find = client.prepare_cached(&find).await?;
        let tickets = client
            .query(&find, &[&kinds, &keys, &at_ms, &id, &limit(search.most)])
            .await?;
        tickets.iter().map(rows::ticket).collect()
    }
}

fn columns<'k>(marks: impl IntoIterator<Item = &'k (MarkKind, String)>) -> (Vec<&'static str>, Vec<String>) {
    marks
        .into_iter()
        .map(|(kind, key)| (kind.name(), text(key).into_owned()))
        .unzip()
}

/// Writes what a ticket is found by, instead of what it was found by before.
pub(super) async fn write_anew(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let citizen = CitizenColumns::of(&ticket.request);
    transaction
        .execute(
            "UPDATE tickets SET phone_key = $2, name_key = $3, postal_code = $4 WHERE ticket_id = $1",
            &[
                &ticket.id.as_str(),
                &citizen.phone_key.as_deref().map(text),
                &citizen.name_key.as_deref().map(text),
                &citizen.postal_code.as_deref().map(text),
            ],
        )
        .await?;
    remove(transaction, &ticket.id).await?;
    write(transaction, ticket).await
}

/// Writes what a new ticket is found by.
pub(super) async fn write(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let marks = marks_of_ticket(&ticket.request, &ticket.added);
    if marks.is_empty() {
        return Ok(());
    }
    let (kinds, keys) = columns(&marks);
    let write = transaction
        .prepare_cached(
            "INSERT INTO ticket_marks (kind, key, ticket_id)
             SELECT kind, key, $3 FROM unnest($1::text[], $2::text[]) AS marks (kind, key)
             ON CONFLICT DO NOTHING",
        )
        .await?;
    transaction
        .execute(&write, &[&kinds, &keys, &ticket.id.as_str()])
        .await?;
    Ok(())
}

/// A ticket is found by nothing any more.
pub(super) async fn remove(transaction: &Transaction<'_>, id: &TicketId) -> Result<(), StoreError> {
    transaction
        .execute("DELETE FROM ticket_marks WHERE ticket_id = $1", &[&id.as_str()])
        .await?;
    Ok(())
}

/// Gives tickets that were logged before there were marks what they are found by.
pub(in super::super) async fn fill(client: &Client) -> Result<(), StoreError> {
    let due = "SELECT FROM ticket_backfills WHERE name = 'marks'";
    if client.query_opt(due, &[]).await?.is_none() {
        return Ok(());
    }
    let mut after = String::new();
    loop {
        let tickets = client
            .query(
                "SELECT ticket_id, request, added FROM tickets WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2",
                &[&after, &TICKETS_AT_ONCE],
            )
            .await?;
        let Some(last) = tickets.last() else { break };
        after = last.get(0);
        let (mut ids, mut kinds, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for row in &tickets {
            let id = TicketId::new(row.get::<_, &str>(0));
            let request: CheckedRequest =
                serde_json::from_str(row.get(1)).map_err(|_| of_ticket("the request", &id))?;
            let added: Vec<AddedConcern> =
                serde_json::from_str(row.get(2)).map_err(|_| of_ticket("added", &id))?;
            for (kind, key) in marks_of_ticket(&request, &added) {
                ids.push(row.get::<_, &str>(0));
                kinds.push(kind.name());
                keys.push(text(&key).into_owned());
            }
        }
        client
            .execute(
                "INSERT INTO ticket_marks (kind, key, ticket_id)
                 SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING",
                &[&kinds, &keys, &ids],
            )
            .await?;
    }
    client
        .execute("DELETE FROM ticket_backfills WHERE name = 'marks'", &[])
        .await?;
    Ok(())
}

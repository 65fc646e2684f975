//! Tickets of a citizen, by number or name: those that are owed an answer, and those that were settled lately.

use deadpool_postgres::Object;
use domain::ids::TicketId;
use domain::procedure::CheckedRequest;
use domain::ticket::Ticket;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::super::values::{limit, text};
use super::rows::{self, TICKET_COLUMNS};
use crate::StoreError;
use crate::ticket_columns::{CitizenColumns, OWED, SETTLED, of_ticket};
use crate::tickets::{Citizen, CitizenSearch};

/// Tickets that a step of the filling takes.
const TICKETS_AT_ONCE: i64 = 2000;

pub(super) async fn find(client: &Object, search: &CitizenSearch) -> Result<Vec<Ticket>, StoreError> {
    let most = limit(search.most);
    let after = search
        .after
        .as_ref()
        .map(|after| (after.at.timestamp_millis(), text(after.id.as_str())));
    let since_ms = search.settled_since.map(|since| since.timestamp_millis());
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&most];
    let name;
    let mut conditions = match &search.citizen {
        Citizen::Phone(keys) => {
            parameters.push(keys);
            "phone_key = ANY($2)".to_owned()
        }
        Citizen::Name { key, postal_code } => {
            name = text(key);
            parameters.push(&name);
            match postal_code {
                None => "name_key = $2".to_owned(),
                Some(postal_code) => {
                    parameters.push(postal_code);
                    "name_key = $2 AND postal_code = $3".to_owned()
                }
            }
        }
    };
    let mut wanted = OWED;
    if let Some(since_ms) = &since_ms {
        wanted = SETTLED;
        parameters.push(since_ms);
        conditions.push_str(&format!(" AND settled_at_ms >= ${}", parameters.len()));
    }
    if let Some((created_at_ms, id)) = &after {
        parameters.extend([created_at_ms as &(dyn ToSql + Sync), id]);
        let last = parameters.len();
        conditions.push_str(&format!(
            " AND (created_at_ms, ticket_id) < (${}, ${last})",
            last - 1
        ));
    }
    let find = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE {wanted} AND {conditions}
         ORDER BY created_at_ms DESC, ticket_id DESC LIMIT $1"
    );
    let find = client.prepare_cached(&find).await?;
    let tickets = client.query(&find, &parameters).await?;
    tickets.iter().map(rows::ticket).collect()
}

/// Gives tickets that were logged before these columns were there what they are found by.
pub(in super::super) async fn fill_columns(client: &Client) -> Result<(), StoreError> {
    let due = "SELECT FROM ticket_backfills WHERE name = 'citizens'";
    if client.query_opt(due, &[]).await?.is_none() {
        return Ok(());
    }
    let mut after = String::new();
    loop {
        let tickets = client
            .query(
                "SELECT ticket_id, request FROM tickets WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2",
                &[&after, &TICKETS_AT_ONCE],
            )
            .await?;
        let Some(last) = tickets.last() else { break };
        after = last.get(0);
        let mut citizens = Vec::with_capacity(tickets.len());
        for row in &tickets {
            let id: &str = row.get(0);
            let request: CheckedRequest =
                serde_json::from_str(row.get(1)).map_err(|_| of_ticket("the request", &TicketId::new(id)))?;
            citizens.push((id, CitizenColumns::of(&request)));
        }
        let ids: Vec<&str> = citizens.iter().map(|(id, _)| *id).collect();
        let phones: Vec<_> = citizens.iter().map(|(_, it)| it.phone_key.as_deref()).collect();
        let names: Vec<_> = citizens.iter().map(|(_, it)| it.name_key.as_deref()).collect();
        let codes: Vec<_> = citizens.iter().map(|(_, it)| it.postal_code.as_deref()).collect();
        client
            .execute(
                "UPDATE tickets t SET phone_key = c.phone_key, name_key = c.name_key, postal_code = c.postal_code
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
                     AS c (ticket_id, phone_key, name_key, postal_code)
                 WHERE t.ticket_id = c.ticket_id",
                &[&ids, &phones, &names, &codes],
            )
            .await?;
    }
    client
        .execute("DELETE FROM ticket_backfills WHERE name = 'citizens'", &[])
        .await?;
    Ok(())
}

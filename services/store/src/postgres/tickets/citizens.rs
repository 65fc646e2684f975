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
use crate::ticket_columns::{CitizenColumns, OWED, SETTLED, UNRESTRICTED, of_ticket};
use crate::tickets::{Acquaintance, AcquaintanceSearch, Citizen, CitizenSearch};

/// Tickets that a step of the filling takes.
const TICKETS_AT_ONCE: i64 = 2000;

pub(super) async fn find(client: &Object, search: &CitizenSearch) -> Result<Vec<Ticket>, StoreError> {
    let mut parameters = Parameters::default();
    let most = parameters.add(limit(search.most));
    let mut conditions = of_citizen(&search.citizen, &mut parameters);
    let mut wanted = OWED;
    if let Some(since) = search.settled_since {
        wanted = SETTLED;
        let since = parameters.add(since.timestamp_millis());
        conditions.push_str(&format!(" AND settled_at_ms >= {since}"));
    }
    if let Some(after) = &search.after {
        let at = parameters.add(after.at.timestamp_millis());
        let id = parameters.add(text(after.id.as_str()).into_owned());
        conditions.push_str(&format!(" AND (created_at_ms, ticket_id) < ({at}, {id})"));
    }
    // Found first, then ordered: else the planner, which does not know how few tickets a citizen has, walks all of them
    // from the newest back.
    let find = format!(
        "WITH found AS MATERIALIZED (SELECT * FROM tickets WHERE {wanted} AND {UNRESTRICTED} AND {conditions})
         SELECT {TICKET_COLUMNS} FROM found AS tickets ORDER BY created_at_ms DESC, ticket_id DESC LIMIT {most}"
    );
    parameters.query(client, &find).await
}

/// One statement for all that the citizen is known by: it is asked while somebody waits for an answer.
pub(super) async fn acquaintance(
    client: &Object,
    search: &AcquaintanceSearch,
) -> Result<Acquaintance, StoreError> {
    if search.citizens.is_empty() {
        return Ok(Acquaintance::default());
    }
    let mut parameters = Parameters::default();
    // A ticket may be found once by each.
    let most = search.most.saturating_mul(search.citizens.len());
    let most = parameters.add(limit(most));
    let since = parameters.add(search.settled_since.timestamp_millis());
    let conditions: Vec<String> = search
        .citizens
        .iter()
        .map(|citizen| of_citizen(citizen, &mut parameters))
        .collect();
    let newest = |wanted: &str| {
        let found: Vec<String> = conditions
            .iter()
            .map(|condition| {
                format!("SELECT * FROM tickets WHERE {wanted} AND {UNRESTRICTED} AND {condition}")
            })
            .collect();
        format!(
            "WITH found AS MATERIALIZED ({})
             SELECT {TICKET_COLUMNS} FROM found AS tickets ORDER BY created_at_ms DESC, ticket_id DESC LIMIT {most}",
            found.join(" UNION ALL ")
        )
    };
    let settled = format!("{SETTLED} AND settled_at_ms >= {since}");
    let find = format!("({}) UNION ALL ({})", newest(OWED), newest(&settled));
    let found = parameters.query(client, &find).await?;
    Ok(Acquaintance::of(found, search.most))
}

/// The condition of a citizen's tickets.
fn of_citizen(citizen: &Citizen, parameters: &mut Parameters) -> String {
    match citizen {
        Citizen::Phone(keys) => format!("phone_key = ANY({})", parameters.add(keys.clone())),
        Citizen::Name { key, postal_code } => {
            let mut condition = format!("name_key = {}", parameters.add(text(key).into_owned()));
            if let Some(postal_code) = postal_code {
                let postal_code = parameters.add(text(postal_code).into_owned());
                condition.push_str(&format!(" AND postal_code = {postal_code}"));
            }
            condition
        }
    }
}

/// The parameters of a statement that is put together.
#[derive(Default)]
struct Parameters(Vec<Box<dyn ToSql + Send + Sync>>);

impl Parameters {
    /// Adds one. Returns its place in the statement.
    fn add(&mut self, value: impl ToSql + Send + Sync + 'static) -> String {
        self.0.push(Box::new(value));
        format!("${}", self.0.len())
    }

    async fn query(&self, client: &Object, find: &str) -> Result<Vec<Ticket>, StoreError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = self
            .0
            .iter()
            .map(|value| value.as_ref() as &(dyn ToSql + Sync))
            .collect();
        let find = client.prepare_cached(find).await?;
        let tickets = client.query(&find, &parameters).await?;
        tickets.iter().map(rows::ticket).collect()
    }
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

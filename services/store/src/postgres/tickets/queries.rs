//! Reading tickets.

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::{DepartmentId, TicketId};
use domain::procedure::ProcedureId;
use domain::ticket::Ticket;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{limit, text};
use super::rows::{self, TICKET_COLUMNS};
use crate::StoreError;
use crate::ticket_columns::{ENDED, ESCALATED_ALREADY, OWED, RETURNED, UNRESTRICTED};
use crate::tickets::{TicketFilter, TicketWithHistory};

pub(super) async fn ticket(
    transaction: &Transaction<'_>,
    id: &TicketId,
) -> Result<Option<Ticket>, StoreError> {
    let find = format!("SELECT {TICKET_COLUMNS} FROM tickets WHERE ticket_id = $1");
    let find = transaction.prepare_cached(&find).await?;
    let row = transaction.query_opt(&find, &[&text(id.as_str())]).await?;
    row.as_ref().map(rows::ticket).transpose()
}

/// Tickets as they are now, and nobody else changes them until the transaction ends.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    ids: impl Iterator<Item = &TicketId>,
) -> Result<Vec<Ticket>, StoreError> {
    let ids: Vec<_> = ids.map(|id| text(id.as_str())).collect();
    let find = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE ticket_id = ANY($1) ORDER BY ticket_id FOR UPDATE"
    );
    let find = transaction.prepare_cached(&find).await?;
    let tickets = transaction.query(&find, &[&ids]).await?;
    tickets.iter().map(rows::ticket).collect()
}

pub(super) async fn with_history(
    moment: &Transaction<'_>,
    id: &TicketId,
) -> Result<Option<TicketWithHistory>, StoreError> {
    let Some(ticket) = ticket(moment, id).await? else {
        return Ok(None);
    };
    let find = moment
        .prepare_cached(
            "SELECT number, at_ms, actor_kind, actor, action, note FROM ticket_history
             WHERE ticket_id = $1 ORDER BY number",
        )
        .await?;
    let history = moment.query(&find, &[&id.as_str()]).await?;
    let history = history
        .iter()
        .map(rows::history_entry)
        .collect::<Result<_, _>>()?;
    Ok(Some(TicketWithHistory { ticket, history }))
}

pub(super) async fn list(client: &Object, filter: &TicketFilter) -> Result<Vec<Ticket>, StoreError> {
    let rows = selected(client, TICKET_COLUMNS, true, filter).await?;
    rows.iter().map(rows::ticket).collect()
}

pub(super) async fn listed(client: &Object, filter: &TicketFilter) -> Result<Vec<TicketId>, StoreError> {
    let rows = selected(client, "ticket_id", false, filter).await?;
    Ok(rows
        .iter()
        .map(|row| TicketId::new(row.get::<_, &str>(0)))
        .collect())
}

async fn selected(
    client: &Object,
    columns: &str,
    in_order: bool,
    filter: &TicketFilter,
) -> Result<Vec<Row>, StoreError> {
    let department = filter.department.as_ref().map(DepartmentId::as_str);
    let procedure = filter.procedure.as_ref().map(ProcedureId::as_str);
    let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
    let after = filter
        .after
        .as_ref()
        .map(|after| (after.at.timestamp_millis(), text(after.id.as_str())));
    let due_before_ms = filter.due_before.map(|before| before.timestamp_millis());
    let most = limit(filter.most);
    let mut conditions: Vec<String> = vec![UNRESTRICTED.to_owned()];
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&most];
    if let Some(department) = &department {
        parameters.push(department);
        conditions.push(format!("department = ${}", parameters.len()));
    }
    if let Some(procedure) = &procedure {
        parameters.push(procedure);
        conditions.push(format!("procedure = ${}", parameters.len()));
    }
    if !states.is_empty() {
        parameters.push(&states);
        conditions.push(format!("state = ANY(${})", parameters.len()));
    }
    if let Some(due_before_ms) = &due_before_ms {
        parameters.push(due_before_ms);
        conditions.push(format!("{OWED} AND due_at_ms < ${}", parameters.len()));
        conditions.extend(filter.escalated.then(|| ESCALATED_ALREADY.to_owned()));
        conditions.extend(filter.returned.then(|| RETURNED.to_owned()));
    }
    let (place, order) = match filter.due_before {
        None => (
            "(created_at_ms, ticket_id) <",
            "created_at_ms DESC, ticket_id DESC",
        ),
        Some(_) => ("(due_at_ms, ticket_id) >", "due_at_ms, ticket_id"),
    };
    if let Some((at_ms, id)) = &after {
        parameters.extend([at_ms as &(dyn ToSql + Sync), id]);
        let last = parameters.len();
        conditions.push(format!("{place} (${}, ${last})", last - 1));
    }
    let conditions = format!("WHERE {}", conditions.join(" AND "));
    let order = match in_order {
        true => format!("ORDER BY {order}"),
        false => String::new(),
    };
    let list = format!("SELECT {columns} FROM tickets {conditions} {order} LIMIT $1");
    let list = client.prepare_cached(&list).await?;
    Ok(client.query(&list, &parameters).await?)
}

pub(super) async fn ended_before(
    client: &Object,
    department: &DepartmentId,
    before: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Ticket>, StoreError> {
    let find = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE department = $1 AND {ENDED} AND {UNRESTRICTED} AND changed_at_ms < $2
         ORDER BY changed_at_ms LIMIT $3"
    );
    let find = client.prepare_cached(&find).await?;
    let before_ms = before.timestamp_millis();
    let tickets = client
        .query(&find, &[&department.as_str(), &before_ms, &limit(most)])
        .await?;
    tickets.iter().map(rows::ticket).collect()
}

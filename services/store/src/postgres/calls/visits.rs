//! Counted visits, one by one.

use chrono::DateTime;
use deadpool_postgres::Object;
use domain::event::EndedBy;
use domain::ids::{AgentName, HotlineName};
use domain::record::TaskType;
use domain::visit::{Outcome, Visit};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{self, text};
use crate::StoreError;
use crate::calls::{StoredVisit, VisitPlace, VisitQuery};
use crate::packing::unknown;

/// See [`crate::calls::CallStore::visits`]. Each hotline is read by its index, so a page costs the same however many
/// visits there are.
pub(super) async fn visits(client: &Object, query: &VisitQuery) -> Result<Vec<StoredVisit>, StoreError> {
    let (direction, beyond) = query.order.sql();
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    let mut value = |value: Box<dyn ToSql + Sync + Send>| {
        values.push(value);
        format!("${}", values.len())
    };
    let names: Vec<String> = query
        .hotlines
        .iter()
        .map(|name| text(name.as_str()).into_owned())
        .collect();
    let asked = match names.is_empty() {
        true => "h.id > 0".to_owned(),
        false => format!("h.id > 0 AND h.name = ANY({})", value(Box::new(names))),
    };
    let types: Vec<i16> = query.task_types.iter().map(|it| it.code()).collect();
    let mut conditions = vec![
        format!(
            "offered_at_ms >= {}",
            value(Box::new(query.from.timestamp_millis()))
        ),
        format!("offered_at_ms < {}", value(Box::new(query.to.timestamp_millis()))),
        format!("task_type = ANY({})", value(Box::new(types))),
    ];
    conditions.push(
        "(month, call_row) NOT IN
             (SELECT i.month, i.call_row FROM restricted_calls r JOIN identities i USING (identity)
              WHERE i.month IS NOT NULL AND i.call_row IS NOT NULL)"
            .to_owned(),
    );
    if let Some(outcome) = query.outcome {
        conditions.push(format!("outcome = {}", value(Box::new(outcome.code()))));
    }
    if let Some(most) = query.in_queue_ms_max {
        conditions.push(format!(
            "wait_ms + coalesce(ring_ms, 0) <= {}",
            value(Box::new(most))
        ));
    }
    if let Some(after) = query.after {
        conditions.push(format!(
            "(offered_at_ms, call_row, ordinal) {beyond} ({}, {}, {})",
            value(Box::new(after.offered_at_ms)),
            value(Box::new(after.call_row)),
            value(Box::new(i32::from(after.ordinal)))
        ));
    }
    let most = value(Box::new(values::limit(query.most)));
    let order = format!("offered_at_ms {direction}, call_row {direction}, ordinal {direction}");
    let select = format!(
        "SELECT v.offered_at_ms, v.call_row, v.ordinal, c.identity, v.name, v.task_type, v.outcome, v.wait_ms,
             v.ring_ms, v.talk_ms, v.hold_ms, v.after_call_work_ms, v.consult_count, v.consult_connection_count,
             v.consult_talk_ms, v.transfer_count, v.agent, v.ended_by, v.overflowed_in, v.network_overflow_count,
             v.voice_message
         FROM (SELECT h.name, one.* FROM hotlines h CROSS JOIN LATERAL
                 (SELECT * FROM visits WHERE hotline_id = h.id AND counted AND {} ORDER BY {order} LIMIT {most}) one
             WHERE {asked} ORDER BY {order} LIMIT {most}) v
             JOIN calls c ON c.month = v.month AND c.call_row = v.call_row
         ORDER BY {order}",
        conditions.join(" AND ")
    );
    let select = client.prepare_cached(&select).await?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    let rows = client.query(&select, &values).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<StoredVisit, StoreError> {
    let whole = |at: usize| values::count(row.get(at));
    let place = VisitPlace {
        offered_at_ms: row.get(0),
        call_row: row.get(1),
        ordinal: u16::try_from(row.get::<_, i32>(2)).map_err(|_| unknown("ordinal"))?,
    };
    Ok(StoredVisit {
        identity: values::identity(row.get(3)),
        place,
        visit: Visit {
            ordinal: place.ordinal,
            hotline: HotlineName::new(row.get::<_, &str>(4)),
            task_type: TaskType::from_code(row.get(5)).ok_or_else(|| unknown("task type"))?,
            offered_at: DateTime::from_timestamp_millis(place.offered_at_ms)
                .ok_or_else(|| unknown("time"))?,
            outcome: Outcome::from_code(row.get(6)).ok_or_else(|| unknown("outcome"))?,
            wait_ms: row.get(7),
            ring_ms: row.get(8),
            talk_ms: row.get(9),
            hold_ms: row.get(10),
            after_call_work_ms: row.get(11),
            consult_count: whole(12)?,
            consult_connection_count: whole(13)?,
            consult_talk_ms: row.get(14),
            transfer_count: whole(15)?,
            agent: row.get::<_, Option<&str>>(16).map(AgentName::new),
            ended_by: row.get::<_, Option<&str>>(17).and_then(EndedBy::from_name),
            overflowed_in: row.get(18),
            network_overflow_count: whole(19)?,
            voice_message: row.get(20),
            live: None,
        },
    })
}

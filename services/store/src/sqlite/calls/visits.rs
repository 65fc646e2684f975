//! Counted visits, one by one.

use chrono::DateTime;
use domain::event::EndedBy;
use domain::ids::{AgentName, HotlineName, Identity};
use domain::record::TaskType;
use domain::visit::{Outcome, Visit};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Rows, params_from_iter};

use super::records::UNRESTRICTED;
use crate::StoreError;
use crate::calls::{CallOrder, StoredVisit, VisitPlace, VisitQuery};
use crate::packing::unknown;

/// See [`crate::calls::CallStore::visits`]. Each hotline is read by its index and no further than the page goes, so a page
/// costs the same however many visits there are.
pub(super) fn visits(connection: &Connection, query: &VisitQuery) -> Result<Vec<StoredVisit>, StoreError> {
    let hotlines = hotlines(connection, &query.hotlines)?;
    let (select, values) = select(query);
    let mut statements = hotlines
        .iter()
        .map(|_| connection.prepare_cached(&select))
        .collect::<Result<Vec<_>, _>>()?;
    let mut queues = Vec::with_capacity(hotlines.len());
    for (statement, (hotline_id, name)) in statements.iter_mut().zip(&hotlines) {
        let bound = std::iter::once(Value::Integer(*hotline_id)).chain(values.iter().cloned());
        let mut queue = Queue {
            rows: statement.query(params_from_iter(bound))?,
            name,
            head: None,
        };
        queue.step()?;
        queues.push(queue);
    }
    let mut found = Vec::new();
    while found.len() < query.most {
        let heads = queues
            .iter_mut()
            .filter_map(|queue| Some((queue.head.as_ref()?.place, queue)));
        let first = match query.order {
            CallOrder::OldestFirst => heads.min_by_key(|(place, _)| *place),
            CallOrder::NewestFirst => heads.max_by_key(|(place, _)| *place),
        };
        let Some((_, queue)) = first else { break };
        found.extend(queue.head.take());
        queue.step()?;
    }
    Ok(found)
}

/// The visits of a hotline that are still to come, in order.
struct Queue<'s> {
    rows: Rows<'s>,
    name: &'s HotlineName,
    head: Option<StoredVisit>,
}

impl Queue<'_> {
    fn step(&mut self) -> Result<(), StoreError> {
        let row = self.rows.next()?;
        self.head = row.map(|row| read(row, self.name)).transpose()?;
        Ok(())
    }
}

fn hotlines(connection: &Connection, asked: &[HotlineName]) -> Result<Vec<(i64, HotlineName)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT hotline_id, name FROM hotlines WHERE hotline_id > 0")?;
    let all = statement.query_map([], |row| {
        Ok((row.get(0)?, HotlineName::new(row.get::<_, String>(1)?)))
    })?;
    let mut all = all.collect::<Result<Vec<_>, _>>()?;
    all.retain(|(_, name)| asked.is_empty() || asked.contains(name));
    Ok(all)
}

/// The statement for a hotline, which is its first value, and the values after it.
fn select(query: &VisitQuery) -> (String, Vec<Value>) {
    let (direction, beyond) = query.order.sql();
    let mut values = vec![
        Value::Integer(query.from.timestamp_millis()),
        Value::Integer(query.to.timestamp_millis()),
    ];
    let mut conditions = String::new();
    let mut value = |value: i64| {
        values.push(Value::Integer(value));
        format!("?{}", values.len() + 1)
    };
    if let Some(outcome) = query.outcome {
        conditions += &format!(" AND v.outcome = {}", value(i64::from(outcome.code())));
    }
    if let Some(most) = query.in_queue_ms_max {
        let most = value(most);
        conditions += &format!(" AND v.wait_ms + coalesce(v.ring_ms, 0) <= {most}");
    }
    let types: Vec<String> = query
        .task_types
        .iter()
        .map(|task_type| value(i64::from(task_type.code())))
        .collect();
    if let Some(after) = query.after {
        let place = [after.offered_at_ms, after.call_row, i64::from(after.ordinal)].map(&mut value);
        conditions += &format!(
            " AND (v.offered_at_ms, v.call_row, v.ordinal) {beyond} ({})",
            place.join(", ")
        );
    }
    let most = value(i64::try_from(query.most).unwrap_or(i64::MAX));
    let select = format!(
        "SELECT v.offered_at_ms, v.call_row, v.ordinal, c.identity, v.task_type, v.outcome, v.wait_ms, v.ring_ms,
             v.talk_ms, v.hold_ms, v.after_call_work_ms, v.consult_count, v.consult_connection_count,
             v.consult_talk_ms, v.transfer_count, v.agent, v.ended_by, v.overflowed_in, v.network_overflow_count,
             v.voice_message
         FROM visits v JOIN calls c USING (call_row)
         WHERE v.hotline_id = ?1 AND v.offered_at_ms >= ?2 AND v.offered_at_ms < ?3 AND v.counted
             AND v.task_type IN ({}) AND {UNRESTRICTED}{conditions}
         ORDER BY v.offered_at_ms {direction}, v.call_row {direction}, v.ordinal {direction} LIMIT {most}",
        types.join(", ")
    );
    (select, values)
}

fn read(row: &Row<'_>, hotline: &HotlineName) -> Result<StoredVisit, StoreError> {
    let place = VisitPlace {
        offered_at_ms: row.get(0)?,
        call_row: row.get(1)?,
        ordinal: row.get(2)?,
    };
    let ended_by: Option<String> = row.get(16)?;
    Ok(StoredVisit {
        identity: Identity(row.get(3)?),
        place,
        visit: Visit {
            ordinal: place.ordinal,
            hotline: hotline.clone(),
            task_type: TaskType::from_code(row.get(4)?).ok_or_else(|| unknown("task type"))?,
            offered_at: DateTime::from_timestamp_millis(place.offered_at_ms)
                .ok_or_else(|| unknown("time"))?,
            outcome: Outcome::from_code(row.get(5)?).ok_or_else(|| unknown("outcome"))?,
            wait_ms: row.get(6)?,
            ring_ms: row.get(7)?,
            talk_ms: row.get(8)?,
            hold_ms: row.get(9)?,
            after_call_work_ms: row.get(10)?,
            consult_count: row.get(11)?,
            consult_connection_count: row.get(12)?,
            consult_talk_ms: row.get(13)?,
            transfer_count: row.get(14)?,
            agent: row.get::<_, Option<String>>(15)?.map(AgentName::new),
            ended_by: ended_by.as_deref().and_then(EndedBy::from_name),
            overflowed_in: row.get(17)?,
            network_overflow_count: row.get(18)?,
            voice_message: row.get(19)?,
            live: None,
        },
    })
}

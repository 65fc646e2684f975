//! What is published of the figures.

use domain::counts::Interval;
use domain::ids::HotlineName;
use rusqlite::{Connection, OptionalExtension, params};

use crate::StoreError;
use crate::publications::{HeldPublication, PublicationAdvance, PublicationLease, PublicationPlace};
use crate::tickets::credible_until;

/// See [`crate::calls::CallStore::hold_publication`].
pub(super) fn hold(
    connection: &Connection,
    lease: &PublicationLease,
) -> Result<Option<HeldPublication>, StoreError> {
    let place = connection
        .prepare_cached(
            "INSERT INTO publications AS p (name, owner, until_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
             WHERE p.owner = excluded.owner OR p.until_ms <= ?4 OR p.until_ms > ?5
             RETURNING topic_id, version, filling",
        )?
        .query_row(
            params![
                lease.name,
                lease.owner,
                lease.until.timestamp_millis(),
                lease.now.timestamp_millis(),
                credible_until(lease.now, lease.until).timestamp_millis()
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    Ok(place.map(|columns| HeldPublication {
        place: PublicationPlace::read(columns),
    }))
}

/// See [`crate::calls::CallStore::advance_publication`].
pub(super) fn advance(connection: &Connection, advance: &PublicationAdvance) -> Result<(), StoreError> {
    let (topic_id, version, filling) = advance.expected_columns();
    let to = &advance.to;
    let moved = connection
        .prepare_cached(
            "UPDATE publications SET topic_id = ?3, version = ?4, filling = ?5
             WHERE name = ?1 AND owner = ?2 AND topic_id IS ?6 AND version IS ?7 AND filling IS ?8",
        )?
        .execute(params![
            advance.name,
            advance.owner,
            to.topic_id,
            to.version.as_str(),
            to.filling.map(|interval| interval.0),
            topic_id,
            version,
            filling
        ])?;
    match moved {
        1 => Ok(()),
        _ => Err(advance.conflict()),
    }
}

/// See [`crate::calls::CallStore::release_publication`].
pub(super) fn release(connection: &Connection, name: &str, owner: &str) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE publications SET until_ms = 0 WHERE name = ?1 AND owner = ?2",
        [name, owner],
    )?;
    Ok(())
}

/// See [`crate::calls::CallStore::next_counted`].
pub(super) fn next_counted(connection: &Connection, from: Interval) -> Result<Option<Interval>, StoreError> {
    let next: Option<i64> = connection
        .prepare_cached("SELECT min(interval) FROM interval_counts WHERE interval >= ?1")?
        .query_row([from.0], |row| row.get(0))?;
    Ok(next.map(Interval))
}

/// See [`crate::calls::CallStore::counted`].
pub(super) fn counted(
    connection: &Connection,
    from: Interval,
    to: Interval,
) -> Result<Vec<(Interval, HotlineName)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT interval, name FROM interval_counts JOIN hotlines USING (hotline_id)
         WHERE interval >= ?1 AND interval < ?2 AND hotline_id > 0",
    )?;
    let rows = statement.query_map([from.0, to.0], |row| {
        Ok((Interval(row.get(0)?), HotlineName::new(row.get::<_, String>(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

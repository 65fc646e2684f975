//! Which call an identity is: see the migration for why there are two tables.

use domain::ids::Identity;
use rusqlite::{Connection, Transaction, params};

use crate::StoreError;

/// New identities that collect before they are settled. Few enough for their table to stay in memory, many enough
/// for each page of the large table to take several at once.
const SETTLED_TOGETHER: i64 = 1 << 16;

/// Files a new call under its identity. Returns its row.
pub(super) fn add(connection: &Connection, identity: Identity, call_row: i64) -> Result<i64, StoreError> {
    connection
        .prepare_cached("INSERT INTO recent_identities (identity, call_row) VALUES (?1, ?2)")?
        .execute(params![identity.0, call_row])?;
    Ok(call_row)
}

/// Settles the recent identities each time that so many calls were added.
pub(super) fn settle(transaction: &Transaction<'_>, last_added: i64, added: usize) -> Result<(), StoreError> {
    let before = last_added - added as i64;
    if before.div_euclid(SETTLED_TOGETHER) != last_added.div_euclid(SETTLED_TOGETHER) {
        transaction.execute_batch(
            "INSERT INTO settled_identities SELECT identity, call_row FROM recent_identities ORDER BY identity;
             DELETE FROM recent_identities",
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use domain::ids::{CallId, HotlineName, ImportRun, SourceName};
    use domain::record::{CallRecord, ConnectionStatus, TaskType};
    use domain::report::{CallReport, ReportBody, RevisedRecord};

    use super::*;
    use crate::calls::{CallStore, LedgerBatch};
    use crate::sqlite::SqliteCalls;

    fn report(number: u32) -> CallReport {
        let at = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
        let hotline = HotlineName::new("Steuern");
        let record = CallRecord::new(at, TaskType::InboundCall, hotline, ConnectionStatus::Answered);
        let mut identity = [7; 16];
        identity[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        CallReport {
            identity: Identity(identity),
            source: SourceName::new("test"),
            call_id: Some(CallId::new(number.to_string())),
            run: ImportRun::new("run"),
            received_at: at,
            body: ReportBody::Record(RevisedRecord { revision: 0, record }),
            confirms: false,
        }
    }

    #[tokio::test]
    async fn a_call_is_known_again_before_and_after_its_identity_is_settled() {
        const CALLS: u32 = SETTLED_TOGETHER as u32 + 10_000;
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
        let mut new_calls = 0;
        for start in (0..CALLS).step_by(8000) {
            let reports = (start..CALLS.min(start + 8000)).map(|number| (0, report(number)));
            let batch = LedgerBatch {
                reports: reports.collect(),
                ..LedgerBatch::default()
            };
            new_calls += store.apply(batch).await.unwrap().new_calls;
        }
        assert_eq!(new_calls, CALLS as usize);
        let again = LedgerBatch {
            reports: [0, 1, 40_000, SETTLED_TOGETHER as u32, CALLS - 1]
                .map(|number| (0, report(number)))
                .to_vec(),
            ..LedgerBatch::default()
        };
        let applied = store.apply(again).await.unwrap();
        assert_eq!((applied.new_calls, applied.repeated), (0, 5));
    }
}

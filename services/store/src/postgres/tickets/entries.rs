//! Entries, and mails about them.
//!
//! Who registers for an offer waits for whoever does so at the same time, so that no place goes twice.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use domain::ids::{OfferId, RegistrationId};
use domain::personal::Personal;
use domain::procedure::ProcedureId;
use domain::registration::{CheckedEntry, Entry, EntryState};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{count, limit, text};
use super::super::{owed, tallies};
use super::retention::TALLIES;
use super::{PostgresTickets, begin, moment};
use crate::StoreError;
use crate::clocks::{BETWEEN_RUNS, ENTRIES, EntryClocks, UNCONFIRMED, of_procedure};
use crate::entries::{
    ENTRY_COLUMNS, EndedBy, EntryColumns, EntryFilter, EntryMailKey, EntryMailSubject, EntryMarks,
    EntryStore, Meets, NewRegistration, NumberedEntry, OfferState, PendingEntryMail, REGISTRATION, REMINDER,
    Registered, UNRESTRICTED, count_items, entry_fields, full_item, told_of,
};
use crate::retention::PastItems;
use crate::scrub::Leftover;
use crate::ticket_columns::{json, time};
use crate::tickets::SetAside;

#[async_trait]
impl EntryStore for PostgresTickets {
    async fn register(&self, new: NewRegistration) -> Result<Registered, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let registered = register(&transaction, &new).await?;
        match registered {
            Registered::Accepted => transaction.commit().await?,
            _ => transaction.rollback().await?,
        }
        Ok(registered)
    }

    async fn confirm(&self, registration: &RegistrationId, at: DateTime<Utc>) -> Result<u32, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let rows = transaction
            .query(
                "UPDATE entries SET state = 'confirmed', confirmed_at_ms = $2, expires_at_ms = NULL, told_at_ms = $2
                 WHERE registration_id = $1 AND state = 'pending' AND expires_at_ms > $2
                 RETURNING procedure, email_key, fields",
                &[&registration.as_str(), &at.timestamp_millis()],
            )
            .await?;
        if let Some(first) = rows.first() {
            let fields = entry_fields(first.get(2))?;
            let subject = Subject {
                kind: REGISTRATION,
                id: registration.as_str(),
                procedure: first.get(0),
                email_key: first.get(1),
            };
            pend(&transaction, &subject, fields.text(domain::registration::EMAIL)).await?;
        }
        transaction.commit().await?;
        Ok(rows.len() as u32)
    }

    async fn entries_by_id(&self, id: &str, at: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        let client = self.database.client().await?;
        let find = format!(
            "SELECT {ENTRY_COLUMNS} FROM entries WHERE (entry_id = $1 OR registration_id = $1)
                 AND (expires_at_ms IS NULL OR expires_at_ms > $2) ORDER BY number"
        );
        let find = client.prepare_cached(&find).await?;
        let found = client.query(&find, &[&text(id), &at.timestamp_millis()]).await?;
        found.iter().map(|row| Ok(entry(row)?.entry)).collect()
    }

    async fn end_entries(&self, id: &str, by: EndedBy, at: DateTime<Utc>) -> Result<u32, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let those = format!("(entry_id = $1 OR registration_id = $1) AND ($2 OR {UNRESTRICTED})");
        let parameters: [&(dyn ToSql + Sync); 2] = [&text(id), &(by == EndedBy::Person)];
        let gone = end(&transaction, ENTRIES, &those, &parameters).await?;
        after_deletion(&transaction, gone, at).await?;
        transaction.commit().await?;
        Ok(gone as u32)
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Vec<NumberedEntry>, StoreError> {
        let client = self.database.client().await?;
        let list = format!(
            "SELECT {ENTRY_COLUMNS} FROM entries WHERE procedure = $1 AND offer = $2 AND number > $3
                 AND ($4::text IS NULL OR state = $4) AND {UNRESTRICTED} ORDER BY number LIMIT $5"
        );
        let list = client.prepare_cached(&list).await?;
        let found = client
            .query(
                &list,
                &[
                    &filter.procedure.as_str(),
                    &filter.offer.as_str(),
                    &filter.after,
                    &filter.state.map(EntryState::name),
                    &limit(filter.most),
                ],
            )
            .await?;
        found.iter().map(entry).collect()
    }

    async fn offer_states(
        &self,
        procedure: &ProcedureId,
    ) -> Result<BTreeMap<OfferId, OfferState>, StoreError> {
        let mut client = self.database.client().await?;
        let moment = moment(&mut client).await?;
        let mut states: BTreeMap<OfferId, OfferState> = BTreeMap::new();
        let known = moment
            .query(
                "SELECT offer, reminded_at_ms, exported_at_ms, erased, erased_at_ms FROM entry_offers
                 WHERE procedure = $1",
                &[&procedure.as_str()],
            )
            .await?;
        for row in &known {
            let at = |column: usize| row.get::<_, Option<i64>>(column).map(time).transpose();
            let state = OfferState {
                reminded_at: at(1)?,
                exported_at: at(2)?,
                erased: count(row.get(3))?,
                erased_at: at(4)?,
                ..OfferState::default()
            };
            states.insert(OfferId::new(row.get::<_, &str>(0)), state);
        }
        let counts = moment
            .query(
                "SELECT offer, state, count(*) FROM entries WHERE procedure = $1 AND restricted_at_ms IS NULL
                 GROUP BY offer, state",
                &[&procedure.as_str()],
            )
            .await?;
        for row in &counts {
            let known = states.entry(OfferId::new(row.get::<_, &str>(0))).or_default();
            let counted = count(row.get(2))?;
            match row.get::<_, &str>(1) == EntryState::Confirmed.name() {
                true => known.confirmed = counted,
                false => known.pending = counted,
            }
        }
        Ok(states)
    }

    async fn items_taken(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
    ) -> Result<BTreeMap<String, u32>, StoreError> {
        let mut client = self.database.client().await?;
        items_taken(
            &moment(&mut client).await?,
            procedure.as_str(),
            offer.as_str(),
            "",
        )
        .await
    }

    async fn mark_exported(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "INSERT INTO entry_offers (procedure, offer, exported_at_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (procedure, offer) DO UPDATE SET exported_at_ms = excluded.exported_at_ms",
                &[&procedure.as_str(), &offer.as_str(), &at.timestamp_millis()],
            )
            .await?;
        Ok(())
    }

    async fn clear_offer(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        confirmed_by: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<u32, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let confirmed_by_ms = confirmed_by.timestamp_millis();
        let parameters: [&(dyn ToSql + Sync); 3] = [&procedure.as_str(), &offer.as_str(), &confirmed_by_ms];
        let those = format!(
            "procedure = $1 AND offer = $2 AND (confirmed_at_ms IS NULL OR confirmed_at_ms <= $3) AND {UNRESTRICTED}"
        );
        let gone = end(&transaction, ENTRIES, &those, &parameters).await?;
        if gone > 0 {
            transaction
                .execute(
                    "INSERT INTO entry_offers (procedure, offer, erased, erased_at_ms) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (procedure, offer) DO UPDATE SET erased = entry_offers.erased + excluded.erased,
                         erased_at_ms = excluded.erased_at_ms",
                    &[
                        &procedure.as_str(),
                        &offer.as_str(),
                        &(gone as i64),
                        &at.timestamp_millis(),
                    ],
                )
                .await?;
        }
        after_deletion(&transaction, gone, at).await?;
        transaction.commit().await?;
        Ok(gone as u32)
    }

    async fn remind(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let is_new = transaction
            .execute(
                "INSERT INTO entry_offers (procedure, offer, reminded_at_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (procedure, offer) DO UPDATE SET reminded_at_ms = excluded.reminded_at_ms
                 WHERE entry_offers.reminded_at_ms IS NULL",
                &[&procedure.as_str(), &offer.as_str(), &at.timestamp_millis()],
            )
            .await?;
        if is_new == 1 {
            let subject = Subject {
                kind: REMINDER,
                id: offer.as_str(),
                procedure: procedure.as_str(),
                email_key: "",
            };
            pend(&transaction, &subject, "").await?;
        }
        transaction.commit().await?;
        Ok(is_new == 1)
    }

    async fn expire_entries(&self, at: DateTime<Utc>) -> Result<u32, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let those = format!("expires_at_ms <= $1 AND {UNRESTRICTED}");
        let gone = end(&transaction, UNCONFIRMED, &those, &[&at.timestamp_millis()]).await?;
        if gone > 0 {
            after_deletion(&transaction, gone, at).await?;
        }
        transaction.commit().await?;
        Ok(gone as u32)
    }

    async fn pending_entry_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingEntryMail>, StoreError> {
        let mut client = self.database.client().await?;
        let moment = moment(&mut client).await?;
        let now_ms = now.timestamp_millis();
        let rows = moment
            .query(
                "SELECT number, edition, procedure, attempts, kind, subject, recipient, email_key FROM entry_mails
                 WHERE not_before_ms <= $1 AND (kind = 'reminder' OR NOT EXISTS (SELECT FROM entries
                         WHERE entries.email_key = entry_mails.email_key AND entries.procedure = entry_mails.procedure
                             AND entries.restricted_at_ms IS NOT NULL)
                     OR EXISTS (SELECT FROM entries
                         WHERE entries.email_key = entry_mails.email_key AND entries.procedure = entry_mails.procedure
                             AND entries.restricted_at_ms IS NULL
                             AND (entries.registration_id = entry_mails.subject OR entries.state = 'confirmed')))
                 ORDER BY number LIMIT $2",
                &[&now_ms, &limit(most)],
            )
            .await?;
        let find = format!(
            "SELECT {ENTRY_COLUMNS} FROM entries WHERE email_key = $1 AND procedure = $2
                 AND (expires_at_ms IS NULL OR expires_at_ms > $3) ORDER BY offer, number"
        );
        let mut mails = Vec::with_capacity(rows.len());
        for row in &rows {
            let procedure = ProcedureId::new(row.get::<_, &str>(2));
            let about = match row.get::<_, &str>(4) == REGISTRATION {
                false => EntryMailSubject::Reminder {
                    offer: OfferId::new(row.get::<_, &str>(5)),
                },
                true => {
                    let id = RegistrationId::new(row.get::<_, &str>(5));
                    let parameters = (row.get::<_, &str>(7), procedure.as_str());
                    let found = moment
                        .query(&find, &[&parameters.0, &parameters.1, &now_ms])
                        .await?;
                    let found = found.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
                    EntryMailSubject::Registration {
                        entries: told_of(found, &id),
                        id,
                        recipient: Personal::new(row.get::<_, &str>(6)),
                    }
                }
            };
            mails.push(PendingEntryMail {
                key: EntryMailKey {
                    number: row.get(0),
                    edition: count(row.get(1))?,
                },
                procedure,
                about,
                attempts: count(row.get(3))?,
            });
        }
        Ok(mails)
    }

    async fn entry_mail_done(&self, key: EntryMailKey) -> Result<(), StoreError> {
        self.mail_done("entry_mails", key).await
    }

    async fn postpone_entry_mail(&self, key: EntryMailKey, aside: SetAside) -> Result<(), StoreError> {
        self.postpone("entry_mails", key, aside).await
    }
}

#[async_trait]
impl EntryClocks for PostgresTickets {
    async fn past_unconfirmed(
        &self,
        procedure: &ProcedureId,
        at: DateTime<Utc>,
    ) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        tallies::past(
            &client,
            "SELECT count(*), min(consented_at_ms) FROM entries WHERE expires_at_ms <= $1 AND procedure = $2 AND restricted_at_ms IS NULL",
            &[&at.timestamp_millis(), &procedure.as_str()],
        )
        .await
    }
}

/// Deletes entries, and counts by their procedure what was ended.
async fn end(
    transaction: &Transaction<'_>,
    what: &str,
    those: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, StoreError> {
    let sql = format!("DELETE FROM entries WHERE {those} RETURNING procedure");
    let mut gone: BTreeMap<String, u64> = BTreeMap::new();
    for row in transaction.query(&sql, parameters).await? {
        *gone.entry(row.get(0)).or_default() += 1;
    }
    for (procedure, items) in &gone {
        let what = of_procedure(what, procedure);
        tallies::add(transaction, TALLIES, BETWEEN_RUNS, &what, *items).await?;
    }
    Ok(gone.values().sum())
}

async fn register(transaction: &Transaction<'_>, new: &NewRegistration) -> Result<Registered, StoreError> {
    let procedure = new.procedure.as_str();
    let mut met = Vec::with_capacity(new.entries.len());
    // In the order of their ids, so that two registrations never wait for each other.
    for (_, entry) in &new.entries {
        let meets = meet(transaction, new, entry).await?;
        if let Some(id) = meets.writes() {
            let offer = entry.offer.as_str();
            if meets.is_new() && entries_of(transaction, procedure, offer).await? >= i64::from(new.most) {
                return Ok(Registered::OfferFull(entry.offer.clone()));
            }
            if !new.capacities.is_empty() {
                let taken = items_taken(transaction, procedure, offer, id).await?;
                if let Some(item) = full_item(entry, &new.capacities, &taken) {
                    return Ok(Registered::ItemFull(item));
                }
            }
        }
        met.push(meets);
    }
    for ((id, entry), meets) in new.entries.iter().zip(&met) {
        let id = match meets {
            Meets::JustTold => continue,
            Meets::Confirmed(id) => {
                transaction
                    .execute(
                        "UPDATE entries SET told_at_ms = $2 WHERE entry_id = $1",
                        &[&id, &new.consented_at.timestamp_millis()],
                    )
                    .await?;
                continue;
            }
            Meets::Pending(id) => id.as_str(),
            Meets::Nobody => id.as_str(),
        };
        write(transaction, new, id, entry).await?;
    }
    if met.iter().any(Meets::is_news) {
        let email_key = text(&new.email_key);
        let subject = Subject {
            kind: REGISTRATION,
            id: new.id.as_str(),
            procedure,
            email_key: &email_key,
        };
        pend(transaction, &subject, new.recipient.reveal()).await?;
        forget_mails(transaction).await?;
    }
    if met.iter().any(Meets::is_other) {
        owed::note(transaction, Leftover::Entries, new.consented_at).await?;
    }
    Ok(Registered::Accepted)
}

async fn meet(
    transaction: &Transaction<'_>,
    new: &NewRegistration,
    entry: &CheckedEntry,
) -> Result<Meets, StoreError> {
    let (procedure, offer) = (new.procedure.as_str(), entry.offer.as_str());
    transaction
        .execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('entries ' || $1 || ' ' || $2, 0))",
            &[&procedure, &offer],
        )
        .await?;
    let stored = transaction
        .query_opt(
            "SELECT entry_id, state,
                 CASE WHEN restricted_at_ms IS NULL THEN told_at_ms ELSE 9223372036854775807 END
             FROM entries
             WHERE procedure = $1 AND offer = $2 AND person_key = $3 FOR UPDATE",
            &[&procedure, &offer, &text(&entry.person_key)],
        )
        .await?;
    let stored = stored.map(|row| (row.get(0), row.get(1), row.get(2)));
    Ok(Meets::of(stored, new.quiet_since))
}

async fn write(
    transaction: &Transaction<'_>,
    new: &NewRegistration,
    id: &str,
    entry: &CheckedEntry,
) -> Result<(), StoreError> {
    let marks = EntryMarks::of(&entry.fields);
    transaction
        .execute(
            "INSERT INTO entries (entry_id, registration_id, procedure, offer, person_key, email_key, state, fields,
                 consented_at_ms, expires_at_ms, told_at_ms, name_key, phone_key)
             VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $8, $10, $11)
             ON CONFLICT (procedure, offer, person_key) DO UPDATE SET registration_id = excluded.registration_id,
                 fields = excluded.fields, consented_at_ms = excluded.consented_at_ms,
                 expires_at_ms = excluded.expires_at_ms, told_at_ms = excluded.told_at_ms,
                 name_key = excluded.name_key, phone_key = excluded.phone_key",
            &[
                &id,
                &new.id.as_str(),
                &new.procedure.as_str(),
                &entry.offer.as_str(),
                &text(&entry.person_key),
                &text(&new.email_key),
                &json(&entry.fields),
                &new.consented_at.timestamp_millis(),
                &new.expires_at.timestamp_millis(),
                &marks.name_key.as_deref().map(text),
                &marks.phone_key.as_deref().map(text),
            ],
        )
        .await?;
    Ok(())
}

async fn entries_of(transaction: &Transaction<'_>, procedure: &str, offer: &str) -> Result<i64, StoreError> {
    let counted = transaction
        .query_one(
            "SELECT count(*) FROM entries WHERE procedure = $1 AND offer = $2",
            &[&procedure, &offer],
        )
        .await?;
    Ok(counted.get(0))
}

/// What all entries but one take.
async fn items_taken(
    transaction: &Transaction<'_>,
    procedure: &str,
    offer: &str,
    but: &str,
) -> Result<BTreeMap<String, u32>, StoreError> {
    let all = transaction
        .query(
            "SELECT fields FROM entries WHERE procedure = $1 AND offer = $2 AND entry_id <> $3",
            &[&procedure, &offer, &but],
        )
        .await?;
    let mut taken = BTreeMap::new();
    for row in &all {
        count_items(&entry_fields(row.get(0))?, &mut taken);
    }
    Ok(taken)
}

/// What a mail is about, as it is stored.
struct Subject<'s> {
    kind: &'static str,
    id: &'s str,
    procedure: &'s str,
    email_key: &'s str,
}

/// The newest news replace those that were not sent yet.
async fn pend(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    recipient: &str,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO entry_mails (kind, subject, edition, procedure, email_key, recipient)
             VALUES ($1, $2, 1, $3, $4, $5)
             ON CONFLICT (kind, procedure, subject) DO UPDATE SET edition = entry_mails.edition + 1, not_before_ms = 0,
                 attempts = 0, error = NULL",
            &[
                &subject.kind,
                &subject.id,
                &subject.procedure,
                &subject.email_key,
                &text(recipient),
            ],
        )
        .await?;
    Ok(())
}

/// What follows from the end of entries.
async fn after_deletion(
    transaction: &Transaction<'_>,
    gone: u64,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    forget_mails(transaction).await?;
    match gone {
        0 => Ok(()),
        _ => owed::note(transaction, Leftover::Entries, at).await,
    }
}

/// Nobody is written to about entries that are not there.
pub(super) async fn forget_mails(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction
        .execute(
            "DELETE FROM entry_mails WHERE kind = 'registration' AND NOT EXISTS (SELECT FROM entries
                 WHERE entries.email_key = entry_mails.email_key AND entries.procedure = entry_mails.procedure
                     AND (entries.registration_id = entry_mails.subject OR entries.state = 'confirmed'))",
            &[],
        )
        .await?;
    Ok(())
}

pub(super) fn entry(row: &Row) -> Result<NumberedEntry, StoreError> {
    EntryColumns {
        id: row.get(0),
        registration: row.get(1),
        procedure: row.get(2),
        offer: row.get(3),
        state: row.get(4),
        fields: row.get(5),
        consented_at_ms: row.get(6),
        confirmed_at_ms: row.get(7),
        number: row.get(8),
        restricted_at_ms: row.get(9),
    }
    .read()
}

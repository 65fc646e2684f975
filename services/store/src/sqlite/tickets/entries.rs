//! Entries, and mails about them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{OfferId, RegistrationId};
use domain::personal::Personal;
use domain::procedure::ProcedureId;
use domain::registration::{Entry, EntryState};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction, params};

use super::super::owed;
use super::SqliteTickets;
use super::rows::collect;
use crate::StoreError;
use crate::clocks::{BETWEEN_RUNS, ENTRIES, EntryClocks, UNCONFIRMED, of_procedure};
use crate::entries::{
    ENTRY_COLUMNS, EndedBy, EntryColumns, EntryFilter, EntryMailKey, EntryMailSubject, EntryMarks,
    EntryStore, Meets, NewRegistration, NumberedEntry, OfferState, PendingEntryMail, REGISTRATION, REMINDER,
    Registered, UNRESTRICTED, count_items, entry_fields, full_item, told_of,
};
use crate::retention::PastItems;
use crate::scrub::Leftover;
use crate::sqlite::tallies;
use crate::ticket_columns::{json, time};
use crate::tickets::SetAside;

#[async_trait]
impl EntryStore for SqliteTickets {
    async fn register(&self, new: NewRegistration) -> Result<Registered, StoreError> {
        self.unit(move |transaction| register(transaction, &new)).await
    }

    async fn confirm(&self, registration: &RegistrationId, at: DateTime<Utc>) -> Result<u32, StoreError> {
        let registration = registration.clone();
        self.unit(move |transaction| confirm(transaction, &registration, at))
            .await
    }

    async fn entries_by_id(&self, id: &str, at: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        let id = id.to_owned();
        self.query(move |connection| {
            let sql = format!(
                "SELECT {ENTRY_COLUMNS} FROM entries WHERE (entry_id = ?1 OR registration_id = ?1)
                     AND (expires_at_ms IS NULL OR expires_at_ms > ?2) ORDER BY number"
            );
            let mut find = connection.prepare_cached(&sql)?;
            let found = collect(&mut find, params![id, at.timestamp_millis()], entry)?;
            Ok(found.into_iter().map(|numbered| numbered.entry).collect())
        })
        .await
    }

    async fn end_entries(&self, id: &str, by: EndedBy, at: DateTime<Utc>) -> Result<u32, StoreError> {
        let id = id.to_owned();
        self.unit(move |transaction| {
            let those = format!("(entry_id = ?1 OR registration_id = ?1) AND (?2 OR {UNRESTRICTED})");
            let gone = end(transaction, ENTRIES, &those, params![id, by == EndedBy::Person])?;
            after_deletion(transaction, gone, at)?;
            Ok(gone as u32)
        })
        .await
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Vec<NumberedEntry>, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT {ENTRY_COLUMNS} FROM entries WHERE procedure = ?1 AND offer = ?2 AND number > ?3
                     AND (?4 IS NULL OR state = ?4) AND {UNRESTRICTED} ORDER BY number LIMIT ?5"
            );
            let mut list = connection.prepare_cached(&sql)?;
            let parameters = params![
                filter.procedure.as_str(),
                filter.offer.as_str(),
                filter.after,
                filter.state.map(EntryState::name),
                filter.most as i64
            ];
            collect(&mut list, parameters, entry)
        })
        .await
    }

    async fn offer_states(
        &self,
        procedure: &ProcedureId,
    ) -> Result<BTreeMap<OfferId, OfferState>, StoreError> {
        let procedure = procedure.clone();
        self.query(move |connection| offer_states(connection, &procedure))
            .await
    }

    async fn items_taken(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
    ) -> Result<BTreeMap<String, u32>, StoreError> {
        let (procedure, offer) = (procedure.clone(), offer.clone());
        self.query(move |connection| items_taken(connection, procedure.as_str(), offer.as_str(), ""))
            .await
    }

    async fn mark_exported(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (procedure, offer) = (procedure.clone(), offer.clone());
        self.unit(move |transaction| {
            transaction.execute(
                "INSERT INTO entry_offers (procedure, offer, exported_at_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (procedure, offer) DO UPDATE SET exported_at_ms = excluded.exported_at_ms",
                params![procedure.as_str(), offer.as_str(), at.timestamp_millis()],
            )?;
            Ok(())
        })
        .await
    }

    async fn clear_offer(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        confirmed_by: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<u32, StoreError> {
        let (procedure, offer) = (procedure.clone(), offer.clone());
        self.unit(move |transaction| {
            let parameters = params![
                procedure.as_str(),
                offer.as_str(),
                confirmed_by.timestamp_millis()
            ];
            let those = format!(
                "procedure = ?1 AND offer = ?2 AND (confirmed_at_ms IS NULL OR confirmed_at_ms <= ?3) AND {UNRESTRICTED}"
            );
            let gone = end(transaction, ENTRIES, &those, parameters)?;
            if gone > 0 {
                transaction.execute(
                    "INSERT INTO entry_offers (procedure, offer, erased, erased_at_ms) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (procedure, offer) DO UPDATE SET erased = erased + excluded.erased,
                         erased_at_ms = excluded.erased_at_ms",
                    params![procedure.as_str(), offer.as_str(), gone as i64, at.timestamp_millis()],
                )?;
            }
            after_deletion(transaction, gone, at)?;
            Ok(gone as u32)
        })
        .await
    }

    async fn remind(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (procedure, offer) = (procedure.clone(), offer.clone());
        self.unit(move |transaction| {
            let is_new = transaction.execute(
                "INSERT INTO entry_offers (procedure, offer, reminded_at_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (procedure, offer) DO UPDATE SET reminded_at_ms = excluded.reminded_at_ms
                 WHERE entry_offers.reminded_at_ms IS NULL",
                params![procedure.as_str(), offer.as_str(), at.timestamp_millis()],
            )?;
            if is_new == 1 {
                pend(transaction, REMINDER, offer.as_str(), procedure.as_str(), "", "")?;
            }
            Ok(is_new == 1)
        })
        .await
    }

    async fn expire_entries(&self, at: DateTime<Utc>) -> Result<u32, StoreError> {
        self.unit(move |transaction| {
            let those = format!("expires_at_ms <= ?1 AND {UNRESTRICTED}");
            let gone = end(transaction, UNCONFIRMED, &those, [at.timestamp_millis()])?;
            if gone > 0 {
                after_deletion(transaction, gone, at)?;
            }
            Ok(gone as u32)
        })
        .await
    }

    async fn pending_entry_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingEntryMail>, StoreError> {
        self.query(move |connection| pending(connection, now, most)).await
    }

    async fn entry_mail_done(&self, key: EntryMailKey) -> Result<(), StoreError> {
        self.mail_done("entry_mails", key).await
    }

    async fn postpone_entry_mail(&self, key: EntryMailKey, aside: SetAside) -> Result<(), StoreError> {
        self.postpone("entry_mails", key, aside).await
    }
}

#[async_trait]
impl EntryClocks for SqliteTickets {
    async fn past_unconfirmed(
        &self,
        procedure: &ProcedureId,
        at: DateTime<Utc>,
    ) -> Result<PastItems, StoreError> {
        let procedure = procedure.clone();
        self.query(move |connection| {
            tallies::past(
                connection,
                "SELECT count(*), min(consented_at_ms) FROM entries WHERE expires_at_ms <= ?1 AND procedure = ?2
                     AND restricted_at_ms IS NULL",
                params![at.timestamp_millis(), procedure.as_str()],
            )
        })
        .await
    }
}

/// Deletes entries, and counts by their procedure what was ended.
fn end(
    transaction: &Transaction<'_>,
    what: &str,
    those: &str,
    parameters: impl Params,
) -> Result<usize, StoreError> {
    let sql = format!("DELETE FROM entries WHERE {those} RETURNING procedure");
    let mut gone: BTreeMap<String, usize> = BTreeMap::new();
    let mut delete = transaction.prepare_cached(&sql)?;
    for procedure in delete.query_map(parameters, |row| row.get(0))? {
        *gone.entry(procedure?).or_default() += 1;
    }
    for (procedure, items) in &gone {
        tallies::add(transaction, BETWEEN_RUNS, &of_procedure(what, procedure), *items)?;
    }
    Ok(gone.values().sum())
}

fn register(transaction: &Transaction<'_>, new: &NewRegistration) -> Result<Registered, StoreError> {
    let procedure = new.procedure.as_str();
    let mut met = Vec::with_capacity(new.entries.len());
    for (_, entry) in &new.entries {
        let stored = transaction
            .prepare_cached(
                "SELECT entry_id, state,
                     CASE WHEN restricted_at_ms IS NULL THEN told_at_ms ELSE 9223372036854775807 END
                 FROM entries
                 WHERE procedure = ?1 AND offer = ?2 AND person_key = ?3",
            )?
            .query_row(
                params![procedure, entry.offer.as_str(), entry.person_key],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let meets = Meets::of(stored, new.quiet_since);
        if let Some(id) = meets.writes() {
            let offer = entry.offer.as_str();
            if meets.is_new() && entries_of(transaction, procedure, offer)? >= i64::from(new.most) {
                return Ok(Registered::OfferFull(entry.offer.clone()));
            }
            if !new.capacities.is_empty() {
                let taken = items_taken(transaction, procedure, offer, id)?;
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
                let told_at_ms = new.consented_at.timestamp_millis();
                transaction.execute(
                    "UPDATE entries SET told_at_ms = ?2 WHERE entry_id = ?1",
                    params![id, told_at_ms],
                )?;
                continue;
            }
            Meets::Pending(id) => id.as_str(),
            Meets::Nobody => id.as_str(),
        };
        let marks = EntryMarks::of(&entry.fields);
        transaction
            .prepare_cached(
                "INSERT INTO entries (entry_id, registration_id, procedure, offer, person_key, email_key, state, fields,
                     consented_at_ms, expires_at_ms, told_at_ms, name_key, phone_key)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8, ?9, ?8, ?10, ?11)
                 ON CONFLICT (procedure, offer, person_key) DO UPDATE SET registration_id = excluded.registration_id,
                     fields = excluded.fields, consented_at_ms = excluded.consented_at_ms,
                     expires_at_ms = excluded.expires_at_ms, told_at_ms = excluded.told_at_ms,
                     name_key = excluded.name_key, phone_key = excluded.phone_key",
            )?
            .execute(params![
                id,
                new.id.as_str(),
                procedure,
                entry.offer.as_str(),
                entry.person_key,
                new.email_key,
                json(&entry.fields),
                new.consented_at.timestamp_millis(),
                new.expires_at.timestamp_millis(),
                marks.name_key,
                marks.phone_key
            ])?;
    }
    if met.iter().any(Meets::is_news) {
        let recipient = new.recipient.reveal();
        pend(
            transaction,
            REGISTRATION,
            new.id.as_str(),
            procedure,
            &new.email_key,
            recipient,
        )?;
        forget_mails(transaction)?;
    }
    if met.iter().any(Meets::is_other) {
        owed::note(transaction, Leftover::Entries, new.consented_at)?;
    }
    Ok(Registered::Accepted)
}

fn entries_of(transaction: &Transaction<'_>, procedure: &str, offer: &str) -> Result<i64, StoreError> {
    let mut count =
        transaction.prepare_cached("SELECT count(*) FROM entries WHERE procedure = ?1 AND offer = ?2")?;
    Ok(count.query_row([procedure, offer], |row| row.get(0))?)
}

/// What all entries but one take.
fn items_taken(
    connection: &Connection,
    procedure: &str,
    offer: &str,
    but: &str,
) -> Result<BTreeMap<String, u32>, StoreError> {
    let mut taken = BTreeMap::new();
    let mut find = connection.prepare_cached(
        "SELECT fields FROM entries WHERE procedure = ?1 AND offer = ?2 AND entry_id <> ?3",
    )?;
    let all = collect(&mut find, [procedure, offer, but], |row| {
        entry_fields(&row.get::<_, String>(0)?)
    })?;
    for fields in all {
        count_items(&fields, &mut taken);
    }
    Ok(taken)
}

fn confirm(
    transaction: &Transaction<'_>,
    registration: &RegistrationId,
    at: DateTime<Utc>,
) -> Result<u32, StoreError> {
    let at_ms = at.timestamp_millis();
    let confirmed = transaction
        .prepare_cached(
            "UPDATE entries SET state = 'confirmed', confirmed_at_ms = ?2, expires_at_ms = NULL, told_at_ms = ?2
             WHERE registration_id = ?1 AND state = 'pending' AND expires_at_ms > ?2",
        )?
        .execute(params![registration.as_str(), at_ms])?;
    if confirmed > 0 {
        let (procedure, email_key, fields): (String, String, String) = transaction.query_row(
            "SELECT procedure, email_key, fields FROM entries WHERE registration_id = ?1 LIMIT 1",
            [registration.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let fields = entry_fields(&fields)?;
        let recipient = fields.text(domain::registration::EMAIL);
        pend(
            transaction,
            REGISTRATION,
            registration.as_str(),
            &procedure,
            &email_key,
            recipient,
        )?;
    }
    Ok(confirmed as u32)
}

/// The newest news replace those that were not sent yet. A row that was sent before is there no longer, so its number
/// tells the news apart.
fn pend(
    transaction: &Transaction<'_>,
    kind: &str,
    subject: &str,
    procedure: &str,
    email_key: &str,
    recipient: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO entry_mails (kind, subject, edition, procedure, email_key, recipient)
             VALUES (?1, ?2, 1, ?3, ?4, ?5)
             ON CONFLICT (kind, procedure, subject) DO UPDATE SET edition = edition + 1, not_before_ms = 0,
                 attempts = 0, error = NULL",
        )?
        .execute(params![kind, subject, procedure, email_key, recipient])?;
    Ok(())
}

/// What follows from the end of entries.
fn after_deletion(transaction: &Transaction<'_>, gone: usize, at: DateTime<Utc>) -> Result<(), StoreError> {
    forget_mails(transaction)?;
    match gone {
        0 => Ok(()),
        _ => owed::note(transaction, Leftover::Entries, at),
    }
}

/// Nobody is written to about entries that are not there.
pub(super) fn forget_mails(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM entry_mails WHERE kind = 'registration' AND NOT EXISTS (SELECT 1 FROM entries
             WHERE entries.email_key = entry_mails.email_key AND entries.procedure = entry_mails.procedure
                 AND (entries.registration_id = entry_mails.subject OR entries.state = 'confirmed'))",
        [],
    )?;
    Ok(())
}

fn pending(
    connection: &Connection,
    now: DateTime<Utc>,
    most: usize,
) -> Result<Vec<PendingEntryMail>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let now_ms = now.timestamp_millis();
    let rows = collect(
        &mut *moment.prepare_cached(
            "SELECT number, edition, procedure, attempts, kind, subject, recipient, email_key FROM entry_mails
             WHERE not_before_ms <= ?1 AND (kind = 'reminder' OR NOT EXISTS (SELECT 1 FROM entries
                     WHERE entries.email_key = entry_mails.email_key AND entries.procedure = entry_mails.procedure
                         AND entries.restricted_at_ms IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM entries
                     WHERE entries.email_key = entry_mails.email_key AND entries.procedure = entry_mails.procedure
                         AND entries.restricted_at_ms IS NULL
                         AND (entries.registration_id = entry_mails.subject OR entries.state = 'confirmed')))
             ORDER BY number LIMIT ?2",
        )?,
        params![now_ms, most as i64],
        |row| {
            let mail = PendingEntryMail {
                key: EntryMailKey {
                    number: row.get(0)?,
                    edition: row.get(1)?,
                },
                procedure: ProcedureId::new(row.get::<_, String>(2)?),
                attempts: row.get(3)?,
                about: EntryMailSubject::Reminder {
                    offer: OfferId::new(row.get::<_, String>(5)?),
                },
            };
            let kind: String = row.get(4)?;
            let id = RegistrationId::new(row.get::<_, String>(5)?);
            let recipient = Personal::new(row.get::<_, String>(6)?);
            let email_key: String = row.get(7)?;
            Ok((mail, kind, id, recipient, email_key))
        },
    )?;
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM entries WHERE email_key = ?1 AND procedure = ?2
             AND (expires_at_ms IS NULL OR expires_at_ms > ?3) ORDER BY offer, number"
    );
    let mut find = moment.prepare_cached(&sql)?;
    let mut mails = Vec::with_capacity(rows.len());
    for (mut mail, kind, id, recipient, email_key) in rows {
        if kind == REGISTRATION {
            let parameters = params![email_key, mail.procedure.as_str(), now_ms];
            let entries = told_of(collect(&mut find, parameters, entry)?, &id);
            mail.about = EntryMailSubject::Registration {
                id,
                recipient,
                entries,
            };
        }
        mails.push(mail);
    }
    Ok(mails)
}

fn offer_states(
    connection: &Connection,
    procedure: &ProcedureId,
) -> Result<BTreeMap<OfferId, OfferState>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut states: BTreeMap<OfferId, OfferState> = BTreeMap::new();
    let known = collect(
        &mut *moment.prepare_cached(
            "SELECT offer, reminded_at_ms, exported_at_ms, erased, erased_at_ms FROM entry_offers WHERE procedure = ?1",
        )?,
        [procedure.as_str()],
        |row| {
            let at = |column| -> Result<Option<DateTime<Utc>>, StoreError> {
                row.get::<_, Option<i64>>(column)?.map(time).transpose()
            };
            let state = OfferState {
                reminded_at: at(1)?,
                exported_at: at(2)?,
                erased: row.get(3)?,
                erased_at: at(4)?,
                ..OfferState::default()
            };
            Ok((OfferId::new(row.get::<_, String>(0)?), state))
        },
    )?;
    states.extend(known);
    let counts = collect(
        &mut *moment.prepare_cached(
            "SELECT offer, state, count(*) FROM entries WHERE procedure = ?1 AND restricted_at_ms IS NULL
             GROUP BY offer, state",
        )?,
        [procedure.as_str()],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, u32>(2)?,
            ))
        },
    )?;
    for (offer, state, count) in counts {
        let known = states.entry(OfferId::new(offer)).or_default();
        match state == EntryState::Confirmed.name() {
            true => known.confirmed = count,
            false => known.pending = count,
        }
    }
    Ok(states)
}

pub(super) fn entry(row: &Row<'_>) -> Result<NumberedEntry, StoreError> {
    EntryColumns {
        id: row.get(0)?,
        registration: row.get(1)?,
        procedure: row.get(2)?,
        offer: row.get(3)?,
        state: row.get(4)?,
        fields: row.get(5)?,
        consented_at_ms: row.get(6)?,
        confirmed_at_ms: row.get(7)?,
        number: row.get(8)?,
        restricted_at_ms: row.get(9)?,
    }
    .read()
}

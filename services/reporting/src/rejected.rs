use std::sync::Arc;

use access::AuditTrail;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{Identity, SourceName};
use store::calls::CallStore;
use store::persons::PersonCalls;
use store::rejected::{Discard, RejectedItem, RejectedQuery};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::reporting as proto;

use crate::Clock;
use crate::records::{instant, page_token, place};
use crate::service::{page_size, status};

/// Items that are discarded at once, at most.
const ITEMS_AT_ONCE: usize = 500;
/// Characters of a name or reason, at most.
const LONGEST_TEXT: usize = 200;

/// The gRPC service `nrwdirekt.reporting.v1.RejectedItems`.
#[derive(Clone)]
pub struct RejectedItemsService {
    store: Arc<dyn CallStore>,
    persons: Arc<dyn PersonCalls>,
    clock: Clock,
    audit: AuditTrail,
}

impl RejectedItemsService {
    /// Shows and discards the rejected items of a store.
    pub fn new(
        store: Arc<dyn CallStore>,
        persons: Arc<dyn PersonCalls>,
        clock: Clock,
        audit: AuditTrail,
    ) -> Self {
        Self {
            store,
            persons,
            clock,
            audit,
        }
    }

    /// Refuses what is about items of somebody whose data is restricted.
    async fn refuse_restricted(&self, ids: &[Identity]) -> Result<(), Status> {
        let restricted = self.persons.restricted_among(ids.to_vec()).await;
        match restricted.map_err(|error| status(&error))?.len() {
            0 => Ok(()),
            _ => Err(Status::failed_precondition(
                "id: the data of this person is restricted (Art. 18 GDPR); ask the data protection officer to lift that",
            )),
        }
    }
}

#[tonic::async_trait]
impl proto::rejected_items_server::RejectedItems for RejectedItemsService {
    async fn list_items(
        &self,
        request: Request<proto::ListRejectedRequest>,
    ) -> Result<Response<proto::ListRejectedResponse>, Status> {
        list(&*self.store, &*self.persons, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn count_items(
        &self,
        _request: Request<proto::CountRejectedRequest>,
    ) -> Result<Response<proto::CountRejectedResponse>, Status> {
        let counts = self.store.rejected_counts().await;
        let counts = counts.map_err(|error| status(&error))?;
        let counts = counts.into_iter().map(|count| proto::RejectedCount {
            source: count.source.to_string(),
            field: count.field,
            items: count.items,
        });
        Ok(Response::new(proto::CountRejectedResponse {
            counts: counts.collect(),
        }))
    }

    async fn get_item(
        &self,
        request: Request<proto::GetRejectedRequest>,
    ) -> Result<Response<proto::RejectedPayload>, Status> {
        let principal = principal(&request)?;
        let request = request.into_inner();
        if request.reveal && !principal.may_reveal_rejected() {
            return Err(Status::permission_denied(
                "reveal: items as they were delivered are not for this role",
            ));
        }
        let id = id(&request.id)?;
        self.refuse_restricted(&[id]).await?;
        let item = self.store.rejected_item(id).await;
        let item = item
            .map_err(|error| status(&error))?
            .ok_or_else(|| Status::not_found("no such item: it may have been repaired"))?;
        if request.reveal {
            let subject = AuditSubject::new("rejected_item", item.id.to_hex());
            let note = self
                .audit
                .note(&principal, AuditAction::RejectedRevealed, subject);
            note.await?;
        }
        let payload = match request.reveal {
            true => item.payload.clone(),
            false => masked(&item.payload),
        };
        let (row_digest, row_occurrence) = item
            .again
            .row
            .map_or_else(Default::default, |(digest, occurrence)| {
                (digest.0.to_vec(), occurrence)
            });
        Ok(Response::new(proto::RejectedPayload {
            payload,
            context: item.again.context.clone(),
            row_digest,
            row_occurrence,
            item: Some(shown(item)),
        }))
    }

    async fn discard_items(
        &self,
        request: Request<proto::DiscardItemsRequest>,
    ) -> Result<Response<proto::DiscardItemsResponse>, Status> {
        let principal = principal(&request)?;
        let request = request.into_inner();
        if !(1..=ITEMS_AT_ONCE).contains(&request.ids.len()) {
            return Err(Status::invalid_argument(format!(
                "ids: give 1 to {ITEMS_AT_ONCE}"
            )));
        }
        let ids = request
            .ids
            .iter()
            .map(|text| id(text))
            .collect::<Result<Vec<Identity>, _>>()?;
        self.refuse_restricted(&ids).await?;
        let subject = match ids.as_slice() {
            [only] => AuditSubject::new("rejected_item", only.to_hex()),
            _ => AuditSubject::none(),
        };
        let done = self
            .audit
            .entry(&principal, AuditAction::RejectedDiscarded, subject);
        let done = done.of_items(ids.len());
        let discard = Discard {
            at: (self.clock)(),
            by: text("by", &principal.acting_name(&request.by))?,
            reason: wire::calls::without_personal_data(&text("reason", &request.reason)?),
        };
        let discarded = self.store.discard_rejected(ids, discard).await;
        let discarded = discarded.map_err(|error| status(&error))? as u32;
        self.audit.append_done(vec![done]).await?;
        Ok(Response::new(proto::DiscardItemsResponse { discarded }))
    }
}

/// A page of rejected items; without those of whoever's data is restricted.
pub(crate) async fn list(
    store: &dyn CallStore,
    persons: &dyn PersonCalls,
    request: proto::ListRejectedRequest,
) -> Result<proto::ListRejectedResponse, Status> {
    let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    let time = |field, text: &str| match text.trim() {
        "" => Ok(None),
        text => instant(field, text).map(Some),
    };
    let after = place(&request.page_token)?;
    let most = page_size(request.page_size);
    let query = RejectedQuery {
        source: given(request.source).map(SourceName::new),
        reason: given(request.reason),
        from: time("from", &request.from)?,
        to: time("to", &request.to)?,
        discarded: request.discarded,
        after,
        most,
    };
    let items = store.rejected(query).await.map_err(|error| status(&error))?;
    let next_page_token = match items.last() {
        Some(last) if items.len() == most => page_token(last.received_at, last.id),
        _ => String::new(),
    };
    let ids = items.iter().map(|item| item.id).collect();
    let restricted = persons.restricted_among(ids).await;
    let restricted = restricted.map_err(|error| status(&error))?;
    let listed = items.into_iter().filter(|item| !restricted.contains(&item.id));
    Ok(proto::ListRejectedResponse {
        items: listed.map(shown).collect(),
        next_page_token,
    })
}

fn shown(item: RejectedItem) -> proto::RejectedItem {
    proto::RejectedItem {
        id: item.id.to_hex(),
        source: item.source.to_string(),
        import_run: item.run.to_string(),
        received_at_unix_ms: item.received_at.timestamp_millis(),
        position: item.position,
        field: item.field,
        reason: item.reason,
        payload_bytes: item.payload.len() as u32,
        format: item.again.format,
        discard: item.discard.map(|discard| proto::Discard {
            at_unix_ms: discard.at.timestamp_millis(),
            by: discard.by,
            reason: discard.reason,
        }),
    }
}

fn id(text: &str) -> Result<Identity, Status> {
    Identity::from_hex(text.trim())
        .ok_or_else(|| Status::invalid_argument("id: give the 32 hexadecimal digits that lists show"))
}

fn text(field: &str, text: &str) -> Result<String, Status> {
    let text = text.trim();
    match text.chars().count() {
        1..=LONGEST_TEXT => Ok(text.to_owned()),
        _ => Err(Status::invalid_argument(format!(
            "{field}: give 1 to {LONGEST_TEXT} characters"
        ))),
    }
}

/// A text with its digits and addresses hidden; nothing of what is no text.
fn masked(payload: &[u8]) -> Vec<u8> {
    let is_text = |text: &&str| {
        !text
            .chars()
            .any(|letter| letter.is_control() && !letter.is_whitespace())
    };
    let Some(text) = std::str::from_utf8(payload).ok().filter(is_text) else {
        return Vec::new();
    };
    let separates = |letter: char| letter.is_whitespace() || ";,\"<>".contains(letter);
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(separates) {
        let address = part.contains('@');
        shown.extend(part.chars().map(|letter| match letter {
            letter if separates(letter) => letter,
            letter if address || letter.is_numeric() => '•',
            letter => letter,
        }));
    }
    shown.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn numbers_and_addresses_are_hidden_and_words_are_not() {
        let row = "31.02.2024 09:00:00;Verbunden;\"0221 4710\";erika@example.org;Bürgertelefon";
        let shown = String::from_utf8(masked(row.as_bytes())).expect("text");
        assert_eq!(
            shown,
            "••.••.•••• ••:••:••;Verbunden;\"•••• ••••\";•••••••••••••••••;Bürgertelefon"
        );
    }

    #[test]
    fn of_what_is_no_text_nothing_is_shown() {
        assert!(masked(&[0, 159, 146]).is_empty());
        assert!(masked(b"\x08\x01\x12").is_empty());
    }
}

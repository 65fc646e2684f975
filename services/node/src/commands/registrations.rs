//! `nrwdirekt newsletter` and `nrwdirekt accreditation`: who has registered for an offer.

use domain::procedure::OfferKind;
use serde_json::json;
use wire::v1::tickets as proto;
use wire::v1::tickets::registrations_client::RegistrationsClient;

use super::report::form::deliver;
use crate::cli::{AccreditationAction, FormArguments, NewsletterAction, OfferListArguments, ServerArguments};
use crate::client;
use crate::exit::Failure;
use crate::output::{note, say};

/// `nrwdirekt newsletter`.
pub(crate) async fn newsletter(action: NewsletterAction) -> anyhow::Result<()> {
    match action {
        NewsletterAction::List(arguments) => list(OfferKind::Newsletters, arguments).await,
        NewsletterAction::Export { list, form, server } => {
            export(OfferKind::Newsletters, &list, &form, &server).await
        }
    }
}

/// `nrwdirekt accreditation`.
pub(crate) async fn accreditation(action: AccreditationAction) -> anyhow::Result<()> {
    match action {
        AccreditationAction::List(arguments) => list(OfferKind::Events, arguments).await,
        AccreditationAction::Export {
            event,
            clear: then_clear,
            form,
            server,
        } => {
            export(OfferKind::Events, &event, &form, &server).await?;
            if then_clear {
                let erased = clear(event, &server).await?;
                note!("{erased} entries erased");
            }
            Ok(())
        }
        AccreditationAction::Clear { event, json, server } => {
            let erased = clear(event.clone(), &server).await?;
            if json {
                say!("{}", json!({ "event": event, "erased": erased }));
            } else {
                say!("{event}: {erased} entries erased");
            }
            Ok(())
        }
    }
}

async fn list(kind: OfferKind, arguments: OfferListArguments) -> anyhow::Result<()> {
    let mut client = RegistrationsClient::new(client::connect(&arguments.server.server).await?);
    let request = proto::ListOfferStatesRequest {
        kind: kind.name().to_owned(),
    };
    let told = client.list_offer_states(request).await;
    let told = told.map_err(|status| Failure::of_status(&status))?.into_inner();
    deliver(&reports::entries::offers(&told.states), &arguments.form)
}

async fn export(
    kind: OfferKind,
    offer: &str,
    form: &FormArguments,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let mut client = RegistrationsClient::new(client::connect(&server.server).await?);
    let (mut columns, mut entries, mut page_token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let request = proto::ExportEntriesRequest {
            kind: kind.name().to_owned(),
            offer: offer.to_owned(),
            page_size: 1000,
            page_token,
        };
        let page = client.export_entries(request).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        columns = if columns.is_empty() { page.columns } else { columns };
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    deliver(&reports::entries::export(offer, &columns, &entries), form)
}

async fn clear(event: String, server: &ServerArguments) -> anyhow::Result<u32> {
    let mut client = RegistrationsClient::new(client::connect(&server.server).await?);
    let cleared = client
        .clear_offer(proto::ClearOfferRequest { offer: event })
        .await;
    let cleared = cleared.map_err(|status| Failure::of_status(&status))?;
    Ok(cleared.into_inner().erased)
}

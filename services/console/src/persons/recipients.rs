//! Who was told of a rectification, a restriction or an erasure, and has confirmed it or not.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use wire::v1::privacy as proto;

use super::search::fault;
use crate::layout::Layout;
use crate::shown_ticket::{Departments, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Recipients on a page.
const PAGE: u32 = 100;

#[derive(Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// `offen`, `ueberfaellig` or `alle`.
    #[serde(default)]
    zeigen: String,
    #[serde(default)]
    weiter: String,
    #[serde(default)]
    getan: String,
}

struct Recipient {
    ticket: String,
    department_id: String,
    department: String,
    told_of: &'static str,
    told_of_id: String,
    told_at: Time,
    confirmed: Option<Time>,
    by_hand: bool,
    overdue: bool,
    key: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "persons/recipients.html")]
pub(super) struct RecipientsPage {
    layout: Layout,
    asked: Asked,
    fault: Option<String>,
    recipients: Vec<Recipient>,
    next: String,
}

async fn page(visitor: &Visitor, asked: Asked) -> Result<RecipientsPage, Trouble> {
    let request = proto::ListRecipientsRequest {
        ticket_id: String::new(),
        waiting: asked.zeigen != "alle",
        overdue: asked.zeigen == "ueberfaellig",
        page_size: PAGE,
        page_token: asked.weiter.clone(),
    };
    let listed = visitor
        .services
        .rights()
        .list_recipients(request)
        .await?
        .into_inner();
    let departments = Departments::of(visitor).await?;
    Ok(RecipientsPage {
        layout: Layout::of(visitor, "Empfänger", "/empfaenger").with_style("work.css"),
        fault: None,
        recipients: listed
            .recipients
            .into_iter()
            .map(|it| Recipient {
                department: departments.name(&it.department).to_owned(),
                told_of: match it.told_of.as_str() {
                    "rectified" => "Berichtigung",
                    "restricted" => "Einschränkung",
                    _ => "Löschung",
                },
                told_at: Time::at(it.told_at_unix_ms),
                confirmed: it.confirmed_at_unix_ms.map(Time::at),
                by_hand: it.by_hand,
                overdue: it.overdue,
                key: uuid::Uuid::new_v4().to_string(),
                ticket: it.ticket_id,
                department_id: it.department,
                told_of_id: it.told_of,
            })
            .collect(),
        next: listed.next_page_token,
        asked,
    })
}

pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<RecipientsPage, Trouble> {
    page(&visitor, asked).await
}

#[derive(Deserialize)]
pub(super) struct Confirmed {
    #[serde(default)]
    vorgang: String,
    #[serde(default)]
    stelle: String,
    #[serde(default)]
    wovon: String,
    #[serde(default)]
    grund: String,
    #[serde(default)]
    kennung: String,
}

pub(super) async fn confirm(visitor: Visitor, Form(confirmed): Form<Confirmed>) -> Result<Response, Trouble> {
    let request = proto::ConfirmRecipientRequest {
        idempotency_key: confirmed.kennung,
        ticket_id: confirmed.vorgang,
        department: confirmed.stelle,
        told_of: confirmed.wovon,
        reason: confirmed.grund,
    };
    match visitor.services.rights().confirm_recipient(request).await {
        Ok(_) => Ok(Redirect::to("/empfaenger?getan=bestaetigt").into_response()),
        Err(status) => match fault(&status) {
            Some(fault) => {
                let mut page = page(&visitor, Asked::default()).await?;
                page.fault = Some(fault);
                Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
            }
            None => Err(status.into()),
        },
    }
}

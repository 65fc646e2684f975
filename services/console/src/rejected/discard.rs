//! Discarding items: asked once more, with a reason.

use askama::Template;
use askama_web::WebTemplate;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;
use wire::v1::reporting as proto;

use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Characters of a reason at most.
const LONGEST_REASON: usize = 200;

#[derive(Deserialize)]
pub(super) struct Entered {
    #[serde(default)]
    id: Vec<String>,
    #[serde(default)]
    grund: String,
    #[serde(default)]
    bestaetigt: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "rejected/discard.html")]
struct DiscardPage {
    layout: Layout,
    ids: Vec<String>,
    reason: String,
    fault: Option<&'static str>,
}

/// Asks for the reason, then discards.
pub(super) async fn discard(visitor: Visitor, Form(entered): Form<Entered>) -> Result<Response, Trouble> {
    if entered.id.is_empty() {
        return Err(Trouble::Unusable(
            "Wählen Sie aus, was verworfen werden soll.".to_owned(),
        ));
    }
    let reason = entered.grund.trim();
    let fault = match reason.chars().count() {
        _ if entered.bestaetigt.is_empty() => None,
        0 => Some("Geben Sie einen Grund an."),
        1..=LONGEST_REASON => {
            let request = proto::DiscardItemsRequest {
                ids: entered.id,
                by: visitor.principal.name.clone(),
                reason: reason.to_owned(),
            };
            let discarded = visitor.services.rejected().discard_items(request).await?;
            let path = format!(
                "/abgewiesen?getan=verworfen&anzahl={}",
                discarded.get_ref().discarded
            );
            return Ok(Redirect::to(&path).into_response());
        }
        _ => Some("Kürzen Sie den Grund auf 200 Zeichen."),
    };
    let page = DiscardPage {
        layout: Layout::of(&visitor, "Verwerfen", "/abgewiesen").with_style("work.css"),
        ids: entered.id,
        reason: entered.grund,
        fault,
    };
    let status = match fault {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok((status, page).into_response())
}

//! The access log: who asked for which page or method, from where, in the last 48 hours.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::Query;
use serde::Deserialize;
use wire::v1::privacy as proto;

use crate::format;
use crate::layout::Layout;
use crate::shown_ticket::Time;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Accesses on a page.
const PAGE: u32 = 100;

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    seite: String,
    #[serde(default)]
    ergebnis: String,
    #[serde(default)]
    weiter: String,
}

struct Access {
    at: Time,
    resource: String,
    action: String,
    outcome: String,
    bytes: String,
    ip_address: String,
    client: String,
}

impl Access {
    fn of(access: proto::Access) -> Self {
        Self {
            at: Time::at(access.at_unix_ms),
            resource: access.resource,
            action: access.action,
            outcome: access.outcome,
            bytes: format::count(access.bytes),
            ip_address: access.ip_address,
            client: access.client,
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/access_log.html")]
pub(super) struct AccessLogPage {
    layout: Layout,
    asked: Asked,
    hours: i64,
    accesses: Vec<Access>,
    next: String,
    networks: Vec<proto::AccessNetwork>,
}

pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<AccessLogPage, Trouble> {
    let request = proto::ListAccessesRequest {
        page_size: PAGE,
        page_token: asked.weiter.clone(),
        resource: asked.seite.trim().to_owned(),
        outcome: asked.ergebnis.trim().to_owned(),
        ..proto::ListAccessesRequest::default()
    };
    let mut services = visitor.services.access_log();
    let listed = services.list(request).await?.into_inner();
    let counted = services.statistics(proto::AccessStatisticsRequest::default());
    let networks = counted.await?.into_inner().networks;
    Ok(AccessLogPage {
        layout: Layout::of(&visitor, "Zugriffe", "/zugriffe").with_style("work.css"),
        asked,
        hours: listed.kept_s / 3600,
        accesses: listed.accesses.into_iter().map(Access::of).collect(),
        next: listed.next_page_token,
        networks: networks.into_iter().take(20).collect(),
    })
}

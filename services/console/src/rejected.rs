//! Items that could not be counted: to be repaired, or discarded.

mod discard;
mod reasons;
mod repair;

use askama::Template;
use askama_web::WebTemplate;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use domain::access::{Admission, Role};
use serde::Deserialize;
use tonic::Code;
use wire::v1::reporting as proto;

use crate::Console;
use crate::format;
use crate::layout::Layout;
use crate::pages::{self, Page};
use crate::shown_ticket::{Choice, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

const REPAIR: Admission = Admission::Roles(&[Role::Supervisor, Role::Administrator, Role::DataProtection]);
const WHOLE: Admission = Admission::Roles(&[Role::Administrator, Role::DataProtection]);
const ADMINISTRATION: Admission = Admission::Roles(&[Role::Administrator]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/abgewiesen", REPAIR),
    pages::post("/abgewiesen/verwerfen", REPAIR),
    pages::post("/abgewiesen/wort", ADMINISTRATION),
    pages::get("/abgewiesen/{id}", REPAIR),
    pages::post("/abgewiesen/{id}/anzeigen", WHOLE),
    pages::post("/abgewiesen/{id}/berichtigen", ADMINISTRATION),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/abgewiesen", get(list))
        .route("/abgewiesen/verwerfen", post(discard::discard))
        .route("/abgewiesen/wort", post(repair::learn_word))
        .route("/abgewiesen/{id}", get(item))
        .route("/abgewiesen/{id}/anzeigen", post(reveal))
        .route("/abgewiesen/{id}/berichtigen", post(repair::correct))
}

/// Items on a page.
const PAGE: u32 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    quelle: String,
    #[serde(default)]
    grund: String,
    #[serde(default)]
    von: String,
    #[serde(default)]
    bis: String,
    /// Those that were discarded, instead of the open ones.
    #[serde(default)]
    verworfen: String,
    #[serde(default)]
    weiter: String,
    #[serde(default)]
    getan: String,
    /// How many it was done to.
    #[serde(default)]
    anzahl: u32,
    /// How many were left.
    #[serde(default)]
    uebrig: u32,
}

/// An item for a page.
#[derive(Clone, Debug)]
struct ShownItem {
    id: String,
    source: String,
    received: Time,
    position: String,
    field: String,
    reason: String,
    /// The reason is not in German.
    is_foreign: bool,
    format: String,
    bytes: u32,
    discarded: Option<(Time, String, String)>,
    can_repair: bool,
    /// The word that was not known, if that is why.
    word: Option<reasons::UnknownWord>,
}

impl ShownItem {
    fn of(item: proto::RejectedItem) -> Self {
        let german = reasons::german(&item.reason);
        Self {
            received: Time::at(item.received_at_unix_ms),
            is_foreign: german.is_none(),
            reason: german.unwrap_or_else(|| item.reason.clone()),
            word: reasons::unknown_word(&item.reason),
            can_repair: importer::again::can_be_read(&item.format) && item.discard.is_none(),
            discarded: item.discard.map(|it| (Time::at(it.at_unix_ms), it.by, it.reason)),
            id: item.id,
            source: item.source,
            position: reasons::position(&item.position),
            field: reasons::field(&item.field),
            format: item.format,
            bytes: item.payload_bytes,
        }
    }
}

/// How many are open of a feed, by field; leads to them.
struct Count {
    source: String,
    field: String,
    /// As programs say it: what the list is narrowed by.
    raw_field: String,
    items: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "rejected/list.html")]
struct ListPage {
    layout: Layout,
    asked: Asked,
    counts: Vec<Count>,
    sources: Vec<String>,
    items: Vec<ShownItem>,
    next: String,
    is_discarded: bool,
    done: Option<String>,
}

async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<ListPage, Trouble> {
    let is_discarded = !asked.verworfen.is_empty();
    let request = proto::ListRejectedRequest {
        page_size: PAGE,
        page_token: asked.weiter.clone(),
        source: asked.quelle.clone(),
        reason: asked.grund.clone(),
        from: asked.von.clone(),
        to: asked.bis.clone(),
        discarded: is_discarded,
    };
    let (mut lists, mut counts) = (visitor.services.rejected(), visitor.services.rejected());
    let counted = proto::CountRejectedRequest {};
    let (listed, counted) = futures::try_join!(lists.list_items(request), counts.count_items(counted))?;
    let (listed, counted) = (listed.into_inner(), counted.into_inner());
    let mut sources: Vec<String> = counted.counts.iter().map(|it| it.source.clone()).collect();
    sources.sort_unstable();
    sources.dedup();
    Ok(ListPage {
        layout: Layout::of(&visitor, "Abgewiesenes", "/abgewiesen").with_style("work.css"),
        counts: counted
            .counts
            .into_iter()
            .map(|it| Count {
                field: reasons::field(&it.field),
                raw_field: it.field,
                source: it.source,
                items: format::count(it.items),
            })
            .collect(),
        sources,
        items: listed.items.into_iter().map(ShownItem::of).collect(),
        next: listed.next_page_token,
        is_discarded,
        done: done(&asked),
        asked,
    })
}

fn done(asked: &Asked) -> Option<String> {
    let items = |count: u32| match count {
        1 => "1 Eintrag".to_owned(),
        count => format!("{} Einträge", format::count(i64::from(count))),
    };
    let left = match asked.uebrig {
        0 => String::new(),
        left => format!(" {} mit diesem Wort lassen sich noch nicht lesen.", items(left)),
    };
    Some(match asked.getan.as_str() {
        "verworfen" => format!("{} verworfen.", items(asked.anzahl)),
        "berichtigt" => "Die Berichtigung ist angenommen und wird gezählt.".to_owned(),
        "wort" => format!("{} angenommen; sie werden gezählt.{left}", items(asked.anzahl)),
        _ => return None,
    })
}

/// One item.
#[derive(Template, WebTemplate)]
#[template(path = "rejected/item.html")]
struct ItemPage {
    layout: Layout,
    item: ShownItem,
    heading: String,
    /// What was delivered; masked unless it is revealed.
    payload: String,
    revealed: bool,
    may_reveal: bool,
    may_repair: bool,
    meanings: Vec<Choice>,
    fault: Option<String>,
}

impl ItemPage {
    async fn load(visitor: &Visitor, id: &str, revealed: bool) -> Result<Self, Trouble> {
        let found = get_item(visitor, id, revealed).await?;
        let item = ShownItem::of(found.item.unwrap_or_default());
        let meanings = item.word.as_ref().map(reasons::UnknownWord::meanings);
        Ok(Self {
            layout: Layout::of(visitor, "Abgewiesener Eintrag", "/abgewiesen").with_style("work.css"),
            heading: String::from_utf8_lossy(&found.context).into_owned(),
            payload: String::from_utf8(found.payload).unwrap_or_default(),
            revealed,
            may_reveal: visitor.principal.may_reveal_rejected(),
            may_repair: visitor.is(Role::Administrator) && item.can_repair,
            meanings: meanings.unwrap_or_default(),
            item,
            fault: None,
        })
    }
}

async fn get_item(visitor: &Visitor, id: &str, reveal: bool) -> Result<proto::RejectedPayload, Trouble> {
    let request = proto::GetRejectedRequest {
        id: id.to_owned(),
        reveal,
    };
    match visitor.services.rejected().get_item(request).await {
        Ok(found) => Ok(found.into_inner()),
        Err(status) if status.code() == Code::InvalidArgument => Err(Trouble::NotFound),
        Err(status) => Err(status.into()),
    }
}

async fn item(visitor: Visitor, Path(id): Path<String>) -> Result<ItemPage, Trouble> {
    ItemPage::load(&visitor, &id, false).await
}

/// Shows an item as it was delivered. A POST: it is noted who has looked.
async fn reveal(visitor: Visitor, Path(id): Path<String>) -> Result<ItemPage, Trouble> {
    ItemPage::load(&visitor, &id, true).await
}

/// The page of a form that has a fault.
type Faulty<P> = (StatusCode, P);

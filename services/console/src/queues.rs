//! Queues at this moment: the wallboard, the view for a big screen, and what agents do.

mod moment;
mod team;
mod tiles;
mod view;
mod views;

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use domain::access::Admission;
use domain::access::Role::Supervisor;

use crate::Console;
use crate::layout::Layout;
use crate::pages::{self, Page};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use moment::Picture;
use view::{Asked, Shape, View};
use views::Views;

const SUPERVISION: Admission = Admission::Roles(&[Supervisor]);

pub(crate) const PAGES: &[Page] = &[
    pages::get("/warteschlangen", SUPERVISION),
    pages::get("/warteschlangen/strom", SUPERVISION),
    pages::get("/wandtafel", SUPERVISION),
    pages::get("/wandtafel/strom", SUPERVISION),
    pages::get("/agenten", SUPERVISION),
];

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/warteschlangen", get(live))
        .route("/warteschlangen/strom", get(live_stream))
        .route("/wandtafel", get(wall))
        .route("/wandtafel/strom", get(wall_stream))
        .route("/agenten", get(team::page))
        .layer(Extension(Arc::new(Views::default())))
}

#[derive(Template, WebTemplate)]
#[template(path = "queues/live.html")]
struct LivePage {
    layout: Layout,
    view: View,
    stream: String,
    picture: Picture,
}

async fn live(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    let view = View::of(asked, Shape::Tiles);
    let picture = Picture::first(&visitor.services, &view).await?;
    let layout = Layout::of(&visitor, "Live", "/warteschlangen");
    let page = LivePage {
        layout: layout.with_style("queues.css").with_script("queues.js"),
        stream: view.address("/warteschlangen/strom"),
        view,
        picture,
    };
    Ok(page.into_response())
}

#[derive(Template, WebTemplate)]
#[template(path = "queues/wall.html")]
struct WallPage {
    layout: Layout,
    stream: String,
    picture: Picture,
}

async fn wall(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    let theme = asked.theme();
    let view = View::of(asked, Shape::Wall);
    let picture = Picture::first(&visitor.services, &view).await?;
    let layout = Layout::of(&visitor, "Wandtafel", "/warteschlangen");
    let page = WallPage {
        layout: layout
            .bare()
            .with_theme(theme)
            .with_style("queues.css")
            .with_script("queues.js"),
        stream: view.address("/wandtafel/strom"),
        picture,
    };
    Ok(page.into_response())
}

async fn live_stream(
    State(console): State<Console>,
    visitor: Visitor,
    Extension(views): Extension<Arc<Views>>,
    Query(asked): Query<Asked>,
) -> Response {
    stream(&console, &visitor, &views, View::of(asked, Shape::Tiles))
}

async fn wall_stream(
    State(console): State<Console>,
    visitor: Visitor,
    Extension(views): Extension<Arc<Views>>,
    Query(asked): Query<Asked>,
) -> Response {
    stream(&console, &visitor, &views, View::of(asked, Shape::Wall))
}

/// Pictures of a view, for as long as the session allows.
fn stream(console: &Console, visitor: &Visitor, views: &Arc<Views>, view: View) -> Response {
    let now_ms = (console.clock)().timestamp_millis();
    let rest_ms = visitor.session_until_unix_ms.map(|until_ms| until_ms - now_ms);
    let frames = views.watch(view, visitor.services.clone(), rest_ms);
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

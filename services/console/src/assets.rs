//! Style sheets, scripts and icons: compiled in, and named by their content, so that browsers may keep them for ever.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};

use crate::Console;

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $kind:literal),* $(,)?) => {
        const ASSETS: &[Asset] = &[$(Asset {
            name: $name,
            kind: $kind,
            content: include_bytes!(concat!("../assets/", $name)),
        }),*];
    };
}

assets! {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "rules.js": "text/javascript; charset=utf-8",
    "work.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "hx-sse.min.js": "text/javascript; charset=utf-8",
    "uplot.iife.min.js": "text/javascript; charset=utf-8",
    "uplot.min.css": "text/css; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "history.css": "text/css; charset=utf-8",
    "queues.css": "text/css; charset=utf-8",
    "queues.js": "text/javascript; charset=utf-8",
    "desk.css": "text/css; charset=utf-8",
    "desk.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

/// Of each asset the beginning of the hash of its content.
static VERSIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let version = |asset: &Asset| {
        let hash = Sha256::digest(asset.content);
        hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    };
    ASSETS.iter().map(version).collect()
});

/// The address of an asset.
pub(crate) fn url(name: &str) -> String {
    let place = ASSETS.iter().position(|asset| asset.name == name);
    let place = place.unwrap_or_else(|| panic!("there is no asset {name}"));
    format!("/assets/{}/{name}", VERSIONS[place])
}

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/assets/{version}/{name}", get(asset))
}

async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let mut known = ASSETS.iter().zip(VERSIONS.iter());
    match known.find(|(asset, known)| asset.name == name && **known == version) {
        Some((asset, _)) => {
            let kept = "public, max-age=31536000, immutable";
            let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, kept)];
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

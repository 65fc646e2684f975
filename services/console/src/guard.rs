//! What stands before every page: who may open it, and the headers that keep it to itself.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use domain::access::Admission;
use tonic::Code;
use wire::v1::access::WhoAmIRequest;

use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::{Console, cookies, pages};

/// The page of a first password, which everything else leads to until it is changed.
const PASSWORD: &str = "/kennwort";

/// Lets those in whom the page is for.
pub(crate) async fn guard(
    State(console): State<Console>,
    path: MatchedPath,
    jar: CookieJar,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(admission) = pages::admission(request.method(), path.as_str()) else {
        return Trouble::NotFound.into_response();
    };
    if admission == Admission::Open {
        return next.run(request).await;
    }
    let asked = request.uri().path_and_query().map(ToString::to_string);
    let Some(token) = cookies::session(&console, &jar) else {
        return Trouble::SignIn(asked).into_response_to(&request);
    };
    let services = console.backend.by(Some(&token));
    let told = services.sessions().who_am_i(WhoAmIRequest {}).await;
    let visitor = match told {
        Ok(told) => Visitor::new(told.get_ref(), services),
        Err(status) if status.code() == Code::Unauthenticated => {
            return Trouble::SignIn(asked).into_response_to(&request);
        }
        Err(status) => return Trouble::from(status).into_response(),
    };
    let may = match admission {
        Admission::Open | Admission::SignedIn => true,
        Admission::Roles(roles) => visitor.principal.is_any(roles),
    };
    if !may {
        return Trouble::Forbidden.into_response();
    }
    if visitor.must_change_password && !matches!(path.as_str(), PASSWORD | "/abmelden") {
        return Trouble::Elsewhere(PASSWORD.to_owned()).into_response_to(&request);
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // A link out of the console tells nobody which ticket it was on.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Puts the headers on every answer. What is not an asset is kept nowhere.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    with_headers(next.run(request).await)
}

pub(crate) fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

//! What can go wrong with a page, in words that say what to do.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use tonic::{Code, Status};

use crate::layout::Layout;

/// Why a page is not shown.
#[derive(Debug)]
#[allow(dead_code, reason = "pages use what they need")]
pub(crate) enum Trouble {
    /// Nobody is signed in; afterwards it goes on there.
    SignIn(Option<String>),
    /// Another page must come first.
    Elsewhere(String),
    /// The page is not for this role.
    Forbidden,
    /// There is no such page or thing.
    NotFound,
    /// What was entered cannot be used; in German words.
    Unusable(String),
    /// A service refused or failed.
    Service(Box<Status>),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unauthenticated => Self::SignIn(None),
            Code::PermissionDenied => Self::Forbidden,
            Code::NotFound => Self::NotFound,
            _ => Self::Service(Box::new(status)),
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "trouble.html")]
struct TroublePage {
    layout: Layout,
    heading: String,
    text: String,
}

impl Trouble {
    /// The status, what happened, and what to do.
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::SignIn(_) => (
                StatusCode::UNAUTHORIZED,
                "Bitte anmelden",
                "Ihre Sitzung ist abgelaufen oder wurde beendet. Melden Sie sich neu an.".to_owned(),
            ),
            Self::Elsewhere(_) => (StatusCode::SEE_OTHER, "Bitte weiter", String::new()),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Kein Zugriff",
                "Diese Seite gehört nicht zu Ihrer Rolle. Wenn Sie sie brauchen, wenden Sie sich an die Administration."
                    .to_owned(),
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Nicht gefunden",
                "Diese Seite oder diesen Vorgang gibt es nicht, oder er gehört einer anderen Stelle.".to_owned(),
            ),
            Self::Unusable(text) => (StatusCode::UNPROCESSABLE_ENTITY, "Das geht so nicht", text.clone()),
            Self::Service(status) => match status.code() {
                Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "Das geht so nicht",
                    status.message().to_owned(),
                ),
                Code::ResourceExhausted => (
                    StatusCode::TOO_MANY_REQUESTS,
                    "Zu viele Anfragen",
                    "Bitte warten Sie einen Augenblick und versuchen Sie es dann noch einmal.".to_owned(),
                ),
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Gerade nicht erreichbar",
                    "Der Dienst antwortet im Augenblick nicht. Was bestätigt wurde, ist sicher gespeichert. Versuchen Sie \
                     es gleich noch einmal."
                        .to_owned(),
                ),
                _ => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Störung",
                    "Das hätte nicht geschehen dürfen. Der Betrieb findet die Ursache im Protokoll.".to_owned(),
                ),
            },
        }
    }

    /// The answer to a request: a script of the page is led elsewhere by a header, a browser by a redirect.
    pub(crate) fn into_response_to(self, request: &Request) -> Response {
        self.into_response_for(request.headers(), request.method() == Method::GET)
    }

    fn into_response_for(self, headers: &HeaderMap, goes_back: bool) -> Response {
        let target = match &self {
            Self::SignIn(asked) => sign_in(asked.as_deref().filter(|_| goes_back)),
            Self::Elsewhere(path) => path.clone(),
            _ => return self.into_response(),
        };
        if headers.contains_key("hx-request") {
            return (StatusCode::UNAUTHORIZED, [("hx-redirect", target)]).into_response();
        }
        Redirect::to(&target).into_response()
    }
}

/// A fault of ours: whoever looks is told so, and the log has it already.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Trouble::Service(Box::new(Status::internal("a page panicked"))).into_response()
}

/// The page for signing in, which leads back afterwards.
fn sign_in(back: Option<&str>) -> String {
    match back {
        Some(path) if path != "/" => {
            let encoded: String = path
                .bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect();
            format!("/anmelden?ziel={encoded}")
        }
        _ => "/anmelden".to_owned(),
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        if let Self::SignIn(_) | Self::Elsewhere(_) = self {
            return self.into_response_for(&HeaderMap::new(), true);
        }
        let (status, heading, text) = self.told();
        if let Self::Service(fault) = &self
            && status.is_server_error()
        {
            tracing::warn!(code = ?fault.code(), message = fault.message(), "a page could not be shown");
        }
        let page = TroublePage {
            layout: Layout::open(heading),
            heading: heading.to_owned(),
            text,
        };
        (status, page).into_response()
    }
}

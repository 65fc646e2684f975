//! Signing in and out, and the own password.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{OriginalUri, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use tonic::Code;
use tonic::transport::server::TcpConnectInfo;
use wire::v1::access as proto;

use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::{Console, cookies};

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/anmelden", get(form).post(sign_in))
        .route("/anmelden/openid", get(begin_openid))
        .route("/anmelden/openid/zurueck", get(finish_openid))
        .route("/abmelden", post(sign_out))
        .route("/kennwort", get(password_form).post(change_password))
}

/// Where it goes on after signing in.
#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    ziel: String,
}

impl Target {
    /// A page of the console, whatever was asked for: never another site.
    fn path(&self) -> String {
        let is_own = self.ziel.starts_with('/')
            && !self.ziel.starts_with("//")
            && !self.ziel.contains(['\\', '\r', '\n']);
        if is_own { self.ziel.clone() } else { "/".to_owned() }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "sign_in.html")]
struct SignInPage {
    layout: Layout,
    ways: proto::WaysResponse,
    target: String,
    name: String,
    fault: Option<String>,
}

impl SignInPage {
    async fn new(
        console: &Console,
        target: String,
        name: String,
        fault: Option<String>,
    ) -> Result<Self, Trouble> {
        let mut sessions = console.backend.by(None).sessions();
        let ways = sessions.ways(proto::WaysRequest {}).await?.into_inner();
        Ok(Self {
            layout: Layout::open("Anmelden"),
            ways,
            target,
            name,
            fault,
        })
    }
}

async fn form(State(console): State<Console>, Query(target): Query<Target>) -> Result<Response, Trouble> {
    let page = SignInPage::new(&console, target.path(), String::new(), None).await?;
    Ok(page.into_response())
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    kennwort: String,
    #[serde(default)]
    ziel: String,
}

/// Where the browser is, as the connection says.
pub(crate) type Connection = Option<Extension<TcpConnectInfo>>;

pub(crate) fn client(connection: &Connection) -> String {
    let address = connection.as_ref().and_then(|connection| connection.remote_addr);
    address
        .map(|address| address.ip().to_string())
        .unwrap_or_default()
}

async fn sign_in(
    State(console): State<Console>,
    connection: Connection,
    jar: CookieJar,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Trouble> {
    let target = Target {
        ziel: credentials.ziel,
    }
    .path();
    let request = proto::SignInRequest {
        name: credentials.name.clone(),
        password: credentials.kennwort,
        client: client(&connection),
    };
    match console.backend.by(None).sessions().sign_in(request).await {
        Ok(signed_in) => {
            let jar = cookies::with_session(&console, jar, signed_in.into_inner().token);
            Ok((jar, Redirect::to(&target)).into_response())
        }
        Err(status) => {
            let (code, fault) = match status.code() {
                Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "Name oder Kennwort stimmen nicht."),
                Code::ResourceExhausted => (
                    StatusCode::TOO_MANY_REQUESTS,
                    "Zu viele Versuche. Bitte warten Sie einige Minuten.",
                ),
                _ => return Err(Trouble::Service(Box::new(status))),
            };
            let page = SignInPage::new(&console, target, credentials.name, Some(fault.to_owned())).await?;
            Ok((code, page).into_response())
        }
    }
}

/// The address of this console, as the browser knows it.
fn own_address(console: &Console, headers: &HeaderMap, uri: &Uri) -> String {
    let host = uri.authority().map(ToString::to_string);
    let host = host.or_else(|| {
        let host = headers.get(header::HOST)?;
        host.to_str().ok().map(str::to_owned)
    });
    let scheme = if console.secure { "https" } else { "http" };
    format!("{scheme}://{}", host.unwrap_or_default())
}

const OPENID_BACK: &str = "/anmelden/openid/zurueck";

async fn begin_openid(
    State(console): State<Console>,
    jar: CookieJar,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let request = proto::BeginOpenIdRequest {
        redirect_url: own_address(&console, &headers, &uri) + OPENID_BACK,
    };
    let begun = console.backend.by(None).sessions().begin_open_id(request).await?;
    let begun = begun.into_inner();
    let jar = cookies::with_binding(&console, jar, begun.binding);
    Ok((jar, Redirect::to(&begun.url)).into_response())
}

#[derive(Deserialize)]
struct SentBack {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    iss: String,
}

async fn finish_openid(
    State(console): State<Console>,
    connection: Connection,
    jar: CookieJar,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(sent): Query<SentBack>,
) -> Result<Response, Trouble> {
    let request = proto::FinishOpenIdRequest {
        state: sent.state,
        code: sent.code,
        binding: cookies::binding(&console, &jar).unwrap_or_default(),
        redirect_url: own_address(&console, &headers, &uri) + OPENID_BACK,
        client: client(&connection),
        issuer: sent.iss,
    };
    let jar = cookies::without_binding(&console, jar);
    match console.backend.by(None).sessions().finish_open_id(request).await {
        Ok(signed_in) => {
            let jar = cookies::with_session(&console, jar, signed_in.into_inner().token);
            Ok((jar, Redirect::to("/")).into_response())
        }
        Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) => {
            let fault = "Die Anmeldung beim Anmeldedienst ist nicht gelungen, oder Ihr Konto ist hier nicht eingerichtet.";
            let page =
                SignInPage::new(&console, "/".to_owned(), String::new(), Some(fault.to_owned())).await?;
            Ok((StatusCode::UNAUTHORIZED, jar, page).into_response())
        }
        Err(status) => Err(Trouble::Service(Box::new(status))),
    }
}

async fn sign_out(
    State(console): State<Console>,
    visitor: Visitor,
    jar: CookieJar,
) -> Result<Response, Trouble> {
    let mut sessions = visitor.services.sessions();
    sessions.sign_out(proto::SignOutRequest {}).await?;
    let jar = cookies::without_session(&console, jar);
    Ok((jar, Redirect::to("/anmelden")).into_response())
}

#[derive(Template, WebTemplate)]
#[template(path = "password.html")]
struct PasswordPage {
    layout: Layout,
    is_first: bool,
    fault: Option<String>,
}

impl PasswordPage {
    fn new(visitor: &Visitor, fault: Option<String>) -> Self {
        Self {
            layout: Layout::of(visitor, "Kennwort ändern", "/kennwort"),
            is_first: visitor.must_change_password,
            fault,
        }
    }
}

async fn password_form(visitor: Visitor) -> Response {
    PasswordPage::new(&visitor, None).into_response()
}

#[derive(Deserialize)]
struct Passwords {
    bisher: String,
    neu: String,
    wiederholt: String,
}

async fn change_password(visitor: Visitor, Form(passwords): Form<Passwords>) -> Result<Response, Trouble> {
    let refused = |fault: &str| {
        let page = PasswordPage::new(&visitor, Some(fault.to_owned()));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    if passwords.neu != passwords.wiederholt {
        return refused("Die beiden Eingaben des neuen Kennworts sind verschieden.");
    }
    if !(12..=200).contains(&passwords.neu.chars().count()) {
        return refused("Das neue Kennwort braucht 12 bis 200 Zeichen.");
    }
    let request = proto::ChangePasswordRequest {
        old_password: passwords.bisher,
        new_password: passwords.neu,
    };
    match visitor.services.sessions().change_password(request).await {
        Ok(_) => Ok(Redirect::to("/").into_response()),
        Err(status) if status.message().starts_with("old_password") => {
            refused("Das bisherige Kennwort stimmt nicht.")
        }
        Err(status) if status.code() == Code::ResourceExhausted => {
            refused("Zu viele Versuche. Bitte warten Sie einige Minuten.")
        }
        Err(status) if status.code() == Code::InvalidArgument => {
            refused("Dieses Kennwort ist zu leicht zu erraten. Nehmen Sie ein anderes.")
        }
        Err(status) if status.code() == Code::FailedPrecondition => {
            refused("Ihr Kennwort wird nicht hier verwaltet: Ändern Sie es beim Anmeldedienst.")
        }
        Err(status) => Err(status.into()),
    }
}

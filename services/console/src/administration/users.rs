//! Users: who may sign in, and what they are.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::Form;
use domain::access::Role;
use serde::Deserialize;
use tonic::{Code, Status};
use wire::v1::access as proto;

use crate::layout::{Layout, role_name};
use crate::shown_ticket::{Choice, Departments, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Users on a page.
const PAGE: u32 = 100;

/// A user for a page.
struct ShownUser {
    name: String,
    shown_name: String,
    roles: String,
    department: String,
    agent: String,
    disabled: bool,
    by_provider: bool,
    must_change_password: bool,
    last_sign_in: Option<Time>,
    sessions: u32,
}

impl ShownUser {
    fn of(user: proto::User, departments: &Departments) -> Self {
        let roles = user.roles.iter().filter_map(|role| Role::from_name(role));
        Self {
            roles: roles.map(role_name).collect::<Vec<_>>().join(", "),
            department: match user.department.as_str() {
                "" => String::new(),
                id => departments.name(id).to_owned(),
            },
            by_provider: !user.openid_subject.is_empty(),
            last_sign_in: user.last_sign_in_unix_ms.map(Time::at),
            name: user.name,
            shown_name: user.shown_name,
            agent: user.agent,
            disabled: user.disabled,
            must_change_password: user.must_change_password,
            sessions: user.sessions,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    weiter: String,
    #[serde(default)]
    getan: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/users.html")]
pub(super) struct UsersPage {
    layout: Layout,
    users: Vec<ShownUser>,
    next: String,
    done: Option<&'static str>,
}

pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<UsersPage, Trouble> {
    let request = proto::ListUsersRequest {
        page_size: PAGE,
        page_token: asked.weiter,
    };
    let listed = visitor.services.users().list_users(request).await?.into_inner();
    let departments = Departments::of(&visitor).await?;
    let shown = listed.users.into_iter().map(|it| ShownUser::of(it, &departments));
    Ok(UsersPage {
        layout: Layout::of(&visitor, "Benutzer", "/benutzer").with_style("work.css"),
        users: shown.collect(),
        next: listed.next_page_token,
        done: match asked.getan.as_str() {
            "geaendert" => Some("Die Änderung ist gespeichert. Sitzungen, die sie betrifft, sind beendet."),
            "sitzungen" => Some("Alle Sitzungen der Person sind beendet."),
            _ => None,
        },
    })
}

/// What came with the form of a user.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Entered {
    #[serde(default)]
    name: String,
    #[serde(default)]
    anzeige: String,
    #[serde(default)]
    rolle: Vec<String>,
    #[serde(default)]
    stelle: String,
    #[serde(default)]
    agent: String,
    #[serde(default)]
    gesperrt: String,
    #[serde(default)]
    openid: String,
}

impl Entered {
    fn of(user: proto::User) -> Self {
        Self {
            name: user.name,
            anzeige: user.shown_name,
            rolle: user.roles,
            stelle: user.department,
            agent: user.agent,
            gesperrt: if user.disabled {
                "ja".to_owned()
            } else {
                String::new()
            },
            openid: user.openid_subject,
        }
    }

    /// Field and fault, if there is one that can be told without asking.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        if !(2..=64).contains(&self.name.len()) || !self.name.chars().all(is_name) {
            let rule = "Der Name braucht 2 bis 64 Zeichen: kleine Buchstaben ohne Umlaute, Ziffern, Punkte, Bindestriche.";
            return Some(("name", rule));
        }
        if !(1..=100).contains(&self.anzeige.trim().chars().count()) {
            return Some((
                "anzeige",
                "Geben Sie an, wie die Person heißt, in höchstens 100 Zeichen.",
            ));
        }
        if self.rolle.is_empty() {
            return Some(("rolle", "Wählen Sie mindestens eine Rolle."));
        }
        let is_department = self.rolle.iter().any(|role| role == Role::Department.name());
        match (is_department, self.stelle.is_empty()) {
            (true, true) => Some((
                "stelle",
                "Wählen Sie die Stelle, deren Vorgänge die Person sieht.",
            )),
            (false, false) => Some((
                "stelle",
                "Eine Stelle gehört nur zur Rolle Fachstelle. Wählen Sie die Rolle, oder keine Stelle.",
            )),
            _ => None,
        }
    }
}

struct RoleChoice {
    id: &'static str,
    name: &'static str,
    chosen: bool,
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/user.html")]
pub(super) struct UserPage {
    layout: Layout,
    is_new: bool,
    entered: Entered,
    roles: Vec<RoleChoice>,
    departments: Vec<Choice>,
    /// Where the fault is, and what to do.
    fault_field: &'static str,
    fault: String,
}

impl UserPage {
    async fn new(visitor: &Visitor, is_new: bool, entered: Entered) -> Result<Self, Trouble> {
        let title = if is_new {
            "Neuer Benutzer"
        } else {
            "Benutzer ändern"
        };
        let roles = Role::ALL.into_iter().filter(|role| role.is_for_users());
        Ok(Self {
            layout: Layout::of(visitor, title, "/benutzer").with_style("work.css"),
            is_new,
            roles: roles
                .map(|role| RoleChoice {
                    id: role.name(),
                    name: role_name(role),
                    chosen: entered.rolle.iter().any(|it| it == role.name()),
                })
                .collect(),
            departments: Departments::of(visitor).await?.others(""),
            entered,
            fault_field: "",
            fault: String::new(),
        })
    }

    async fn faulty(
        visitor: &Visitor,
        is_new: bool,
        entered: Entered,
        (field, fault): (&'static str, String),
    ) -> Result<Response, Trouble> {
        let mut page = Self::new(visitor, is_new, entered).await?;
        (page.fault_field, page.fault) = (field, fault);
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    }

    fn fault_at(&self, field: &str) -> &str {
        if self.fault_field == field {
            &self.fault
        } else {
            ""
        }
    }
}

/// What a refusal of the service says on the page; another page where it is no fault of the form.
fn refused(status: Status) -> Result<(&'static str, String), Trouble> {
    match status.code() {
        Code::AlreadyExists => Ok(("name", "Diesen Namen oder diese Kennung beim Anmeldedienst gibt es schon.".to_owned())),
        Code::FailedPrecondition => Ok((
            "rolle",
            "Das ist die letzte Person mit der Rolle Administration, die sich anmelden kann. Sie behält Rolle und Zugang; \
             geben Sie zuerst einer anderen Person die Rolle."
                .to_owned(),
        )),
        Code::InvalidArgument => Ok(("", status.message().to_owned())),
        Code::Aborted => Ok(("", "Jemand anderes hat gerade dieselbe Person geändert. Laden Sie die Seite neu.".to_owned())),
        _ => Err(status.into()),
    }
}

pub(super) async fn new(visitor: Visitor) -> Result<UserPage, Trouble> {
    UserPage::new(&visitor, true, Entered::default()).await
}

/// A first password, told once: the answer to the form itself, for it must not be in an address.
#[derive(Template, WebTemplate)]
#[template(path = "administration/password.html")]
struct FirstPasswordPage {
    layout: Layout,
    name: String,
    password: String,
    by_provider: bool,
}

impl FirstPasswordPage {
    fn new(visitor: &Visitor, name: String, password: String, by_provider: bool) -> Self {
        Self {
            layout: Layout::of(visitor, "Erstkennwort", "/benutzer").with_style("work.css"),
            name,
            password,
            by_provider,
        }
    }
}

pub(super) async fn add(visitor: Visitor, Form(entered): Form<Entered>) -> Result<Response, Trouble> {
    if let Some((field, fault)) = entered.fault() {
        return UserPage::faulty(&visitor, true, entered, (field, fault.to_owned())).await;
    }
    let request = proto::AddUserRequest {
        name: entered.name.clone(),
        shown_name: entered.anzeige.trim().to_owned(),
        roles: entered.rolle.clone(),
        department: entered.stelle.clone(),
        agent: entered.agent.trim().to_owned(),
        password: String::new(),
        openid_subject: entered.openid.trim().to_owned(),
    };
    match visitor.services.users().add_user(request).await {
        Ok(added) => {
            let by_provider = !entered.openid.trim().is_empty();
            let password = added.into_inner().first_password;
            Ok(FirstPasswordPage::new(&visitor, entered.name, password, by_provider).into_response())
        }
        Err(status) => UserPage::faulty(&visitor, true, entered, refused(status)?).await,
    }
}

/// There is no way to ask for one user: the pages are read until it comes.
async fn user(visitor: &Visitor, name: &str) -> Result<proto::User, Trouble> {
    let mut request = proto::ListUsersRequest {
        page_size: 500,
        page_token: String::new(),
    };
    loop {
        let listed = visitor
            .services
            .users()
            .list_users(request.clone())
            .await?
            .into_inner();
        if let Some(user) = listed.users.into_iter().find(|user| user.name == name) {
            return Ok(user);
        }
        if listed.next_page_token.is_empty() {
            return Err(Trouble::NotFound);
        }
        request.page_token = listed.next_page_token;
    }
}

pub(super) async fn form(visitor: Visitor, Path(name): Path<String>) -> Result<UserPage, Trouble> {
    let user = user(&visitor, &name).await?;
    UserPage::new(&visitor, false, Entered::of(user)).await
}

pub(super) async fn change(
    visitor: Visitor,
    Path(name): Path<String>,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    entered.name.clone_from(&name);
    if let Some((field, fault)) = entered.fault() {
        return UserPage::faulty(&visitor, false, entered, (field, fault.to_owned())).await;
    }
    let openid_subject = entered.openid.trim();
    let request = proto::ChangeUserRequest {
        name,
        shown_name: Some(entered.anzeige.trim().to_owned()),
        roles: Some(proto::RoleList {
            roles: entered.rolle.clone(),
        }),
        department: Some(entered.stelle.clone()),
        agent: Some(entered.agent.trim().to_owned()),
        disabled: Some(!entered.gesperrt.is_empty()),
        // Whoever signs in with a password goes on so.
        openid_subject: (!openid_subject.is_empty()).then(|| openid_subject.to_owned()),
    };
    match visitor.services.users().change_user(request).await {
        Ok(_) => Ok(Redirect::to("/benutzer?getan=geaendert").into_response()),
        Err(status) => UserPage::faulty(&visitor, false, entered, refused(status)?).await,
    }
}

/// Asks whether something is really to be done.
#[derive(Template, WebTemplate)]
#[template(path = "administration/confirm.html")]
pub(super) struct ConfirmPage {
    layout: Layout,
    heading: String,
    text: &'static str,
    action: String,
    button: &'static str,
}

pub(super) async fn ask_password(visitor: Visitor, Path(name): Path<String>) -> Result<ConfirmPage, Trouble> {
    let user = user(&visitor, &name).await?;
    Ok(ConfirmPage {
        layout: Layout::of(&visitor, "Erstkennwort vergeben", "/benutzer").with_style("work.css"),
        heading: format!("Erstkennwort für {}", user.name),
        text: "Das bisherige Kennwort gilt nicht mehr, und alle Sitzungen enden. Das neue wird einmal angezeigt und muss bei \
               der ersten Anmeldung geändert werden.",
        action: format!("/benutzer/{}/kennwort", user.name),
        button: "Erstkennwort vergeben",
    })
}

pub(super) async fn reset_password(visitor: Visitor, Path(name): Path<String>) -> Result<Response, Trouble> {
    let request = proto::ResetPasswordRequest {
        name: name.clone(),
        password: String::new(),
    };
    match visitor.services.users().reset_password(request).await {
        Ok(reset) => {
            let password = reset.into_inner().first_password;
            Ok(FirstPasswordPage::new(&visitor, name, password, false).into_response())
        }
        Err(status) if status.code() == Code::FailedPrecondition => Err(Trouble::Unusable(
            "Diese Person meldet sich beim Anmeldedienst an und hat hier kein Kennwort.".to_owned(),
        )),
        Err(status) => Err(status.into()),
    }
}

pub(super) async fn ask_sessions(visitor: Visitor, Path(name): Path<String>) -> Result<ConfirmPage, Trouble> {
    let user = user(&visitor, &name).await?;
    Ok(ConfirmPage {
        layout: Layout::of(&visitor, "Sitzungen beenden", "/benutzer").with_style("work.css"),
        heading: format!("Sitzungen von {} beenden", user.name),
        text: "Die Person wird auf allen Geräten abgemeldet. Was sie gerade eingibt, kann verloren gehen.",
        action: format!("/benutzer/{}/sitzungen", user.name),
        button: "Sitzungen beenden",
    })
}

pub(super) async fn end_sessions(visitor: Visitor, Path(name): Path<String>) -> Result<Redirect, Trouble> {
    let request = proto::EndSessionsRequest { name };
    visitor.services.users().end_sessions(request).await?;
    Ok(Redirect::to("/benutzer?getan=sitzungen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered() -> Entered {
        Entered {
            name: "anna.b".to_owned(),
            anzeige: "Anna B.".to_owned(),
            rolle: vec!["agent".to_owned()],
            ..Entered::default()
        }
    }

    #[test]
    fn a_fault_is_said_at_its_field() {
        assert_eq!(entered().fault(), None);
        let with = |change: fn(&mut Entered)| {
            let mut entered = entered();
            change(&mut entered);
            entered.fault().map(|(field, _)| field)
        };
        assert_eq!(with(|it| it.name = "Änna".to_owned()), Some("name"));
        assert_eq!(with(|it| it.anzeige = " ".to_owned()), Some("anzeige"));
        assert_eq!(with(|it| it.rolle.clear()), Some("rolle"));
        assert_eq!(with(|it| it.stelle = "a".to_owned()), Some("stelle"));
        assert_eq!(with(|it| it.rolle.push("department".to_owned())), Some("stelle"));
    }

    #[test]
    fn the_last_administrator_is_told_in_german() {
        let refusal = refused(Status::failed_precondition("the last administrator stays one"));
        let (field, sentence) = refusal.expect("a fault of the form");
        assert_eq!(field, "rolle");
        assert!(sentence.starts_with("Das ist die letzte Person mit der Rolle Administration"));
    }
}

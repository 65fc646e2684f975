//! `nrwdirekt user`: looking after users.

use std::io::Read as _;

use anyhow::Context;
use serde_json::{Value, json};
use wire::v1::access as proto;
use wire::v1::access::users_client::UsersClient;

use super::ticket::local;
use crate::cli::{ServerArguments, UserAction, UserAddArguments, UserChangeArguments};
use crate::client::{self, Connection};
use crate::exit::Failure;
use crate::output::say;

/// No password is longer.
const PASSWORD_BYTES_MAX: u64 = 1024;

/// Runs the command.
pub(crate) async fn run(action: UserAction) -> anyhow::Result<()> {
    match action {
        UserAction::List { json, server } => list(json, &server).await,
        UserAction::Add(arguments) => add(arguments).await,
        UserAction::Change(arguments) => change(arguments).await,
        UserAction::ResetPassword {
            name,
            password_stdin,
            json,
            server,
        } => reset_password(name, password_stdin, json, &server).await,
        UserAction::EndSessions { name, json, server } => end_sessions(name, json, &server).await,
    }
}

async fn users(server: &ServerArguments) -> anyhow::Result<UsersClient<Connection>> {
    Ok(UsersClient::new(client::connect(&server.server).await?))
}

async fn list(as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = users(server).await?;
    let mut page_token = String::new();
    loop {
        let request = proto::ListUsersRequest {
            page_size: 500,
            page_token,
        };
        let page = client.list_users(request).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for user in &page.users {
            if as_json {
                say!("{}", object(user));
            } else {
                say!("{}", line(user));
            }
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        page_token = page.next_page_token;
    }
}

async fn add(arguments: UserAddArguments) -> anyhow::Result<()> {
    let request = proto::AddUserRequest {
        name: arguments.name,
        shown_name: arguments.shown_name,
        roles: arguments.roles,
        department: arguments.department,
        agent: arguments.agent,
        password: first_password(arguments.password_stdin)?,
        openid_subject: arguments.openid_subject,
    };
    let added = users(&arguments.server).await?.add_user(request).await;
    let added = added.map_err(|status| Failure::of_status(&status))?.into_inner();
    let user = added.user.unwrap_or_default();
    if arguments.json {
        let mut told = object(&user);
        told["first_password"] = json!(given(&added.first_password));
        say!("{told}");
    } else {
        say!("{}", line(&user));
        tell_password(&added.first_password);
    }
    Ok(())
}

async fn change(arguments: UserChangeArguments) -> anyhow::Result<()> {
    let roles = Some(arguments.roles).filter(|roles| !roles.is_empty());
    let request = proto::ChangeUserRequest {
        name: arguments.name,
        shown_name: arguments.shown_name,
        roles: roles.map(|roles| proto::RoleList { roles }),
        department: arguments.department,
        agent: arguments.agent,
        disabled: (arguments.disable || arguments.enable).then_some(arguments.disable),
        openid_subject: arguments.openid_subject,
    };
    let changed = users(&arguments.server).await?.change_user(request).await;
    let user = changed
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    if arguments.json {
        say!("{}", object(&user));
    } else {
        say!("{}", line(&user));
    }
    Ok(())
}

async fn reset_password(
    name: String,
    from_stdin: bool,
    as_json: bool,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let request = proto::ResetPasswordRequest {
        name: name.clone(),
        password: first_password(from_stdin)?,
    };
    let reset = users(server).await?.reset_password(request).await;
    let reset = reset.map_err(|status| Failure::of_status(&status))?.into_inner();
    if as_json {
        say!(
            "{}",
            json!({ "name": name, "first_password": given(&reset.first_password) })
        );
    } else {
        say!("{name}: the password was reset");
        tell_password(&reset.first_password);
    }
    Ok(())
}

async fn end_sessions(name: String, as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let request = proto::EndSessionsRequest { name: name.clone() };
    let ended = users(server).await?.end_sessions(request).await;
    let ended = ended
        .map_err(|status| Failure::of_status(&status))?
        .into_inner()
        .ended;
    if as_json {
        say!("{}", json!({ "name": name, "ended": ended }));
    } else {
        say!("{name}: {ended} sessions ended");
    }
    Ok(())
}

fn first_password(from_stdin: bool) -> anyhow::Result<String> {
    let mut password = String::new();
    if from_stdin {
        let read = std::io::stdin()
            .take(PASSWORD_BYTES_MAX)
            .read_to_string(&mut password);
        read.context("standard input")?;
        let end = password.trim_end_matches(['\r', '\n']).len();
        password.truncate(end);
        if password.is_empty() {
            return Err(Failure::usage("--password-stdin: standard input is empty"));
        }
    }
    Ok(password)
}

fn tell_password(password: &str) {
    if !password.is_empty() {
        say!("first password: {password} (told this once; it must be changed at the first sign-in)");
    }
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn line(user: &proto::User) -> String {
    let signs_in = match (
        user.disabled,
        given(&user.openid_subject),
        user.must_change_password,
    ) {
        (true, ..) => "disabled",
        (_, Some(_), _) => "provider",
        (.., true) => "first password",
        _ => "password",
    };
    let last = user
        .last_sign_in_unix_ms
        .map_or_else(|| "never".to_owned(), local);
    format!(
        "{:20}  {:28}  {}{}  {signs_in}  last sign-in {last}  {} sessions",
        user.name,
        user.shown_name,
        user.roles.join(","),
        given(&user.department)
            .map(|department| format!(" of {department}"))
            .unwrap_or_default(),
        user.sessions
    )
}

fn object(user: &proto::User) -> Value {
    json!({
        "name": user.name,
        "shown_name": user.shown_name,
        "roles": user.roles,
        "department": given(&user.department),
        "agent": given(&user.agent),
        "disabled": user.disabled,
        "openid_subject": given(&user.openid_subject),
        "must_change_password": user.must_change_password,
        "created_at": local(user.created_at_unix_ms),
        "last_sign_in_at": user.last_sign_in_unix_ms.map(local),
        "sessions": user.sessions,
    })
}

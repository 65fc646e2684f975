//! `[sign_in]`: how people sign in, and how long they stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{OpenIdParts, OpenIdProvider, SessionLimits};
use anyhow::Context;
use chrono::TimeDelta;
use domain::access::Role;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The section as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInSection {
    pub(crate) idle_minutes: u32,
    pub(crate) absolute_hours: u32,
    pub(crate) password: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openid: Option<OpenIdSection>,
}

/// The provider as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenIdSection {
    issuer: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_file: Option<PathBuf>,
    #[serde(default = "shown_name")]
    name: String,
    #[serde(default = "scopes")]
    scopes: Vec<String>,
    #[serde(default = "roles_claim")]
    roles_claim: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_claim: Option<String>,
    #[serde(default)]
    create_users: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, Vec<Role>>,
}

fn shown_name() -> String {
    "dem Anmeldedienst".to_owned()
}

fn scopes() -> Vec<String> {
    vec!["profile".to_owned()]
}

fn roles_claim() -> String {
    "groups".to_owned()
}

/// The section, checked.
pub(crate) struct SignIn {
    pub(crate) limits: SessionLimits,
    pub(crate) password: bool,
    pub(crate) openid: Option<Arc<OpenIdProvider>>,
}

/// Checks the section.
pub(super) fn checked(section: SignInSection, at: impl Fn(PathBuf) -> PathBuf) -> anyhow::Result<SignIn> {
    for (key, value, most) in [
        ("idle_minutes", section.idle_minutes, 1_440),
        ("absolute_hours", section.absolute_hours, 168),
    ] {
        if !(1..=most).contains(&value) {
            return Err(Failure::usage(format!("sign_in.{key}: use 1 to {most}")));
        }
    }
    if !section.password && section.openid.is_none() {
        return Err(Failure::usage(
            "sign_in.password: without passwords nobody could sign in; configure [sign_in.openid], or set it to true",
        ));
    }
    let openid = section.openid.map(|openid| provider(openid, at)).transpose()?;
    Ok(SignIn {
        limits: SessionLimits {
            idle: TimeDelta::minutes(section.idle_minutes.into()),
            absolute: TimeDelta::hours(section.absolute_hours.into()),
        },
        password: section.password,
        openid,
    })
}

fn provider(section: OpenIdSection, at: impl Fn(PathBuf) -> PathBuf) -> anyhow::Result<Arc<OpenIdProvider>> {
    let secret = section.client_secret_file.map(&at);
    let authorities = section.ca_file.map(&at);
    let provider = OpenIdProvider::new(OpenIdParts {
        issuer: section.issuer,
        client_id: section.client_id,
        client_secret: secret.as_deref().map(secret_of).transpose()?.unwrap_or_default(),
        shown_name: section.name,
        scopes: section.scopes,
        roles_claim: section.roles_claim,
        roles: section.roles,
        department_claim: section.department_claim,
        agent_claim: section.agent_claim,
        create_users: section.create_users,
        authorities: authorities.as_deref().map(authorities_of).transpose()?,
        clock: crate::clock::clock()?,
    });
    provider
        .map(Arc::new)
        .map_err(|fault| Failure::usage(fault.to_string()))
}

fn secret_of(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("sign_in.openid.client_secret_file {}", file.display()))?;
    Ok(text.trim().to_owned())
}

fn authorities_of(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("sign_in.openid.ca_file {}", file.display()))
}

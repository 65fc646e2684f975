//! `[mail]`: the server for departments that take mail.

use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::routing::RoutingTable;
use handover::mail::{MailFault, MailParts, MailSettings, MailTls, is_loopback, password};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The section as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    pub(crate) port: u16,
    pub(crate) tls: Protection,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protection {
    Wrapped,
    StartTls,
    None,
}

/// Checks the section; `None` without a server, which no department may need then.
pub(super) fn checked(
    section: MailSection,
    routing: &RoutingTable,
    at: impl Fn(PathBuf) -> PathBuf,
) -> anyhow::Result<Option<MailSettings>> {
    let mut taking = routing.departments().iter().filter(|it| it.mail.is_some());
    let Some(server) = section.server else {
        return match taking.next() {
            None => Ok(None),
            Some(department) => Err(Failure::usage(format!(
                "mail.server: department {} takes mail; give the name of a mail server",
                department.id
            ))),
        };
    };
    let tls = match section.tls {
        Protection::Wrapped => MailTls::Wrapped,
        Protection::StartTls => MailTls::StartTls,
        Protection::None if is_loopback(&server) => MailTls::None,
        Protection::None => {
            return Err(Failure::usage(
                "mail.tls: without TLS only a server on this machine is used; use wrapped or starttls",
            ));
        }
    };
    let from = section
        .from
        .ok_or_else(|| Failure::usage("mail.from: give the address that mails come from"))?;
    let login = match (section.user, section.password_file) {
        (Some(user), Some(file)) => Some((user, read_password(&at(file))?)),
        (None, None) => None,
        _ => {
            return Err(Failure::usage(
                "mail.user and mail.password_file: give both or none",
            ));
        }
    };
    let authorities = section.ca_file.map(at);
    let authorities = authorities.as_deref().map(read_authorities).transpose()?;
    let refused = |fault: MailFault| Failure::usage(fault.to_string());
    let settings = MailSettings::checked(MailParts {
        server: &server,
        port: section.port,
        tls,
        login,
        from: &from,
        authorities: authorities.as_deref(),
        link: section.link.as_deref(),
    })
    .map_err(refused)?;
    for department in taking {
        settings.check_department(&department.id).map_err(refused)?;
    }
    Ok(Some(settings))
}

fn read_password(file: &Path) -> anyhow::Result<String> {
    password(file).with_context(|| format!("mail.password_file {}", file.display()))
}

fn read_authorities(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("mail.ca_file {}", file.display()))
}

//! `[public]`: pages for whoever comes.

use chrono::TimeDelta;
use handover::mail::MailSettings;
use serde::{Deserialize, Serialize};
use tonic::transport::Uri;

use crate::exit::Failure;

/// The section as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    pub(crate) event_entries_kept_days: u32,
}

/// The section, checked.
pub(crate) struct Public {
    /// Where the console is for everybody, without a slash at its end.
    pub(crate) url: Option<String>,
    /// So long after its deadline the entries of an event are erased at the latest.
    pub(crate) event_entries_kept: TimeDelta,
}

pub(super) fn checked(section: &PublicSection, mail: Option<&MailSettings>) -> anyhow::Result<Public> {
    let days = section.event_entries_kept_days;
    if days > 365 {
        return Err(Failure::usage("public.event_entries_kept_days: use 0 to 365"));
    }
    let url = section.url.as_deref().map(url).transpose()?;
    let can_come_back = mail.is_none_or(|mail| mail.entry_return_address(&"0".repeat(32)).is_some());
    if url.is_some() && !can_come_back {
        return Err(Failure::usage(
            "mail.from: its first part has more than 29 characters, too many for mails of registrations to come back; \
             shorten it, or leave out public.url",
        ));
    }
    Ok(Public {
        url,
        event_entries_kept: TimeDelta::days(i64::from(days)),
    })
}

/// Links to it go out in mails.
fn url(text: &str) -> anyhow::Result<String> {
    let wrong = || {
        Failure::usage(format!(
            "public.url: {text}: use https://HOST, or http:// for a node of this machine"
        ))
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let is_here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_here => {}
        _ => return Err(wrong()),
    }
    match uri.host().is_some() && matches!(uri.path(), "" | "/") && uri.query().is_none() {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(wrong()),
    }
}

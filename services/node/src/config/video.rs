//! `[video]`.

use serde::{Deserialize, Serialize};
use ticketing::VideoServer;
use tonic::transport::Uri;

use crate::exit::Failure;

/// Characters of the address at most: with the name of a room it fits into its field.
const LONGEST: usize = 100;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VideoSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
}

/// The server for appointments by video.
///
/// # Errors
/// Names the key and the remedy.
pub(super) fn checked(written: &VideoSection) -> anyhow::Result<Option<VideoServer>> {
    let Some(server) = written.server.as_deref() else {
        return Ok(None);
    };
    let wrong = || {
        Failure::usage("video.server: use https://HOST, with a path if there is one, and nothing behind it")
    };
    let uri: Uri = server.parse().map_err(|_| wrong())?;
    let is_usable = uri.scheme_str() == Some("https") && uri.host().is_some() && uri.query().is_none();
    match is_usable && server.len() <= LONGEST && !server.contains('#') {
        true => Ok(Some(VideoServer::at(server.trim_end_matches('/')))),
        false => Err(wrong()),
    }
}

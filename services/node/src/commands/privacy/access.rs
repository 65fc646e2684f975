//! `nrwdirekt privacy access` and `portability`.

use std::io::Write as _;

use anyhow::Context as _;
use wire::v1::privacy as proto;
use wire::v1::privacy::rights_client::RightsClient;

use super::find::marks;
use crate::cli::TellArguments;
use crate::client;
use crate::exit::Failure;
use crate::output::{Unfinished, note};

/// Writes what is kept of a person to a file, or to standard output.
pub(super) async fn tell(arguments: TellArguments, as_data: bool) -> anyhow::Result<()> {
    let mut client = RightsClient::new(client::connect(&arguments.server.server).await?);
    let request = proto::TellPersonRequest {
        marks: Some(marks(arguments.marks)),
        as_data: as_data || arguments.json,
        case_number: arguments.case.unwrap_or_default(),
    };
    let answer = client.tell_person(request).await;
    let mut pieces = answer.map_err(|status| Failure::of_status(&status))?.into_inner();
    let mut unfinished = arguments.out.as_deref().map(Unfinished::beside).transpose()?;
    while let Some(piece) = pieces
        .message()
        .await
        .map_err(|status| Failure::of_status(&status))?
    {
        match &mut unfinished {
            Some(unfinished) => unfinished.file.write_all(&piece.content),
            None => std::io::stdout().write_all(&piece.content),
        }
        .context("what is kept cannot be written")?;
    }
    if let (Some(unfinished), Some(path)) = (unfinished, &arguments.out) {
        unfinished.complete(path)?;
        note!("written to {}", path.display());
    }
    Ok(())
}

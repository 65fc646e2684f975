//! `nrwdirekt report seal|statements`.

use reports::statements::{WITHIN, head_json, list, shown};
use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::{SealArguments, StatementsArguments};
use crate::output::say;

/// Seals figures of days.
pub(super) async fn seal(arguments: SealArguments) -> anyhow::Result<()> {
    let request = proto::SealRequest {
        from: arguments.days.from.to_string(),
        to: arguments.days.to.to_string(),
        by: arguments.by,
        reason: arguments.reason,
    };
    let mut client = super::connect(&arguments.server).await?;
    let sealed = client.seal(request).await;
    let sealed = sealed.map_err(refused)?.into_inner();
    if arguments.json {
        say!("{}", head_json(&sealed));
    } else {
        say!(
            "statement {}: {} to {} (exclusive)",
            sealed.id,
            sealed.from,
            sealed.to
        );
    }
    Ok(())
}

/// Lists statements, or shows one.
pub(super) async fn run(arguments: StatementsArguments) -> anyhow::Result<()> {
    let mut client = super::connect(&arguments.server).await?;
    let report = match arguments.id {
        None => {
            let answer = client.statements(proto::StatementsRequest {}).await;
            list(&answer.map_err(refused)?.into_inner().statements)
        }
        Some(id) => {
            let request = proto::StatementRequest {
                id,
                by_hotline: arguments.by_hotline,
                task_types: Vec::new(),
                within_seconds: WITHIN.to_vec(),
            };
            let answer = client.get_statement(request).await;
            shown(&answer.map_err(refused)?.into_inner())
        }
    };
    form::deliver(&report, &arguments.form)
}

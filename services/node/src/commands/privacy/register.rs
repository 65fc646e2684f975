//! `nrwdirekt privacy register`: by the rules of a server, or of a configuration.

use anyhow::Context;
use chrono::Utc;
use domain::local_time;
use wire::v1::privacy as proto;
use wire::v1::privacy::register_client::RegisterClient;

use crate::cli::{ProcessingRegisterArguments, RegisterSource};
use crate::exit::{self, Failure};
use crate::output::{note, say};
use crate::{client, config};

/// Shows the register, or writes it as a document.
pub(super) async fn run(arguments: ProcessingRegisterArguments) -> anyhow::Result<()> {
    let source = &arguments.source;
    let is_local = source.folder.is_some() || source.config.config.is_some() || !source.config.set.is_empty();
    let register = match arguments.local || is_local {
        true => by_configuration(source)?,
        false => by_server(arguments.server.as_deref(), source).await?,
    };
    if let Some(path) = &arguments.out {
        let today = local_time::day_of(Utc::now()).format("%d.%m.%Y").to_string();
        std::fs::write(path, reports::register::html(&register, &today))
            .with_context(|| format!("--out {}", path.display()))?;
        note!("written to {}", path.display());
    } else if arguments.json {
        say!("{:#}", reports::register::json(&register));
    } else {
        say!("{}", reports::register::text(&register).trim_end());
    }
    Ok(())
}

async fn by_server(
    named: Option<&str>,
    source: &RegisterSource,
) -> anyhow::Result<proto::ProcessingRegister> {
    let connection = match client::connect(named.unwrap_or(config::DEFAULT_URL)).await {
        Ok(connection) => connection,
        Err(error) if named.is_none() && exit::is_no_server(&error) => {
            note!("no server runs here: told by the built-in register");
            return by_configuration(source);
        }
        Err(error) => return Err(error),
    };
    let told = RegisterClient::new(connection)
        .get_register(proto::GetRegisterRequest {})
        .await;
    Ok(told.map_err(|status| Failure::of_status(&status))?.into_inner())
}

fn by_configuration(source: &RegisterSource) -> anyhow::Result<proto::ProcessingRegister> {
    Ok(privacy::processing_register(&crate::commands::register::sound(
        source,
    )?))
}

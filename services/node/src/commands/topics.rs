//! `nrwdirekt topics`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::{TopicsAction, TopicsTarget};
use crate::output::say;
use crate::{config, storage};

/// Applies or checks the topics.
pub(crate) async fn run(action: TopicsAction) -> anyhow::Result<ExitCode> {
    match action {
        TopicsAction::Apply(target) => {
            let (bus, wanted) = open(&target)?;
            let changes = bus.apply_topics(&wanted).await?;
            if target.json {
                say!("{}", json!({ "topics": wanted.len(), "changes": changes }));
            } else {
                changes.iter().for_each(|change| say!("{change}"));
                say!("{} topics, {} changed", wanted.len(), changes.len());
            }
            Ok(ExitCode::SUCCESS)
        }
        TopicsAction::Check(target) => {
            let (bus, wanted) = open(&target)?;
            let faults = bus.check_topics(&wanted).await?;
            if target.json {
                let faults: Vec<_> = faults
                    .iter()
                    .map(|fault| json!({ "topic": fault.topic, "fault": fault.fault, "fatal": fault.fatal }))
                    .collect();
                say!("{}", json!({ "topics": wanted.len(), "faults": faults }));
            } else {
                faults
                    .iter()
                    .for_each(|fault| say!("{}: {}", fault.topic, fault.fault));
                say!("{} topics, {} faults", wanted.len(), faults.len());
            }
            Ok(if faults.iter().any(|fault| fault.fatal) {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

fn open(target: &TopicsTarget) -> anyhow::Result<(std::sync::Arc<dyn bus::Bus>, Vec<bus::TopicSpec>)> {
    let mut config = config::read(&target.config)?;
    if let Some(bus) = &target.bus {
        config.bus = config::bus_choice(bus)?;
    }
    let departments = config
        .routing
        .departments()
        .iter()
        .map(|department| &department.id);
    let wanted = storage::wanted_topics(&config, departments);
    Ok((storage::open_bus(&config, target.data.as_deref())?, wanted))
}

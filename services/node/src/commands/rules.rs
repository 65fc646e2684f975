//! `nrwdirekt config apply|rules|history`: the rules in force, in versions.

use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::rulebook::{FIGURES, REGISTER, ROUTING};
use serde_json::{Value, json};
use wire::v1::tickets as proto;
use wire::v1::tickets::rules_client::RulesClient;

use super::ticket::local;
use crate::cli::{RulesApplyArguments, ServerArguments};
use crate::client::{self, Connection};
use crate::config;
use crate::exit::Failure;
use crate::output::{note, say};

/// Versions that are asked for at a time.
const PAGE: u32 = 500;

async fn connect(server: &ServerArguments) -> anyhow::Result<RulesClient<Connection>> {
    Ok(RulesClient::new(client::connect(&server.server).await?))
}

/// Applies rules as the next version.
pub(crate) async fn apply(arguments: RulesApplyArguments) -> anyhow::Result<()> {
    let documents = [&arguments.routing, &arguments.register, &arguments.figures];
    if arguments.version.is_none() && documents.iter().all(|document| document.is_none()) {
        return Err(Failure::usage(
            "give --routing FILE, --register DIR, --figures FILE, or --version N of one that was applied before",
        ));
    }
    let text = |argument: &str, path: &Option<PathBuf>| {
        let path = path.as_deref();
        path.map(|path| text(argument, path)).transpose()
    };
    let routing = text("--routing", &arguments.routing)?;
    let figures = text("--figures", &arguments.figures)?;
    let register = arguments.register.as_deref().map(register).transpose()?;
    let request = proto::ApplyRulesRequest {
        routing,
        register,
        expected_version: arguments.expect.unwrap_or(0),
        by: std::env::var("USER").unwrap_or_default(),
        note: arguments.note,
        dry_run: arguments.dry_run,
        again: arguments.version.unwrap_or(0),
        figures,
        discard_entries: arguments.discard_entries,
    };
    let answer = connect(&arguments.server).await?.apply_rules(request).await;
    let answer = answer.map_err(|status| Failure::of_status(&status))?.into_inner();
    if arguments.json {
        say!(
            "{}",
            json!({
                "version": answer.version,
                "unchanged": answer.unchanged,
                "dry_run": arguments.dry_run,
                "added_departments": answer.added_departments,
                "removed_departments": answer.removed_departments,
                "discarded_entries": answer.discarded_entries,
            })
        );
        return Ok(());
    }
    match (answer.unchanged, arguments.dry_run) {
        (true, _) => say!("version {} says the same: nothing was applied", answer.version),
        (false, true) => say!("the rules are sound; they would be version {}", answer.version),
        (false, false) => say!("version {} is in force", answer.version),
    }
    for department in &answer.added_departments {
        say!("  new department: {department}");
    }
    for department in &answer.removed_departments {
        note!("department {department} is gone: its tickets stay with it, and nobody serves its topics");
    }
    match (answer.discarded_entries, arguments.dry_run) {
        (0, _) => {}
        (entries, true) => note!("{entries} entries of newsletters and events that are gone would be erased"),
        (entries, false) => note!("{entries} entries of newsletters and events that are gone were erased"),
    }
    Ok(())
}

/// Shows the rules of a version, or writes its documents into a folder.
pub(crate) async fn show(
    version: Option<u32>,
    write: Option<PathBuf>,
    as_json: bool,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let request = proto::GetRulesRequest {
        version: version.unwrap_or(0),
    };
    let answer = connect(server).await?.get_rules(request).await;
    let answer = answer.map_err(|status| Failure::of_status(&status))?.into_inner();
    if let Some(folder) = write {
        for (name, text) in &answer.documents {
            keep(&folder, name, text)?;
        }
        note!(
            "{} documents written to {}",
            answer.documents.len(),
            folder.display()
        );
        return Ok(());
    }
    let entry = answer.entry.unwrap_or_default();
    if as_json {
        let mut shown = line(&entry);
        shown["documents"] = json!(answer.documents);
        say!("{shown}");
        return Ok(());
    }
    say!(
        "# version {}, applied {}",
        entry.version,
        local(entry.applied_at_unix_ms)
    );
    for (name, text) in &answer.documents {
        say!("\n# ---- {name}\n{}", text.trim_end());
    }
    Ok(())
}

/// Lists every version, newest first.
pub(crate) async fn history(as_json: bool, server: &ServerArguments) -> anyhow::Result<()> {
    let mut client = connect(server).await?;
    let mut entries: Vec<proto::RulesEntry> = Vec::new();
    loop {
        let request = proto::ListRulesRequest {
            page_size: PAGE,
            before_version: entries.last().map_or(0, |entry| entry.version),
        };
        let answer = client.list_rules(request).await;
        let page = answer.map_err(|status| Failure::of_status(&status))?.into_inner();
        let is_last = page.entries.len() < PAGE as usize;
        entries.extend(page.entries);
        if is_last {
            break;
        }
    }
    if as_json {
        say!("{}", Value::from_iter(entries.iter().map(line)));
        return Ok(());
    }
    for entry in &entries {
        say!(
            "{:4}  {}  {}  {}",
            entry.version,
            local(entry.applied_at_unix_ms),
            entry.by,
            entry.note
        );
    }
    Ok(())
}

fn line(entry: &proto::RulesEntry) -> Value {
    json!({
        "version": entry.version,
        "applied_at": local(entry.applied_at_unix_ms),
        "by": entry.by,
        "note": entry.note,
        "digest": entry.digest,
    })
}

fn text(argument: &str, path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{argument} {}", path.display()))
}

fn register(folder: &Path) -> anyhow::Result<proto::RegisterFiles> {
    let documents = config::register::documents(Some(folder))?;
    let file = |(name, text): (String, String)| (name.trim_start_matches(REGISTER).to_owned(), text);
    Ok(proto::RegisterFiles {
        files: documents.into_iter().map(file).collect(),
    })
}

/// Writes a document below a folder. Names come from the server: only those of documents are followed.
fn keep(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = match name.strip_prefix(REGISTER) {
        _ if [ROUTING, FIGURES].contains(&name) => folder.join(name),
        Some(file) if !file.contains(['/', '\\']) && !file.starts_with('.') => {
            folder.join(REGISTER).join(file)
        }
        _ => return Err(Failure::server(format!("{name:?} is no document of the rules"))),
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

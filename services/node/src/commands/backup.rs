//! `nrwdirekt backup`: taking, checking and listing backups, and key pairs.

pub(super) mod restore;
mod verify;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use backup::folder::{Label, Listed, Unfinished};
use backup::{Key, Recipient};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wire::v1::privacy as proto;
use wire::v1::privacy::backups_client::BackupsClient;

use super::ticket::local;
use crate::backups::{Source, Target};
use crate::cli::{BackupAction, BackupArguments, BackupKeyArguments, BackupListArguments};
use crate::client::{self, Connection};
use crate::exit::Failure;
use crate::output::{note, say};
use crate::{clock, config, storage};

/// Does what is asked for with backups.
pub(crate) async fn run(arguments: BackupArguments) -> anyhow::Result<ExitCode> {
    match arguments.action {
        None if arguments.data.is_some() || arguments.store.is_some() => without_server(&arguments).await?,
        None => by_server(&arguments).await?,
        Some(BackupAction::Verify(arguments)) => return verify::run(arguments).await,
        Some(BackupAction::List(arguments)) => list(arguments).await?,
        Some(BackupAction::Key(arguments)) => make_key(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn by_server(arguments: &BackupArguments) -> anyhow::Result<()> {
    let mut client = BackupsClient::new(client::connect(&arguments.server.server).await?);
    let created = client.create_backup(proto::CreateBackupRequest {}).await;
    let mut created = created
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    let mut shown = String::new();
    let made = loop {
        let news = created.message().await;
        let news = news.map_err(|status| Failure::of_status(&status))?;
        let Some(news) = news else {
            return Err(Failure::server(
                "the server ended before the backup was made; ask again",
            ));
        };
        if let Some(made) = news.made {
            break made;
        }
        if news.part != shown && !arguments.json {
            note!("copying {}", news.part);
            shown = news.part;
        }
    };
    let fetched = match &arguments.to {
        None => None,
        Some(to) => Some(fetch(&mut client, &made, &Target::named(to)).await?),
    };
    if arguments.json {
        let mut object = object(&made);
        if let Some(fetched) = &fetched {
            object["file"] = json!(fetched.path);
        }
        say!("{object}");
        return Ok(());
    }
    say!("{}", line(&made));
    if let Some(fetched) = fetched {
        say!("fetched to {}", fetched.path.display());
    }
    Ok(())
}

/// Fetches a backup with its label, and compares both.
async fn fetch(
    client: &mut BackupsClient<Connection>,
    made: &proto::Backup,
    to: &Target,
) -> anyhow::Result<Listed> {
    let label: Label = serde_json::from_str(&made.label).context("the label of the backup")?;
    let path = to.file(&made.name);
    let refused = |error: backup::BackupError| Failure::usage(format!("--to {}: {error}", path.display()));
    let mut file = Unfinished::create(&path).map_err(refused)?;
    let request = proto::FetchBackupRequest {
        name: made.name.clone(),
    };
    let chunks = client.fetch_backup(request).await;
    let mut chunks = chunks.map_err(|status| Failure::of_status(&status))?.into_inner();
    while let Some(chunk) = chunks
        .message()
        .await
        .map_err(|status| Failure::of_status(&status))?
    {
        file.write_all(&chunk.data)
            .map_err(|error| refused(error.into()))?;
    }
    file.complete_copy(label).map_err(refused)
}

/// Of a data folder whose node is stopped, or of a database.
async fn without_server(arguments: &BackupArguments) -> anyhow::Result<()> {
    let to = arguments
        .to
        .as_deref()
        .ok_or_else(|| Failure::usage("--to: say where the backup is to go, as a file or a folder"))?;
    let mut config = config::read(&arguments.config)?;
    if let Some(store) = &arguments.store {
        config.store = config::store_choice(store)?;
    }
    let recipient = match &arguments.recipient {
        Some(text) => {
            Some(Recipient::read(text).map_err(|error| Failure::usage(format!("--recipient: {error}")))?)
        }
        None => config.backup.recipient.clone(),
    };
    let recipient = recipient.ok_or_else(|| {
        Failure::usage(
            "--recipient: give the public key that it is encrypted for; `nrwdirekt backup key` makes a pair",
        )
    })?;
    // Held until the end: no node begins to write meanwhile.
    let (source, _lock) = match (&arguments.data, &arguments.store) {
        (Some(data), _) => {
            if !data.is_dir() {
                return Err(Failure::usage(format!(
                    "--data {}: there is no such folder",
                    data.display()
                )));
            }
            let lock = storage::lock_folder(data)?;
            crate::backups::refuse_half_restored(data)?;
            (Source::of(&config, Some(data))?, Some(lock))
        }
        (None, Some(url)) => (Source::of_database(url)?, None),
        (None, None) => return Err(Failure::usage("--data or --store: say what is to be backed up")),
    };
    let (progress, _) = mpsc::channel(1);
    let now = clock::clock()?();
    let (listed, manifest) = source
        .back_up(Target::named(to), recipient, now, progress)
        .await
        .context("--to")?;
    match arguments.json {
        true => {
            let mut object = label(&listed.label);
            object["file"] = json!(listed.path);
            object["figures"] = json!(manifest.figures);
            say!("{object}");
        }
        false => say!(
            "{}  {} bytes  {} rows",
            listed.path.display(),
            listed.label.bytes,
            listed.label.rows
        ),
    }
    Ok(())
}

async fn list(arguments: BackupListArguments) -> anyhow::Result<()> {
    let mut client = BackupsClient::new(client::connect(&arguments.server.server).await?);
    let mut request = proto::ListBackupsRequest::default();
    let mut left = arguments.max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list_backups(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for backup in &page.backups {
            match arguments.json {
                true => say!("{}", object(backup)),
                false => say!("{}", line(backup)),
            }
        }
        left = left.saturating_sub(u32::try_from(page.backups.len()).unwrap_or(u32::MAX));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn make_key(arguments: &BackupKeyArguments) -> anyhow::Result<()> {
    let key = Key::generate();
    let path = &arguments.to;
    write_new(path, &key.file()).map_err(|error| {
        Failure::usage(format!(
            "--to {}: {error}; no key is ever written over",
            path.display()
        ))
    })?;
    let public = key.recipient().text();
    match arguments.json {
        true => say!("{}", json!({ "recipient": public, "key_file": path })),
        false => {
            say!("{public}");
            note!(
                "set backup.recipient to it; keep {} apart from the node",
                path.display()
            );
        }
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads a key file.
fn read_key(path: &Path) -> anyhow::Result<Key> {
    let refused =
        |error: &dyn std::fmt::Display| Failure::usage(format!("--key {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    Key::read(&text).map_err(|error| refused(&error))
}

fn object(backup: &proto::Backup) -> Value {
    let mut object = serde_json::from_str::<Label>(&backup.label).map_or_else(|_| json!({}), |it| label(&it));
    object["name"] = json!(backup.name);
    object["removed_at"] = json!(local(backup.removed_at_unix_ms));
    object
}

fn label(label: &Label) -> Value {
    json!({
        "id": label.id,
        "created_at": local(label.created_at.timestamp_millis()),
        "program": label.program,
        "storage": label.storage,
        "recipient": label.recipient,
        "bytes": label.bytes,
        "rows": label.rows,
        "sha256": label.sha256,
    })
}

fn line(backup: &proto::Backup) -> String {
    format!(
        "{}  {}  {} bytes, until {}",
        backup.name,
        local(backup.created_at_unix_ms),
        backup.bytes,
        local(backup.removed_at_unix_ms)
    )
}

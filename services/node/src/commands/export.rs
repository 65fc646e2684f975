//! `nrwdirekt export`: call records in the hotline's own form.

#![expect(clippy::print_stderr, reason = "what an export has to say beside its rows")]

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use importer::TextEncoding;
use importer::hotline_export::{ExportError, ExportWriter};
use tonic::Streaming;
use wire::v1::reporting as proto;
use wire::v1::reporting::records_client::RecordsClient;

use crate::cli::{ExportArguments, ExportEncoding};
use crate::client;
use crate::exit::Failure;

/// Writes the records of a period.
pub(crate) async fn run(arguments: ExportArguments) -> anyhow::Result<()> {
    let mut client = RecordsClient::new(client::connect(&arguments.server.server).await?);
    let request = proto::ExportCallsRequest {
        from: arguments.period.from,
        to: arguments.period.to,
        hotline: arguments.hotline.unwrap_or_default(),
        source: arguments.source.unwrap_or_default(),
    };
    let batches = client
        .export_calls(request)
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    let encoding = match arguments.encoding {
        ExportEncoding::Utf8 => TextEncoding::Utf8,
        ExportEncoding::Windows1252 => TextEncoding::Windows1252,
    };
    let Some(path) = arguments.output else {
        let out = io::BufWriter::new(io::stdout());
        return match write(batches, out, encoding).await {
            Err(error) if nobody_reads(&error) => Ok(()),
            written => written,
        };
    };
    let unfinished = Unfinished::beside(&path)?;
    write(batches, io::BufWriter::new(&unfinished.file), encoding).await?;
    unfinished.complete(&path)
}

/// Writes what the server sends, and says how much it was.
async fn write(
    mut batches: Streaming<proto::ExportedCalls>,
    out: impl Write,
    encoding: TextEncoding,
) -> anyhow::Result<()> {
    let mut writer = ExportWriter::new(out, encoding).map_err(failure)?;
    let mut open_calls = 0;
    while let Some(batch) = batches
        .message()
        .await
        .map_err(|status| Failure::of_status(&status))?
    {
        open_calls = batch.open_calls;
        for record in &batch.records {
            let record = wire::calls::record_from_wire(record)?.record;
            writer.write(&record).map_err(failure)?;
        }
    }
    let rows = writer.rows();
    writer.finish().map_err(failure)?;
    if open_calls > 0 {
        eprintln!("{open_calls} calls are left out: their end has not come yet");
    }
    eprintln!("{rows} calls exported");
    Ok(())
}

fn failure(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Letter { .. } => Failure::usage(error.to_string()),
        ExportError::Io(_) => error.into(),
    }
}

/// Whether what reads standard output has stopped reading, as `head` does.
fn nobody_reads(error: &anyhow::Error) -> bool {
    let written = error.downcast_ref::<ExportError>();
    matches!(written, Some(ExportError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe)
}

/// A file that is not complete yet, under another name and only for its owner. Removed when it is given up.
struct Unfinished {
    file: fs::File,
    path: PathBuf,
    complete: bool,
}

impl Unfinished {
    fn beside(path: &Path) -> anyhow::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Failure::usage(format!("--output {}: {error}", path.display())))?;
        Ok(Self {
            file,
            path,
            complete: false,
        })
    }

    fn complete(mut self, path: &Path) -> anyhow::Result<()> {
        self.file.sync_all().context("the export cannot be written")?;
        fs::rename(&self.path, path)
            .map_err(|error| Failure::usage(format!("--output {}: {error}", path.display())))?;
        self.complete = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.complete {
            let _ = fs::remove_file(&self.path);
        }
    }
}

//! `nrwdirekt export`: call records in the hotline's own form.

#![expect(clippy::print_stderr, reason = "what an export has to say beside its rows")]

use std::io::{self, Write};

use importer::TextEncoding;
use importer::hotline_export::{ExportError, ExportWriter};
use tonic::Streaming;
use wire::v1::reporting as proto;
use wire::v1::reporting::records_client::RecordsClient;

use crate::cli::{ExportArguments, ExportEncoding};
use crate::client;
use crate::exit::Failure;
use crate::output::Unfinished;

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

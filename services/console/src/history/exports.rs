//! Reports as files: what is shown, byte for byte what the command line writes.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use reports::{Encoding, Fault, Report};

use super::asked::Asked;
use super::choices::KnownChoices;
use super::kinds::{Kind, refused};
use super::statements;
use crate::Console;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// A report as a file.
pub(super) async fn export(
    State(console): State<Console>,
    Extension(choices): Extension<Arc<KnownChoices>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    if asked.art == "festschreibung" {
        let id = asked.nummer.parse().map_err(|_| Trouble::NotFound)?;
        let answer = statements::ask(&visitor.services, id).await?;
        let report = reports::statements::shown(&answer);
        return file(&report, &format!("festschreibung-{id}"), &asked.form);
    }
    let kind = Kind::from_name(&asked.art).ok_or(Trouble::NotFound)?;
    let form = asked.form.clone();
    let filter = asked.read((console.clock)())?;
    let choices = choices.get(&visitor.services).await?;
    let made = kind.make(&visitor.services, &filter, &choices).await;
    let made = made.map_err(|status| match refused(&status) {
        Some(fault) => Trouble::Unusable(fault),
        None => status.into(),
    })?;
    let name = match filter.days.from == filter.days.last {
        true => format!("{}-{}", kind.name(), filter.days.from),
        false => format!("{}-{}-{}", kind.name(), filter.days.from, filter.days.last),
    };
    file(&made.report, &name, &form)
}

/// A report in a form, to be kept under a name.
pub(crate) fn file(report: &Report, name: &str, form: &str) -> Result<Response, Trouble> {
    let (ending, kind, written) = match form {
        // Spreadsheets know the encoding by its first bytes.
        "csv" => ("csv", "text/csv; charset=utf-8", report.csv(Encoding::Utf8Bom)),
        "xlsx" => (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            report.xlsx(),
        ),
        "json" => ("json", "application/json", report.json()),
        _ => return Err(Trouble::NotFound),
    };
    let bytes = written.map_err(|fault| match fault {
        Fault::TooManyRows(_) => Trouble::Unusable(
            "Eine Arbeitsmappe hat nicht so viele Zeilen. Nehmen Sie weniger Tage, längere Intervalle oder CSV.".to_owned(),
        ),
        Fault::NotInEncoding | Fault::Unwritten(_) => {
            Trouble::Service(Box::new(tonic::Status::internal(fault.to_string())))
        }
    })?;
    let name = format!("attachment; filename=\"nrwdirekt-{name}.{ending}\"");
    Ok((
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        bytes,
    )
        .into_response())
}

//! The register of processing activities: to be read, and to be taken away.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use domain::local_time;
use wire::v1::privacy as proto;

use crate::Console;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

#[derive(Template, WebTemplate)]
#[template(path = "administration/register.html")]
pub(super) struct RegisterPage {
    layout: Layout,
    register: proto::ProcessingRegister,
}

impl RegisterPage {
    /// Who is responsible for what: name and task of each.
    fn parties(&self) -> Vec<&proto::Party> {
        let register = &self.register;
        let first = register
            .controller
            .iter()
            .chain(&register.data_protection_officer);
        first.chain(&register.processors).collect()
    }

    fn kept<'a>(&self, activity: &'a proto::ProcessingActivity) -> &'a str {
        activity
            .retention
            .as_ref()
            .map_or("", |retention| &retention.text)
    }
}

async fn register(visitor: &Visitor) -> Result<proto::ProcessingRegister, Trouble> {
    let mut services = visitor.services.register();
    let told = services.get_register(proto::GetRegisterRequest {}).await?;
    Ok(told.into_inner())
}

pub(super) async fn page(visitor: Visitor) -> Result<RegisterPage, Trouble> {
    Ok(RegisterPage {
        register: register(&visitor).await?,
        layout: Layout::of(&visitor, "Verzeichnis", "/verzeichnis").with_style("work.css"),
    })
}

/// The same document as the command line writes.
pub(super) async fn document(State(console): State<Console>, visitor: Visitor) -> Result<Response, Trouble> {
    let register = register(&visitor).await?;
    let today = local_time::day_of((console.clock)())
        .format("%d.%m.%Y")
        .to_string();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"verarbeitungsverzeichnis.html\"",
        ),
    ];
    Ok((headers, reports::register::html(&register, &today)).into_response())
}

//! Rules: their versions, what changed from one to the next, and a next one.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};
use tonic::Code;
use wire::v1::tickets as proto;

use crate::layout::Layout;
use crate::shown_ticket::Time;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// Versions on a page.
const PAGE: u32 = 50;
/// Lines around a change that are shown.
const CONTEXT: usize = 3;
const REGISTER: &str = "register/";

struct Version {
    version: u32,
    at: Time,
    by: String,
    note: String,
    digest: String,
}

impl Version {
    fn of(entry: &proto::RulesEntry) -> Self {
        Self {
            version: entry.version,
            at: Time::at(entry.applied_at_unix_ms),
            by: if entry.by.is_empty() {
                "–".to_owned()
            } else {
                entry.by.clone()
            },
            note: entry.note.clone(),
            digest: entry.digest.chars().take(12).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    vor: u32,
    #[serde(default)]
    getan: u32,
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/rules.html")]
pub(super) struct ListPage {
    layout: Layout,
    versions: Vec<Version>,
    /// The page after this one begins before this version.
    next: Option<u32>,
    is_first: bool,
    applied: u32,
}

pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<ListPage, Trouble> {
    let request = proto::ListRulesRequest {
        page_size: PAGE,
        before_version: asked.vor,
    };
    let entries = visitor
        .services
        .rules()
        .list_rules(request)
        .await?
        .into_inner()
        .entries;
    let is_full = entries.len() == PAGE as usize;
    Ok(ListPage {
        layout: Layout::of(&visitor, "Regeln", "/regeln").with_style("work.css"),
        next: entries
            .last()
            .filter(|last| is_full && last.version > 1)
            .map(|last| last.version),
        versions: entries.iter().map(Version::of).collect(),
        is_first: asked.vor == 0,
        applied: asked.getan,
    })
}

/// A line of a difference.
struct Line {
    tag: &'static str,
    text: String,
}

/// A document, with what changed since the version before.
struct Document {
    name: String,
    text: String,
    changed: Vec<Line>,
    how: &'static str,
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/version.html")]
pub(super) struct VersionPage {
    layout: Layout,
    version: Version,
    documents: Vec<Document>,
    is_newest: bool,
}

async fn get(visitor: &Visitor, version: u32) -> Result<proto::GetRulesResponse, Trouble> {
    let request = proto::GetRulesRequest { version };
    Ok(visitor.services.rules().get_rules(request).await?.into_inner())
}

type Texts = BTreeMap<String, String>;

/// The newest version and its documents; nothing where none was applied yet.
async fn newest(visitor: &Visitor) -> Result<(u32, Texts), Trouble> {
    match get(visitor, 0).await {
        Ok(newest) => {
            let version = newest.entry.map_or(0, |entry| entry.version);
            Ok((version, newest.documents))
        }
        Err(Trouble::NotFound) => Ok((0, Texts::new())),
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn version(visitor: Visitor, Path(version): Path<u32>) -> Result<VersionPage, Trouble> {
    let now = get(&visitor, version).await?;
    let before = match version {
        0 | 1 => Texts::new(),
        version => match get(&visitor, version - 1).await {
            Ok(before) => before.documents,
            Err(Trouble::NotFound) => Texts::new(),
            Err(trouble) => return Err(trouble),
        },
    };
    let (newest, _) = newest(&visitor).await?;
    let entry = now.entry.unwrap_or_default();
    Ok(VersionPage {
        layout: Layout::of(&visitor, "Regeln", "/regeln").with_style("work.css"),
        is_newest: newest == entry.version,
        version: Version::of(&entry),
        documents: documents(&before, &now.documents, version > 1),
    })
}

fn documents(before: &Texts, now: &Texts, has_before: bool) -> Vec<Document> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let text = |texts: &Texts, name: &str| texts.get(name).cloned().unwrap_or_default();
    let document = |name: &String| Document {
        changed: match has_before {
            true => difference(&text(before, name), &text(now, name)),
            false => Vec::new(),
        },
        how: match (has_before, before.get(name), now.get(name)) {
            (true, None, _) => "neu",
            (true, _, None) => "entfernt",
            (true, Some(before), Some(now)) if before != now => "geändert",
            _ => "",
        },
        text: text(now, name),
        name: name.clone(),
    };
    names.into_iter().map(document).collect()
}

/// Changed lines with some around them.
fn difference(before: &str, now: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, now);
    let mut lines = Vec::new();
    for (place, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if place > 0 {
            lines.push(Line {
                tag: "gap",
                text: "…".to_owned(),
            });
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            lines.push(Line {
                tag: match change.tag() {
                    ChangeTag::Delete => "del",
                    ChangeTag::Insert => "ins",
                    ChangeTag::Equal => "same",
                },
                text: change.value().trim_end_matches(['\r', '\n']).to_owned(),
            });
        }
    }
    lines
}

/// What came with the form of a next version.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Entered {
    /// The document: `routing.toml`, `figures.toml`, `register/NAME.toml`.
    #[serde(default)]
    dokument: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    grund: String,
    /// The version that the text was made from.
    #[serde(default)]
    version: u32,
    /// It was checked, and is to be applied.
    #[serde(default)]
    einspielen: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "administration/apply.html")]
pub(super) struct ApplyPage {
    layout: Layout,
    entered: Entered,
    names: Vec<String>,
    faults: Vec<String>,
    /// The faults are not in German.
    is_foreign: bool,
    checked: Option<Checked>,
}

/// What a check said.
struct Checked {
    version: u32,
    unchanged: bool,
    added: String,
    removed: String,
    changed: Vec<Line>,
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    dokument: String,
}

const DOCUMENTS: [&str; 2] = ["routing.toml", "figures.toml"];

fn page(visitor: &Visitor, entered: Entered, documents: &Texts) -> ApplyPage {
    let mut names: BTreeSet<String> = documents.keys().cloned().collect();
    names.extend(DOCUMENTS.map(str::to_owned));
    ApplyPage {
        layout: Layout::of(visitor, "Regeln einspielen", "/regeln")
            .with_style("work.css")
            .with_script("rules.js"),
        entered,
        names: names.into_iter().collect(),
        faults: Vec::new(),
        is_foreign: false,
        checked: None,
    }
}

pub(super) async fn new(visitor: Visitor, Query(chosen): Query<Chosen>) -> Result<ApplyPage, Trouble> {
    let (version, documents) = newest(&visitor).await?;
    let dokument = match chosen.dokument.as_str() {
        "" => DOCUMENTS[0].to_owned(),
        name => name.to_owned(),
    };
    let entered = Entered {
        text: documents.get(&dokument).cloned().unwrap_or_default(),
        dokument,
        version,
        ..Entered::default()
    };
    Ok(page(&visitor, entered, &documents))
}

fn request(
    entered: &Entered,
    documents: &Texts,
    by: &str,
    dry_run: bool,
) -> Option<proto::ApplyRulesRequest> {
    // Browsers send line ends of their own.
    let text = entered.text.replace("\r\n", "\n");
    let mut request = proto::ApplyRulesRequest {
        expected_version: entered.version,
        by: by.to_owned(),
        note: entered.grund.trim().to_owned(),
        dry_run,
        ..proto::ApplyRulesRequest::default()
    };
    match entered.dokument.as_str() {
        "routing.toml" => request.routing = Some(text),
        "figures.toml" => request.figures = Some(text),
        name => {
            let name = name.strip_prefix(REGISTER)?;
            let others = documents
                .iter()
                .filter_map(|(name, text)| Some((name.strip_prefix(REGISTER)?.to_owned(), text.clone())));
            let mut files: Texts = others.collect();
            files.insert(name.to_owned(), text);
            request.register = Some(proto::RegisterFiles { files });
        }
    }
    Some(request)
}

/// Checks a document, and applies it when it was checked before.
pub(super) async fn apply(visitor: Visitor, Form(entered): Form<Entered>) -> Result<Response, Trouble> {
    let (_, documents) = newest(&visitor).await?;
    let before = documents.get(&entered.dokument).cloned().unwrap_or_default();
    let mut page = page(&visitor, entered, &documents);
    let wants = !page.entered.einspielen.is_empty();
    let by = &visitor.principal.name;
    let Some(request) = request(&page.entered, &documents, by, !wants) else {
        return Err(Trouble::Unusable("Wählen Sie ein Dokument.".to_owned()));
    };
    if wants && page.entered.grund.trim().is_empty() {
        page.faults
            .push("Geben Sie an, warum die Regeln geändert werden.".to_owned());
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    match visitor.services.rules().apply_rules(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            if wants && !answer.unchanged {
                return Ok(Redirect::to(&format!("/regeln?getan={}", answer.version)).into_response());
            }
            page.checked = Some(Checked {
                version: answer.version,
                unchanged: answer.unchanged,
                added: answer.added_departments.join(", "),
                removed: answer.removed_departments.join(", "),
                changed: difference(&before, &page.entered.text.replace("\r\n", "\n")),
            });
            Ok(page.into_response())
        }
        Err(status) if status.code() == Code::InvalidArgument => {
            page.faults = status.message().lines().map(str::to_owned).collect();
            page.is_foreign = true;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(status) if status.code() == Code::FailedPrecondition => {
            page.faults.push(
                "Mit diesen Regeln gäbe es einen Newsletter oder eine Veranstaltung nicht mehr, für die noch Anmeldungen \
                 gespeichert sind. Behalten Sie die Kennung bei, oder exportieren Sie die Anmeldungen, und spielen Sie die \
                 Regeln mit „config apply --discard-entries“ ein; das löscht sie."
                    .to_owned(),
            );
            let lines = status
                .message()
                .lines()
                .filter(|line| line.starts_with("routing: "));
            page.faults.extend(lines.map(str::to_owned));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(status) if status.code() == Code::Aborted => {
            let fault = "Inzwischen hat jemand anderes Regeln eingespielt. Vergleichen Sie Ihren Text mit der neuesten \
                         Fassung, bevor Sie weitermachen; er steht noch hier.";
            page.faults.push(fault.to_owned());
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(status) => Err(status.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Again {
    #[serde(default)]
    grund: String,
}

/// Applies an earlier version again.
pub(super) async fn again(
    visitor: Visitor,
    Path(version): Path<u32>,
    Form(entered): Form<Again>,
) -> Result<Redirect, Trouble> {
    let note = entered.grund.trim();
    if note.is_empty() {
        return Err(Trouble::Unusable(
            "Geben Sie an, warum diese Fassung wieder gelten soll.".to_owned(),
        ));
    }
    let request = proto::ApplyRulesRequest {
        again: version,
        by: visitor.principal.name.clone(),
        note: note.to_owned(),
        ..proto::ApplyRulesRequest::default()
    };
    let answer = visitor.services.rules().apply_rules(request).await?.into_inner();
    Ok(Redirect::to(&format!("/regeln?getan={}", answer.version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changed_with_some_lines_around() {
        let before = "a\nb\nc\nd\ne\nf\n";
        let lines = difference(before, &before.replace('e', "E"));
        let shown: Vec<_> = lines.iter().map(|line| (line.tag, line.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("same", "b"),
                ("same", "c"),
                ("same", "d"),
                ("del", "e"),
                ("ins", "E"),
                ("same", "f")
            ]
        );
        assert!(difference(before, before).is_empty());
    }

    #[test]
    fn one_file_of_the_register_is_sent_with_the_others() {
        let documents = Texts::from([
            ("routing.toml".to_owned(), "r".to_owned()),
            ("register/a.toml".to_owned(), "a".to_owned()),
            ("register/b.toml".to_owned(), "b".to_owned()),
        ]);
        let entered = Entered {
            dokument: "register/b.toml".to_owned(),
            text: "B\r\n".to_owned(),
            ..Entered::default()
        };
        let request = request(&entered, &documents, "anna", true).expect("a document");
        let files = request.register.expect("the register").files;
        assert_eq!(files["a.toml"], "a");
        assert_eq!(files["b.toml"], "B\n");
        assert_eq!(request.routing, None);
    }
}

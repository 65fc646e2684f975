//! What a department does with a ticket: replies, as they would come over Kafka.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ticket::{AttemptOutcome, NOTE_LENGTH_MAX, TicketState, ToldOf};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Code;
use wire::v1::tickets as proto;

use crate::Console;
use crate::layout::Layout;
use crate::sent_form::SentForm;
use crate::shown_ticket::{self, Choice, Names, ShownTicket};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::words;

/// The id of a reply: one a form, so that a form that is sent twice is applied once.
pub(super) fn new_id() -> String {
    format!("console-{}", uuid::Uuid::new_v4())
}

/// What is said after an act.
pub(super) fn done(name: &str) -> Option<&'static str> {
    Some(match name {
        "annehmen" => "Angenommen. Die Bürgerin oder der Bürger wartet jetzt auf Ihren Rückruf.",
        "versuch" => "Der Versuch ist vermerkt.",
        "beantworten" => "Der Vorgang ist beantwortet.",
        "unerreicht" => "Der Vorgang ist als nicht erreicht gemeldet.",
        "zurueckgeben" => "Der Vorgang ist zurückgegeben und liegt nicht mehr bei Ihnen.",
        "loeschung" => "Die Löschung ist bestätigt.",
        "einschraenkung" => "Die Einschränkung ist bestätigt.",
        "berichtigung" => "Die Berichtigung ist bestätigt.",
        "wartet" => {
            "Die Meldung ist gespeichert und wird gleich verarbeitet. Laden Sie die Seite in einigen Sekunden neu."
        }
        _ => return None,
    })
}

/// What came with a form; kept when it has a fault.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Entered {
    /// The id of the reply.
    #[serde(default)]
    kennung: String,
    /// The version of the ticket that was seen.
    #[serde(default)]
    version: u64,
    #[serde(default)]
    ausgang: String,
    #[serde(default)]
    notiz: String,
    #[serde(default)]
    grund: String,
    #[serde(default)]
    stelle: String,
    #[serde(default)]
    geloescht: String,
    /// Of the ticket, where the page is not about one.
    #[serde(default)]
    vorgang: String,
    /// What is confirmed, on the page of what the department was told.
    #[serde(default)]
    wovon: String,
    #[serde(skip)]
    sent: SentForm,
    #[serde(skip)]
    done: Option<&'static str>,
}

impl Entered {
    /// Of a page that nothing was entered on yet.
    pub(super) fn new(done_before: &str) -> Self {
        Self {
            kennung: new_id(),
            done: done(done_before),
            ..Self::default()
        }
    }

    /// Makes it the form of what it confirms: whoever presses that button has done it.
    pub(super) fn confirms(&mut self) {
        let form = match ToldOf::from_name(&self.wovon) {
            Some(ToldOf::Rectified) => "berichtigung",
            Some(ToldOf::Restricted) => "einschraenkung",
            Some(ToldOf::Erased) => "loeschung",
            None => "",
        };
        form.clone_into(&mut self.sent.name);
        "ja".clone_into(&mut self.geloescht);
    }

    /// The number of the ticket, where the page is not about one.
    pub(super) fn ticket(&self) -> &str {
        self.vorgang.trim()
    }

    /// The content of the reply, by the schema of the topic.
    fn payload(&self, ticket: &str) -> Result<Value, String> {
        let mut payload = json!({ "ticket_id": ticket });
        if self.version > 0 {
            payload["version"] = self.version.into();
        }
        let kind = match self.sent.name.as_str() {
            "annehmen" => "accepted",
            "versuch" => {
                let outcome = AttemptOutcome::from_name(&self.ausgang);
                let outcome = outcome.ok_or("Wählen Sie, was der Rückruf ergeben hat.")?;
                payload["outcome"] = outcome.name().into();
                "callback_attempted"
            }
            "beantworten" => "answered",
            "unerreicht" => "unreachable",
            "zurueckgeben" => {
                let reason = text(&self.grund)?;
                payload["reason"] = reason
                    .ok_or("Sagen Sie, warum Ihre Stelle nicht zuständig ist.")?
                    .into();
                if !self.stelle.is_empty() {
                    payload["suggested_department"] = self.stelle.as_str().into();
                }
                "returned"
            }
            "loeschung" => {
                if self.geloescht.is_empty() {
                    return Err(
                        "Bestätigen Sie mit dem Häkchen, dass nichts mehr aufbewahrt wird.".to_owned(),
                    );
                }
                "erasure_confirmed"
            }
            "einschraenkung" => "restriction_confirmed",
            "berichtigung" => "rectification_confirmed",
            _ => return Err("Diese Art von Meldung gibt es nicht.".to_owned()),
        };
        payload["type"] = kind.into();
        if let ("versuch" | "beantworten" | "unerreicht", Some(note)) =
            (self.sent.name.as_str(), text(&self.notiz)?)
        {
            payload["note"] = note.into();
        }
        Ok(payload)
    }
}

fn text(text: &str) -> Result<Option<&str>, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Ok(None),
        1..=NOTE_LENGTH_MAX => Ok(Some(text)),
        _ => Err(format!("Kürzen Sie den Text auf {NOTE_LENGTH_MAX} Zeichen.")),
    }
}

/// One ticket, and what can be done with it.
#[derive(Template, WebTemplate)]
#[template(path = "inbox/ticket.html")]
pub(super) struct TicketPage {
    layout: Layout,
    ticket: ShownTicket,
    entered: Entered,
    outcomes: Vec<Choice>,
    departments: Vec<Choice>,
}

impl TicketPage {
    pub(super) async fn load(
        console: &Console,
        visitor: &Visitor,
        id: &str,
        entered: Entered,
    ) -> Result<Self, Trouble> {
        let ticket = shown_ticket::ticket(visitor, id).await?;
        let names = Names::of(visitor, (console.clock)()).await?;
        let departments = names.departments.others(&ticket.department);
        let outcomes = AttemptOutcome::ALL.iter().map(|outcome| Choice {
            id: outcome.name().to_owned(),
            name: words::outcome(*outcome).to_owned(),
        });
        Ok(Self {
            layout: Layout::of(visitor, "Vorgang", "/eingang").with_style("work.css"),
            ticket: names.show(ticket),
            entered,
            outcomes: outcomes.collect(),
            departments,
        })
    }

    fn can_accept(&self) -> bool {
        self.ticket.is_in(&[TicketState::Open, TicketState::HandedOver])
    }

    fn can_attempt(&self) -> bool {
        self.ticket.is_owed || self.ticket.is_in(&[TicketState::Unreachable])
    }

    fn can_answer(&self) -> bool {
        self.can_attempt() || self.ticket.is_in(&[TicketState::Withdrawn])
    }

    fn is_erased(&self) -> bool {
        self.ticket.is_in(&[TicketState::Erased])
    }
}

/// Sends what a form says. A fault shows the page again, with all that was entered.
pub(super) async fn reply(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, form)): Path<(String, String)>,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    entered.sent.name.clone_from(&form);
    let department = match &visitor.principal.department {
        Some(own) => own.to_string(),
        None => shown_ticket::ticket(&visitor, &id).await?.department,
    };
    match send(&visitor, &department, &id, &entered).await? {
        Sent::Applied(name) if form == "zurueckgeben" => {
            Ok(Redirect::to(&format!("/eingang?getan={name}")).into_response())
        }
        Sent::Applied(name) => Ok(Redirect::to(&format!("/eingang/{id}?getan={name}")).into_response()),
        Sent::Refused { fault, status, spent } => {
            entered.sent.fault = Some(fault);
            if spent {
                // The id of a refused reply is spent: under it the refusal would come again.
                entered.kennung = new_id();
            }
            let page = TicketPage::load(&console, &visitor, &id, entered).await?;
            Ok((status, page).into_response())
        }
    }
}

/// What came of a reply.
pub(super) enum Sent {
    /// What is said of it.
    Applied(String),
    /// Why nothing came of it.
    Refused {
        fault: String,
        status: StatusCode,
        /// The id of the reply must not be used again.
        spent: bool,
    },
}

pub(super) async fn send(
    visitor: &Visitor,
    department: &str,
    ticket: &str,
    entered: &Entered,
) -> Result<Sent, Trouble> {
    let payload = match entered.payload(ticket) {
        Ok(payload) => payload.to_string(),
        Err(fault) => {
            return Ok(Sent::Refused {
                fault,
                status: StatusCode::UNPROCESSABLE_ENTITY,
                spent: false,
            });
        }
    };
    let request = proto::ReplyRequest {
        department: department.to_owned(),
        payload,
        // The forms of a page share an id; each is a reply of its own.
        reply_id: format!("{}-{}", entered.kennung, entered.sent.name),
    };
    match visitor.services.handover().reply(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            Ok(match (answer.applied, answer.pending) {
                (true, _) => Sent::Applied(entered.sent.name.clone()),
                (false, true) => Sent::Applied("wartet".to_owned()),
                (false, false) => Sent::Refused {
                    fault: words::rejection(&answer.code).to_owned(),
                    status: StatusCode::CONFLICT,
                    spent: true,
                },
            })
        }
        Err(status) if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) => Ok(Sent::Refused {
            fault: "Der Dienst antwortet im Augenblick nicht. Ihre Eingaben sind noch da; senden Sie sie gleich noch \
                    einmal. Doppelt wird nichts."
                .to_owned(),
            status: StatusCode::SERVICE_UNAVAILABLE,
            spent: false,
        }),
        Err(status) => Err(status.into()),
    }
}

/// Confirms the erasure of a ticket that went to others before: it is in no list of the department any more.
pub(super) async fn confirm_erasure(
    visitor: Visitor,
    Form(mut entered): Form<Entered>,
) -> Result<Response, Trouble> {
    "loeschung".clone_into(&mut entered.sent.name);
    let Some(department) = visitor.principal.department.clone() else {
        return Err(Trouble::Forbidden);
    };
    let ticket = domain::ticket::spoken_ticket_id(&entered.vorgang).ok_or_else(|| {
        Trouble::Unusable("Geben Sie die Nummer des Vorgangs an, etwa T-7K3M-9QXW.".to_owned())
    })?;
    match send(&visitor, department.as_str(), ticket.as_str(), &entered).await? {
        Sent::Applied(name) => Ok(Redirect::to(&format!("/eingang?getan={name}")).into_response()),
        Sent::Refused { fault, .. } => Err(Trouble::Unusable(fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(form: &str) -> Entered {
        Entered {
            sent: SentForm {
                name: form.to_owned(),
                fault: None,
            },
            version: 3,
            ..Entered::default()
        }
    }

    #[test]
    fn every_form_gives_a_reply_of_the_schema() {
        let mut attempt = entered("versuch");
        attempt.ausgang = "busy".to_owned();
        attempt.notiz = " 12 Uhr ".to_owned();
        assert_eq!(
            attempt.payload("T-7K3M-9QXW"),
            Ok(
                json!({"ticket_id": "T-7K3M-9QXW", "version": 3, "type": "callback_attempted", "outcome": "busy", "note": "12 Uhr"})
            )
        );
        let mut returned = entered("zurueckgeben");
        returned.grund = "Nicht unser Bescheid".to_owned();
        returned.stelle = "b".to_owned();
        assert_eq!(
            returned.payload("T-7K3M-9QXW"),
            Ok(
                json!({"ticket_id": "T-7K3M-9QXW", "version": 3, "type": "returned", "reason": "Nicht unser Bescheid", "suggested_department": "b"})
            )
        );
        let mut confirmed = entered("");
        confirmed.version = 0;
        for (of, kind) in [
            ("rectified", "rectification_confirmed"),
            ("restricted", "restriction_confirmed"),
            ("erased", "erasure_confirmed"),
        ] {
            of.clone_into(&mut confirmed.wovon);
            confirmed.confirms();
            assert_eq!(
                confirmed.payload("T-7K3M-9QXW"),
                Ok(json!({"ticket_id": "T-7K3M-9QXW", "type": kind}))
            );
        }
        assert_eq!(
            entered("annehmen").payload("T-7K3M-9QXW"),
            Ok(json!({"ticket_id": "T-7K3M-9QXW", "version": 3, "type": "accepted"}))
        );
    }

    #[test]
    fn what_is_missing_is_said_in_german() {
        for (form, said) in [
            ("versuch", "Wählen Sie"),
            ("zurueckgeben", "Sagen Sie, warum"),
            ("loeschung", "Häkchen"),
            ("erfunden", "gibt es nicht"),
        ] {
            let fault = entered(form).payload("T-7K3M-9QXW").unwrap_err();
            assert!(fault.contains(said), "{form}: {fault}");
        }
        let mut long = entered("beantworten");
        long.notiz = "x".repeat(2001);
        assert!(long.payload("T-7K3M-9QXW").unwrap_err().contains("2000"));
    }
}

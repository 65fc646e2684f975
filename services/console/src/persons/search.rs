//! What is kept of a person. What is searched for travels in the body alone: never in an address.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tonic::Status;
use wire::v1::privacy as proto;

use super::entries::Entry;
use crate::Console;
use crate::layout::Layout;
use crate::shown_ticket::{Names, Time};
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::words::{self, Badge};

/// Calls that are shown.
const CALLS: u32 = 100;

#[derive(Clone, Default, Deserialize)]
pub(super) struct Marks {
    #[serde(default)]
    pub(super) telefon: String,
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) vorname: String,
    #[serde(default)]
    pub(super) vorgang: String,
}

impl Marks {
    pub(super) fn sent(&self) -> proto::PersonMarks {
        proto::PersonMarks {
            phone: self.telefon.trim().to_owned(),
            email: self.email.trim().to_owned(),
            name: self.name.trim().to_owned(),
            first_name: self.vorname.trim().to_owned(),
            postal_code: String::new(),
            ticket_id: self.vorgang.trim().to_owned(),
        }
    }

    /// What tells this person from others who were found.
    fn of(&self, person: &proto::FoundPerson) -> Self {
        match person.tickets.first() {
            Some(ticket) => Self {
                vorgang: ticket.ticket_id.clone(),
                ..Self::default()
            },
            None => Self {
                name: person.name.clone(),
                vorname: person.first_name.clone(),
                ..self.clone()
            },
        }
    }
}

/// A person who was found.
struct Person {
    name: String,
    tickets: Vec<Ticket>,
    entries: Vec<Entry>,
    /// By what the person is meant in what follows: a ticket, else what was searched for and the names that were found.
    known_by: Marks,
    is_restricted: bool,
}

struct Ticket {
    id: String,
    at: Time,
    procedure: String,
    department: String,
    state: Badge,
    restricted: bool,
}

struct Call {
    identity: String,
    at: Option<Time>,
    hotline: String,
    /// The house made the call.
    outbound: bool,
    whose: String,
    restricted: bool,
}

#[derive(Template, WebTemplate)]
#[template(path = "persons/search.html")]
pub(super) struct SearchPage {
    layout: Layout,
    marks: Marks,
    fault: Option<String>,
    done: Option<String>,
    searched: bool,
    persons: Vec<Person>,
    calls: Vec<Call>,
    calls_total: i64,
    /// Entries of an address that several have.
    entries_left: u32,
    rejected: usize,
    incomplete: bool,
    /// The idempotency key of what is done next.
    key: String,
}

impl SearchPage {
    pub(super) fn new(visitor: &Visitor, marks: Marks) -> Self {
        Self {
            layout: Layout::of(visitor, "Betroffene", "/betroffene").with_style("work.css"),
            marks,
            fault: None,
            done: None,
            searched: false,
            persons: Vec::new(),
            calls: Vec::new(),
            calls_total: 0,
            entries_left: 0,
            rejected: 0,
            incomplete: false,
            key: uuid::Uuid::new_v4().to_string(),
        }
    }

    /// Fills in what is found by the marks.
    async fn search(&mut self, console: &Console, visitor: &Visitor) -> Result<(), Trouble> {
        let names = Names::of(visitor, (console.clock)()).await?;
        let request = proto::FindPersonsRequest {
            marks: Some(self.marks.sent()),
            page_size: CALLS,
            ..proto::FindPersonsRequest::default()
        };
        let found = visitor
            .services
            .rights()
            .find_persons(request)
            .await?
            .into_inner();
        let ticket = |ticket: &proto::FoundTicket| Ticket {
            id: ticket.ticket_id.clone(),
            at: Time::at(ticket.created_at_unix_ms),
            procedure: names.procedure(&ticket.procedure).to_owned(),
            department: names.departments.name(&ticket.department).to_owned(),
            state: words::state(&ticket.state),
            restricted: ticket.restricted,
        };
        self.persons = found
            .persons
            .iter()
            .map(|person| Person {
                name: named(person),
                known_by: self.marks.of(person),
                entries: person
                    .entries
                    .iter()
                    .map(|entry| Entry::of(entry, &names))
                    .collect(),
                is_restricted: person.tickets.iter().any(|ticket| ticket.restricted)
                    || person.entries.iter().any(|entry| entry.restricted),
                tickets: person.tickets.iter().map(ticket).collect(),
            })
            .collect();
        self.calls = found
            .calls
            .iter()
            .map(|call| Call {
                identity: call.identity.clone(),
                at: call.started_at_unix_ms.map(Time::at),
                hotline: call.hotline.clone(),
                outbound: call.outbound,
                whose: whose(call, &self.persons),
                restricted: call.restricted,
            })
            .collect();
        self.calls_total = found.calls_total;
        self.entries_left = found.entries_left;
        self.rejected = found.rejected_items.len();
        self.incomplete = found.incomplete;
        self.searched = true;
        Ok(())
    }

    /// The page with what is wrong, or the trouble behind it.
    pub(super) fn with_fault(mut self, status: Status) -> Result<Response, Trouble> {
        match fault(&status) {
            Some(fault) => {
                self.fault = Some(fault);
                Ok((StatusCode::UNPROCESSABLE_ENTITY, self).into_response())
            }
            None => Err(status.into()),
        }
    }
}

fn named(person: &proto::FoundPerson) -> String {
    let name = format!("{} {}", person.first_name, person.name);
    match name.trim() {
        "" => "Ohne Namen".to_owned(),
        name => name.to_owned(),
    }
}

fn whose(call: &proto::FoundCall, persons: &[Person]) -> String {
    let at = (call.person as usize).checked_sub(1);
    match (at.and_then(|at| persons.get(at)), call.shared) {
        (Some(person), _) => person.name.clone(),
        (None, true) => "unbekannt: mehrere Personen haben die Nummer".to_owned(),
        (None, false) => String::new(),
    }
}

/// What a service says about what was entered, in German; `None` if it says something else.
pub(super) fn fault(status: &Status) -> Option<String> {
    use tonic::Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    let is_fault = matches!(
        status.code(),
        InvalidArgument | FailedPrecondition | AlreadyExists | Aborted | NotFound
    );
    let message = status.message();
    if message.starts_with("name:") && message.contains("persons are known") {
        return Some("Mehrere Personen haben diese Angaben. Wählen Sie eine von ihnen.".to_owned());
    }
    german(message).filter(|_| is_fault).map(str::to_owned)
}

/// What a message of the services says, in German.
pub(super) fn german(message: &str) -> Option<&'static str> {
    let known = [
        (
            "phone: say by what",
            "Geben Sie Telefonnummer, E-Mail-Adresse, Familienname oder Vorgangsnummer an.",
        ),
        ("phone: this is no", "Das ist keine Telefonnummer."),
        ("email:", "Das ist keine E-Mail-Adresse."),
        (
            "name: with first_name",
            "Geben Sie zum Vornamen auch den Familiennamen an.",
        ),
        (
            "ticket_id: give either",
            "Geben Sie entweder die Vorgangsnummer oder andere Angaben an, nicht beides.",
        ),
        (
            "ticket_id: there is no",
            "Diesen Vorgang gibt es nicht, oder er sagt nichts mehr über eine Person.",
        ),
        (
            "ticket_id: the ticket is restricted",
            "Die Verarbeitung des Vorgangs ist schon eingeschränkt.",
        ),
        (
            "ticket_id: the ticket is not restricted",
            "Die Verarbeitung des Vorgangs ist nicht eingeschränkt.",
        ),
        ("ticket_id:", "Das ist keine Vorgangsnummer."),
        ("reason:", "Geben Sie einen Grund an, ohne etwas über die Person."),
        (
            "number: note first",
            "Vermerken Sie zuerst, wie die Identität geprüft wurde.",
        ),
        ("number: the case is decided", "Der Antrag ist schon entschieden."),
        (
            "number: the time was",
            "Die Frist wurde schon verlängert; das geht einmal (Art. 12 Abs. 3 DSGVO).",
        ),
        (
            "number: the month is over",
            "Der Monat ist um; die Frist lässt sich nicht mehr verlängern.",
        ),
        (
            "number: you have approved",
            "Sie haben den Antrag schon freigegeben; das muss jemand anderes tun.",
        ),
        (
            "number: another data",
            "Jemand anderes vom Datenschutz muss den Antrag erst freigeben.",
        ),
        (
            "marks: nothing is kept",
            "Zu diesen Angaben ist nichts gespeichert: Es wurde nichts getan.",
        ),
        (
            "marks: nothing was done",
            "Es wurde nichts getan: Niemand weiß, wessen die Anrufe und Anmeldungen sind. Grenzen Sie die Suche ein.",
        ),
        ("grounds:", "Geben Sie die Gründe an."),
        ("text:", "Geben Sie einen Vermerk an, ohne etwas über die Person."),
        ("how:", "Geben Sie an, wie die Identität geprüft wurde."),
        (
            "received",
            "Geben Sie den Tag des Eingangs an; er liegt nicht nach heute.",
        ),
        (
            "department: it was not told",
            "Diese Stelle hat nichts zu bestätigen.",
        ),
        (
            "somebody else",
            "Inzwischen hat jemand anderes etwas geändert. Laden Sie die Seite neu.",
        ),
        (
            "phone, email, name: nothing is kept",
            "Zu dieser Person ist nichts mehr gespeichert.",
        ),
        (
            "name: there are more tickets",
            "Zu diesen Angaben gibt es mehr Vorgänge, als ein Auftrag erfasst. Grenzen Sie die Suche ein.",
        ),
        ("case_number: the case is", "Der Antrag ist schon entschieden."),
        ("person_of_ticket: there is no", "Diesen Vorgang gibt es nicht."),
        (
            "person_of_ticket:",
            "Geben Sie entweder die Vorgangsnummer oder andere Angaben an, nicht beides.",
        ),
        (
            "case_number: an erasure needs",
            "Eine Löschung braucht hier einen Antrag, den zwei Datenschutzbeauftragte freigegeben haben.",
        ),
        ("case_number: there is no case", "Diesen Antrag gibt es nicht."),
        (
            "case_number: case",
            "In diesem Antrag geht es um jemand anderen, oder er sagt nicht genau, um wen: Nennen Sie den Antrag dieser \
             Person, oder legen Sie einen an, der einen Vorgang nennt oder Nummer, Familienname und Vorname.",
        ),
        (
            "case_number: this case is about",
            "In diesem Antrag geht es um etwas anderes.",
        ),
        (
            "idempotency_key: it was used",
            "Dieses Formular wurde schon mit anderen Angaben gesendet. Laden Sie die Seite neu.",
        ),
    ];
    let found = known.iter().find(|(begins, _)| message.starts_with(begins));
    found.map(|(_, german)| *german)
}

pub(super) async fn form(visitor: Visitor) -> SearchPage {
    SearchPage::new(&visitor, Marks::default())
}

pub(super) async fn find(
    State(console): State<Console>,
    visitor: Visitor,
    Form(marks): Form<Marks>,
) -> Result<Response, Trouble> {
    let mut page = SearchPage::new(&visitor, marks);
    match page.search(&console, &visitor).await {
        Ok(()) => Ok(page.into_response()),
        Err(Trouble::Service(status)) => page.with_fault(*status),
        Err(Trouble::NotFound) => {
            page.fault =
                Some("Diesen Vorgang gibt es nicht, oder er sagt nichts mehr über eine Person.".to_owned());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(trouble) => Err(trouble),
    }
}

/// Something that is to be done for a person.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    pub(super) marks: Marks,
    #[serde(default)]
    form: String,
    #[serde(default)]
    pub(super) grund: String,
    #[serde(default)]
    pub(super) kennung: String,
    #[serde(default)]
    pub(super) antrag: String,
    /// That a person is really to be erased.
    #[serde(default)]
    pub(super) bestaetigt: String,
}

impl Asked {
    pub(super) fn case(&self) -> Result<i64, Trouble> {
        match self.antrag.trim() {
            "" => Ok(0),
            number => number
                .parse()
                .map_err(|_| Trouble::Unusable("Die Nummer des Antrags ist eine Zahl.".to_owned())),
        }
    }
}

/// The document, or the data, to be saved.
pub(super) async fn tell(visitor: Visitor, Form(asked): Form<Asked>) -> Result<Response, Trouble> {
    let as_data = asked.form == "daten";
    let request = proto::TellPersonRequest {
        marks: Some(asked.marks.sent()),
        as_data,
        case_number: asked.case()?,
    };
    let told = visitor.services.rights().tell_person(request).await;
    let mut pieces = match told {
        Ok(pieces) => pieces.into_inner(),
        Err(status) => return SearchPage::new(&visitor, asked.marks).with_fault(status),
    };
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await? {
        content.extend(piece.content);
    }
    let (kind, name) = match as_data {
        true => ("application/json", "attachment; filename=\"daten.json\""),
        false => (
            "text/html; charset=utf-8",
            "attachment; filename=\"auskunft.html\"",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, content).into_response())
}

pub(super) async fn restrict(
    State(console): State<Console>,
    visitor: Visitor,
    Form(asked): Form<Asked>,
) -> Result<Response, Trouble> {
    act(&console, &visitor, asked, true).await
}

pub(super) async fn lift(
    State(console): State<Console>,
    visitor: Visitor,
    Form(asked): Form<Asked>,
) -> Result<Response, Trouble> {
    act(&console, &visitor, asked, false).await
}

/// A count with its noun.
fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

async fn act(
    console: &Console,
    visitor: &Visitor,
    asked: Asked,
    restrict: bool,
) -> Result<Response, Trouble> {
    let request = proto::RestrictRequest {
        idempotency_key: asked.kennung.clone(),
        ticket_ids: Vec::new(),
        marks: Some(asked.marks.sent()),
        reason: asked.grund.clone(),
        case_number: asked.case()?,
    };
    let mut rights = visitor.services.rights();
    let done = match restrict {
        true => rights.restrict(request).await,
        false => rights.lift_restriction(request).await,
    };
    let mut page = SearchPage::new(visitor, asked.marks);
    let done = match done {
        Ok(done) => done.into_inner(),
        Err(status) => return page.with_fault(status),
    };
    let what = if restrict {
        "Eingeschränkt"
    } else {
        "Einschränkung aufgehoben"
    };
    page.done = Some(format!(
        "{what}: {}, {}, {}.",
        counted(done.ticket_ids.len(), "Vorgang", "Vorgänge"),
        counted(done.calls as usize, "Anruf", "Anrufe"),
        counted(done.entries as usize, "Anmeldung", "Anmeldungen")
    ));
    page.search(console, visitor).await?;
    Ok(page.into_response())
}

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use access::testing::MemoryAudit;
use domain::access::Principal;
use domain::procedure::{Register, RegisterFile};
use domain::routing::{RoutingConfig, RoutingTable};
use domain::rulebook::RulesVersion;
use proto::ticketing_server::Ticketing;
use store::sqlite::SqliteTickets;
use tonic::Code;

use super::*;

pub(super) struct Desk {
    pub(super) service: TicketingService,
    pub(super) store: Arc<SqliteTickets>,
    pub(super) audit: Arc<MemoryAudit>,
    woken: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

fn desk() -> Desk {
    desk_with(|_| {})
}

/// A desk whose rules were changed.
pub(super) fn desk_with(change: impl FnOnce(&mut RoutingConfig)) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteTickets::open(&folder.path().join("tickets.db")).unwrap());
    let department = |id: &str| domain::routing::Department::new(DepartmentId::new(id), id);
    let departments = ["clearing", "a", "b"].map(department);
    let mut config = RoutingConfig::of(DepartmentId::new("clearing"), departments.into());
    change(&mut config);
    let table = Arc::new(RoutingTable::new(config).unwrap());
    let rules = Arc::new(Rulebook {
        version: RulesVersion(7),
        routing: table,
        register: Arc::new(register()),
        figures: Arc::default(),
    });
    let (audit, trail) = MemoryAudit::with_trail();
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let service = TicketingService::new(TicketingParts {
        store: Arc::clone(&store) as Arc<dyn TicketStore>,
        rules: Arc::new(move || Arc::clone(&rules)),
        due_policy: DuePolicy::default(),
        erased_by_case: false,
        reopen_within: TimeDelta::days(30),
        video: None,
        identity_key: IdentityKey::new([7; 32]),
        // Wednesday 2026-12-23 16:30 in Düsseldorf.
        clock: Arc::new(|| "2026-12-23T15:30:00.123456Z".parse().unwrap()),
        wake: Some(Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })),
        audit: trail,
    });
    Desk {
        service,
        store,
        audit,
        woken,
        _folder: folder,
    }
}

/// The built-in register, and a procedure that always goes to one department.
fn register() -> Register {
    let text = r#"
        id = "accessibility"
        title = "Barriere melden"
        kind = "ticket"
        purpose = "Abbau von Barrieren"
        legal_basis = ["Art. 6 Abs. 1 Buchst. e DSGVO"]
        recipients = ["Überwachungsstelle"]
        department = "a"
        concern = ["page"]
        retention = { after = "last_handled", years = 1, text = "Ein Jahr." }
        field = [{ id = "page", title = "Seite", type = "line", required = true }]
    "#;
    let file = RegisterFile {
        name: "accessibility.toml".to_owned(),
        text: text.to_owned(),
    };
    Register::with(&[file]).unwrap()
}

/// A request of whoever runs the node.
pub(super) fn by_operator<T>(message: T) -> Request<T> {
    wire::access::by(Principal::operator(), message)
}

pub(super) fn fields<const N: usize>(fields: [(&str, &str); N]) -> BTreeMap<String, String> {
    fields.map(|(id, text)| (id.to_owned(), text.to_owned())).into()
}

pub(super) fn request(key: &str) -> proto::LogCallbackRequest {
    proto::LogCallbackRequest {
        idempotency_key: key.to_owned(),
        fields: fields([
            ("phone", "0221 4710123"),
            ("postal_code", "50667"),
            ("concern", "Frage zum Bescheid"),
        ]),
        hotline: "Steuern und Finanzen".to_owned(),
        call: "telephone/4711".to_owned(),
        agent: "anna".to_owned(),
        ..Default::default()
    }
}

pub(super) async fn log(
    desk: &Desk,
    request: proto::LogCallbackRequest,
) -> Result<proto::LogCallbackResponse, Status> {
    desk.service
        .log_callback(by_operator(request))
        .await
        .map(Response::into_inner)
}

#[tokio::test]
async fn a_request_becomes_a_ticket_with_department_and_due_time() {
    let desk = desk();
    let ticket = log(&desk, request("k1")).await.unwrap().ticket.unwrap();
    assert_eq!(
        (ticket.state.as_str(), ticket.department.as_str()),
        ("open", "clearing")
    );
    assert!(!ticket.because.is_empty());
    let due: DateTime<Utc> = "2026-12-24T15:30:00.123Z".parse().unwrap();
    assert_eq!(ticket.due_at_unix_ms, due.timestamp_millis());
    assert_eq!(
        (
            ticket.history[0].action.as_str(),
            ticket.history[0].actor.as_str()
        ),
        ("logged", "agent anna")
    );
    assert_eq!(ticket.call.len(), 32);
    assert_eq!(desk.woken.load(Ordering::Relaxed), 1);

    let spoken = ticket.ticket_id.replace('-', " ").to_lowercase();
    let asked = proto::GetTicketRequest { ticket_id: spoken };
    assert_eq!(
        desk.service
            .get_ticket(by_operator(asked))
            .await
            .unwrap()
            .into_inner(),
        ticket
    );
}

#[tokio::test]
async fn a_repeated_request_gives_the_same_ticket() {
    let desk = desk();
    let first = log(&desk, request("k1")).await.unwrap();
    let second = log(&desk, request("k1")).await.unwrap();
    assert!(!first.repeated && second.repeated);
    assert_eq!(first.ticket, second.ticket);

    let mut other = request("k1");
    other.agent = "berta".to_owned();
    let refused = log(&desk, other).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert!(refused.message().starts_with("idempotency_key: "));
}

#[tokio::test]
async fn every_faulty_field_is_named_and_nothing_repeated() {
    let mut faulty = request("");
    faulty.hotline.clear();
    faulty.call = "4711".to_owned();
    faulty.fields = fields([("email", "geheim"), ("iban", "geheim")]);
    let status = log(&desk(), faulty).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields = status.metadata().get("fields").unwrap().to_str().unwrap();
    assert_eq!(fields, "email,concern,iban,idempotency_key,hotline,call");
    assert!(!status.message().contains("geheim"));
}

#[tokio::test]
async fn a_route_is_explained_without_a_ticket() {
    let desk = desk();
    let asked = proto::ExplainRouteRequest {
        hotline: "Gibt es nicht".to_owned(),
        postal_code: "51467".to_owned(),
        ..Default::default()
    };
    let explained = desk
        .service
        .explain_route(by_operator(asked))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (explained.department.as_str(), explained.rule.as_str()),
        ("clearing", "")
    );
    assert!(explained.because.contains("nicht bekannt") && explained.ambiguous);
    let keys: Vec<&str> = explained
        .municipalities
        .iter()
        .map(|it| it.key.as_str())
        .collect();
    assert_eq!(keys, ["05315000", "05378004"]);
    assert_eq!(desk.woken.load(Ordering::Relaxed), 0);
    let nothing = by_operator(proto::ExplainRouteRequest::default());
    let refused = desk.service.explain_route(nothing).await.unwrap_err();
    assert!(refused.message().starts_with("hotline: "));
}

#[tokio::test]
async fn the_list_has_pages() {
    let desk = desk();
    for key in ["k1", "k2", "k3"] {
        log(&desk, request(key)).await.unwrap();
    }
    let mut asked = proto::ListTicketsRequest {
        page_size: 2,
        ..Default::default()
    };
    let list = async |asked: &proto::ListTicketsRequest| {
        desk.service
            .list_tickets(by_operator(asked.clone()))
            .await
            .map(Response::into_inner)
    };
    let first = list(&asked).await.unwrap();
    assert_eq!(first.tickets.len(), 2);
    asked.page_token = first.next_page_token;
    let second = list(&asked).await.unwrap();
    assert_eq!((second.tickets.len(), second.next_page_token.as_str()), (1, ""));
    assert!(!first.tickets.contains(&second.tickets[0]));
    asked.page_token = "x".to_owned();
    asked.states = vec!["gone".to_owned()];
    assert_eq!(list(&asked).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_ticket_that_is_not_there_is_not_found() {
    let desk = desk();
    let get = async |id: &str| {
        let asked = proto::GetTicketRequest {
            ticket_id: id.to_owned(),
        };
        desk.service
            .get_ticket(by_operator(asked))
            .await
            .unwrap_err()
            .code()
    };
    assert_eq!(get("T-0000-0000").await, Code::NotFound);
    assert_eq!(get("4711").await, Code::InvalidArgument);
}

async fn find(desk: &Desk, asked: proto::FindTicketsRequest) -> Vec<String> {
    let found = desk.service.find_tickets(by_operator(asked)).await.unwrap();
    let found = found.into_inner().tickets;
    found.into_iter().map(|ticket| ticket.ticket_id).collect()
}

#[tokio::test]
async fn a_citizen_who_calls_again_is_recognised_by_number_or_by_name_and_place() {
    let desk = desk();
    let named = |key: &str, name: &str, phone: &str| {
        let mut request = request(key);
        request.fields.extend(fields([("name", name), ("phone", phone)]));
        request
    };
    let first = log(&desk, named("k1", "Groß", "0221 4710123")).await.unwrap();
    assert_eq!(first.open_tickets, []);
    let first = first.ticket.unwrap().ticket_id;
    let ids = |answer: &proto::LogCallbackResponse| -> Vec<String> {
        answer
            .open_tickets
            .iter()
            .map(|it| it.ticket_id.clone())
            .collect()
    };
    let by_number = log(&desk, named("k2", "", "+49 (221) 4710-123")).await.unwrap();
    assert_eq!(ids(&by_number), std::slice::from_ref(&first));
    let by_name = log(&desk, named("k3", "GROSS", "0211 8371001")).await.unwrap();
    assert_eq!(ids(&by_name), [first]);

    let asked = proto::FindTicketsRequest {
        phone: "0049221/4710123".to_owned(),
        ..Default::default()
    };
    assert_eq!(find(&desk, asked).await.len(), 2);
    let asked = |postal_code: &str| proto::FindTicketsRequest {
        name: " groß ".to_owned(),
        postal_code: postal_code.to_owned(),
        ..Default::default()
    };
    assert_eq!(find(&desk, asked("50667")).await.len(), 2);
    assert_eq!(find(&desk, asked("40213")).await.len(), 0);
    let nothing = by_operator(proto::FindTicketsRequest::default());
    let refused = desk.service.find_tickets(nothing).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_concern_joins_the_ticket_that_is_named_and_once() {
    let desk = desk();
    let ticket = log(&desk, request("k1")).await.unwrap().ticket.unwrap();
    let more = proto::LogCallbackRequest {
        idempotency_key: "k2".to_owned(),
        fields: fields([("concern", "Noch eine Frage")]),
        hotline: "Steuern und Finanzen".to_owned(),
        agent: "berta".to_owned(),
        add_to: ticket.ticket_id.to_lowercase(),
        ..Default::default()
    };
    let added = log(&desk, more.clone()).await.unwrap();
    let changed = added.ticket.clone().unwrap();
    assert!(!added.repeated && added.open_tickets.is_empty());
    assert_eq!(
        (&changed.ticket_id, changed.version),
        (&ticket.ticket_id, ticket.version + 1)
    );
    assert_eq!(changed.due_at_unix_ms, ticket.due_at_unix_ms);
    assert_eq!(changed.added[0].concern, "Noch eine Frage");
    let entry = changed.history.last().unwrap();
    assert_eq!(
        (entry.action.as_str(), entry.actor.as_str()),
        ("concern_added", "agent berta")
    );
    let again = log(&desk, more.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.ticket.unwrap(), changed);

    let mut other = more.clone();
    other.agent = "anna".to_owned();
    assert_eq!(log(&desk, other).await.unwrap_err().code(), Code::AlreadyExists);
    let mut gone = more;
    (gone.add_to, gone.idempotency_key) = ("T-0000-0000".to_owned(), "k3".to_owned());
    assert_eq!(log(&desk, gone).await.unwrap_err().code(), Code::NotFound);
}

fn of_procedure(procedure: &str, given: BTreeMap<String, String>) -> proto::LogCallbackRequest {
    proto::LogCallbackRequest {
        idempotency_key: procedure.to_owned(),
        procedure: procedure.to_owned(),
        fields: given,
        ..Default::default()
    }
}

#[tokio::test]
async fn requests_of_every_procedure_become_tickets_without_a_hotline() {
    let desk = desk();
    let given = fields([("town", "Köln"), ("message", "Wann kommt der Bescheid?")]);
    let letter = log(&desk, of_procedure("letter", given))
        .await
        .unwrap()
        .ticket
        .unwrap();
    assert_eq!(
        (letter.procedure.as_str(), letter.hotline.as_str()),
        ("letter", "")
    );
    assert!(!letter.because.contains("nicht bekannt"), "{}", letter.because);
    assert_eq!(desk.store.call_notices(10).await.unwrap(), []);

    let given = fields([
        ("subject", "Frist"),
        ("message", "Wann?"),
        ("email", "erika@example.org"),
    ]);
    let mut form = of_procedure("contact-form", given);
    form.agent = "anna".to_owned();
    let form = log(&desk, form).await.unwrap().ticket.unwrap();
    assert_eq!(
        (form.fields["user"].as_str(), form.fields["timestamp"].as_str()),
        ("anna", "2026-12-23T15:30:00.123Z")
    );
    log(&desk, request("callback")).await.unwrap();
    assert_eq!(desk.store.call_notices(10).await.unwrap().len(), 1);

    let asked = proto::ListTicketsRequest {
        procedure: "letter".to_owned(),
        ..Default::default()
    };
    let listed = desk.service.list_tickets(by_operator(asked)).await.unwrap();
    let listed = listed.into_inner().tickets;
    assert_eq!((listed.len(), &listed[0].ticket_id), (1, &letter.ticket_id));
}

#[tokio::test]
async fn the_register_may_name_the_department() {
    let ticket = log(
        &desk(),
        of_procedure("accessibility", fields([("page", "Startseite")])),
    )
    .await;
    let ticket = ticket.unwrap().ticket.unwrap();
    assert_eq!(
        (ticket.department.as_str(), ticket.because.as_str()),
        (
            "a",
            "Verfahren „Barriere melden“: Zuständigkeit laut Verzeichnis."
        )
    );
}

#[tokio::test]
async fn only_procedures_with_tickets_can_be_logged() {
    for procedure in ["call-records", "4711"] {
        let refused = log(&desk(), of_procedure(procedure, BTreeMap::new()))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().starts_with("procedure: choose from callback, "),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn forms_can_be_drawn_from_the_register() {
    let desk = desk();
    let all = desk
        .service
        .list_procedures(by_operator(proto::ListProceduresRequest {}))
        .await;
    let all = all.unwrap().into_inner().procedures;
    assert_eq!(all.len(), register().procedures().len());
    let asked = |procedure: &str| {
        by_operator(proto::GetProcedureRequest {
            procedure: procedure.to_owned(),
        })
    };
    let order = desk
        .service
        .get_procedure(asked("brochure-order"))
        .await
        .unwrap()
        .into_inner();
    let field = |id: &str| order.fields.iter().find(|field| field.id == id).unwrap();
    assert_eq!(field("iban").requires, ["account_holder"]);
    assert_eq!(
        (
            field("bookseller").r#type.as_str(),
            field("bank").only_with.as_str()
        ),
        ("boolean", "iban")
    );
    assert!(field("timestamp").from_system && field("name").required);
    let missing = desk.service.get_procedure(asked("4711")).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

mod acts;
mod chosen;
mod roles;

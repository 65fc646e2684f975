use domain::ids::HotlineName;
use domain::procedure::FaultCode;
use domain::routing::{Hotline, Rule};

use super::tests::{Desk, by_operator, desk_with, fields, log, request};
use super::*;
use proto::ticketing_server::Ticketing as _;

async fn preview(desk: &Desk, request: proto::LogCallbackRequest) -> proto::PreviewCallbackResponse {
    let preview = desk.service.preview_callback(by_operator(request)).await;
    preview.unwrap().into_inner()
}

fn desk() -> Desk {
    desk_with(|config| {
        let hotline = |name: &str| Hotline {
            name: HotlineName::new(name),
            counting_source: None,
        };
        config.hotlines = vec![hotline("Steuern und Finanzen"), hotline("Umwelt")];
        let rule: Rule = toml::from_str(
            r#"
            id = "steuern"
            hotline = "Steuern und Finanzen"
            categories = ["Lohnsteuer", "Erbschaft"]
            department = "a"
            "#,
        )
        .unwrap();
        config.rules = vec![rule];
    })
}

/// What a preview and a refusal both say: fields with codes and remedies.
fn told(faults: &[FieldFault]) -> Vec<(String, FaultCode, String)> {
    let fault = |it: &FieldFault| (it.field.clone(), it.code, it.remedy.clone());
    faults.iter().map(fault).collect()
}

#[tokio::test]
async fn a_preview_tells_what_logging_makes_and_makes_nothing() {
    let desk = desk();
    let mut sent = request("k1");
    sent.category = "lohnsteuer".to_owned();
    sent.wished_from = "2026-12-28T10:00".to_owned();
    sent.wished_until = "2026-12-28T12:00".to_owned();
    let previewed = preview(&desk, sent.clone()).await;
    assert_eq!(previewed.faults, []);
    assert_eq!(preview(&desk, sent.clone()).await.open_tickets, []);

    let ticket = log(&desk, sent).await.unwrap().ticket.unwrap();
    assert_eq!(
        (&previewed.department, &previewed.rule, &previewed.because),
        (&ticket.department, &ticket.rule, &ticket.because)
    );
    assert_eq!(previewed.department, "a");
    assert_eq!(previewed.due_at_unix_ms, Some(ticket.due_at_unix_ms));
    assert_eq!(
        (previewed.phone.as_str(), previewed.phone_kind.as_str()),
        ("+492214710123", "e164")
    );
    let towns: Vec<&str> = previewed
        .municipalities
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!((towns, previewed.ambiguous), (vec!["Köln"], false));
}

#[tokio::test]
async fn a_preview_names_the_faults_that_logging_names() {
    let desk = desk();
    let mut faulty = request("");
    faulty.hotline.clear();
    faulty.call = "4711".to_owned();
    faulty.fields = fields([("email", "geheim"), ("iban", "geheim"), ("postal_code", "5066")]);
    faulty.wished_from = "2026-12-20T10:00".to_owned();
    faulty.wished_until = "2026-12-20T12:00".to_owned();
    let previewed = wire::faults::faults_from_wire(preview(&desk, faulty.clone()).await.faults);
    let refused = wire::faults::faults(&log(&desk, faulty).await.unwrap_err());
    assert_eq!(told(&previewed), told(&refused));
    let codes: Vec<(&str, &str)> = refused
        .iter()
        .map(|it| (it.field.as_str(), it.code.name()))
        .collect();
    assert_eq!(
        codes,
        [
            ("email", "no_email"),
            ("postal_code", "no_postal_code"),
            ("concern", "required"),
            ("iban", "undeclared"),
            ("idempotency_key", "required"),
            ("hotline", "required"),
            ("call", "no_call"),
            ("wished_until", "window_past"),
        ]
    );
}

#[tokio::test]
async fn a_half_written_request_has_a_department_and_a_due_time() {
    let empty = proto::LogCallbackRequest {
        hotline: "Steuern und Finanzen".to_owned(),
        category: "Erbschaft".to_owned(),
        ..Default::default()
    };
    let previewed = preview(&desk(), empty).await;
    assert_eq!(
        (previewed.department.as_str(), previewed.department_name.as_str()),
        ("a", "a")
    );
    assert!(previewed.due_at_unix_ms.is_some());
    let faulty: Vec<&str> = previewed.faults.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(faulty, ["phone", "concern", "idempotency_key"]);
}

#[tokio::test]
async fn a_preview_knows_the_tickets_of_the_caller_and_what_joins_one() {
    let desk = desk();
    let ticket = log(&desk, request("k1")).await.unwrap().ticket.unwrap();
    let mut again = request("k2");
    again.fields = fields([("phone", "+49 221 4710123"), ("concern", "noch etwas")]);
    let previewed = preview(&desk, again.clone()).await;
    assert_eq!(previewed.open_tickets[0].ticket_id, ticket.ticket_id);

    again.add_to = ticket.ticket_id.clone();
    again.fields.remove("phone");
    let previewed = preview(&desk, again.clone()).await;
    assert_eq!(previewed.faults, []);
    assert_eq!(previewed.due_at_unix_ms, Some(ticket.due_at_unix_ms));

    again.add_to = "T-0000-0000".to_owned();
    let previewed = wire::faults::faults_from_wire(preview(&desk, again.clone()).await.faults);
    let refused = wire::faults::faults(&log(&desk, again).await.unwrap_err());
    assert_eq!(refused.len(), 1);
    assert!(told(&previewed).contains(&told(&refused)[0]));
}

#[tokio::test]
async fn a_form_learns_what_it_can_offer() {
    let asked = by_operator(proto::DescribeRoutingRequest {});
    let told = desk().service.describe_routing(asked).await.unwrap().into_inner();
    let hotlines: Vec<(&str, usize)> = told
        .hotlines
        .iter()
        .map(|it| (it.hotline.as_str(), it.categories.len()))
        .collect();
    assert_eq!(hotlines, [("Steuern und Finanzen", 2), ("Umwelt", 0)]);
    assert_eq!(told.departments.len(), 3);
}

#[tokio::test]
async fn what_a_draft_shows_of_others_is_noted_once() {
    let desk = desk();
    log(&desk, request("k1")).await.unwrap();
    desk.audit.clear();
    for _ in 0..3 {
        assert_eq!(preview(&desk, request("k2")).await.open_tickets.len(), 1);
    }
    assert_eq!(
        desk.audit.noted(),
        [(AuditAction::CitizenSearched, String::new(), 1)]
    );
    preview(&desk, request("k3")).await;
    assert_eq!(desk.audit.noted().len(), 2, "another draft is another look");
    desk.audit.fail(true);
    let refused = desk.service.preview_callback(by_operator(request("k4"))).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    desk.audit.fail(false);
    preview(&desk, request("k4")).await;
    assert_eq!(
        desk.audit.noted().len(),
        3,
        "what could not be noted is noted when it is shown"
    );
}

#[tokio::test]
async fn beside_a_chosen_department_stands_where_it_would_go_and_a_wrong_choice_is_a_fault() {
    let desk = desk();
    let mut chosen = request("k1");
    chosen.department = "b".to_owned();
    chosen.department_reason = "kennt die Sache".to_owned();
    let suggested = preview(&desk, request("k0")).await.department;
    let previewed = preview(&desk, chosen.clone()).await;
    assert_eq!(previewed.faults, []);
    assert_eq!(previewed.department, suggested);
    chosen.department = "niemand".to_owned();
    let faults = preview(&desk, chosen).await.faults;
    assert_eq!(
        faults
            .iter()
            .map(|fault| fault.field.as_str())
            .collect::<Vec<_>>(),
        ["department"]
    );
}

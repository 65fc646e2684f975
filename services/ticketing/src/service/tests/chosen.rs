//! Another department than the one that routing finds.

use super::*;

fn chosen(key: &str, department: &str, reason: &str) -> proto::LogCallbackRequest {
    proto::LogCallbackRequest {
        department: department.to_owned(),
        department_reason: reason.to_owned(),
        ..request(key)
    }
}

#[tokio::test]
async fn the_chosen_department_gets_the_ticket_and_the_reason_is_kept() {
    let desk = desk();
    let ticket = log(&desk, chosen("k1", " b ", "kennt den Fall")).await.unwrap();
    let ticket = ticket.ticket.unwrap();
    assert_eq!(
        (
            ticket.department.as_str(),
            ticket.rule.as_str(),
            ticket.because.as_str()
        ),
        ("b", "", "Von anna gewählt: kennt den Fall")
    );
    assert_eq!(
        (ticket.history[0].action.as_str(), ticket.history[0].note.as_str()),
        ("logged", "kennt den Fall")
    );
    let again = log(&desk, chosen("k1", "b", "kennt den Fall")).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.ticket.unwrap(), ticket);
    for other in [
        chosen("k1", "a", "kennt den Fall"),
        chosen("k1", "b", "so"),
        request("k1"),
    ] {
        assert_eq!(log(&desk, other).await.unwrap_err().code(), Code::AlreadyExists);
    }
}

#[tokio::test]
async fn a_department_and_a_reason_are_given_together_and_the_department_is_there() {
    let desk = desk();
    for (department, reason, field) in [
        ("b", "", "department_reason"),
        ("", "so", "department"),
        ("gibt-es-nicht", "so", "department"),
    ] {
        let refused = log(&desk, chosen("k1", department, reason)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let fields = refused.metadata().get("fields").unwrap().to_str().unwrap();
        assert_eq!(fields, field, "{department:?} {reason:?}");
    }
    let ticket = log(&desk, request("k2")).await.unwrap().ticket.unwrap().ticket_id;
    let added = proto::LogCallbackRequest {
        add_to: ticket,
        ..chosen("k3", "b", "so")
    };
    let refused = log(&desk, added).await.unwrap_err();
    assert!(
        refused
            .message()
            .starts_with("department: leave it out with add_to"),
        "{refused}"
    );
    assert_eq!(desk.woken.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_reason_is_erased_with_the_ticket() {
    let desk = desk();
    let ticket = log(&desk, chosen("k1", "b", "Frau Groß wohnt dort"))
        .await
        .unwrap();
    let erase = proto::ActOnTicketRequest {
        idempotency_key: "e1".to_owned(),
        ticket_id: ticket.ticket.unwrap().ticket_id,
        reason: "Art. 17 DSGVO".to_owned(),
        agent: String::new(),
    };
    let erased = desk.service.erase_ticket(by_operator(erase)).await.unwrap();
    let erased = format!("{:?}", erased.into_inner());
    assert!(!erased.contains("Groß"), "{erased}");
}

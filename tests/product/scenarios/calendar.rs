//! Due times and holidays, as the design gives them; without a server.

use serde_json::json;
use testkit::command::alone;

async fn due(from: &str, policy: &str) -> serde_json::Value {
    let command = ["calendar", "due", "--from", from, "--policy", policy, "--json"];
    alone(&command).await.exits(0).json()
}

#[tokio::test]
async fn an_answer_is_due_as_the_design_says() {
    for (from, elapsed, service_hours) in [
        (
            "2026-12-23T16:30",
            "2026-12-24T16:30:00+01:00",
            "2026-12-29T10:30:00+01:00",
        ),
        (
            "2026-11-20T17:00",
            "2026-11-23T17:00:00+01:00",
            "2026-11-25T11:00:00+01:00",
        ),
        (
            "2026-11-21T10:00",
            "2026-11-24T08:00:00+01:00",
            "2026-11-25T12:00:00+01:00",
        ),
        // Over the change to summer time.
        (
            "2026-03-27T12:00",
            "2026-03-30T12:00:00+02:00",
            "2026-03-31T16:00:00+02:00",
        ),
    ] {
        for (policy, due_at) in [("elapsed", elapsed), ("service_hours", service_hours)] {
            let answer = due(from, policy).await;
            assert_eq!(answer["due_at"], due_at, "{policy} from {from}");
            assert_eq!(answer["policy"], policy);
            assert!(answer["from"].as_str().unwrap().starts_with(from), "{answer}");
        }
    }
}

#[tokio::test]
async fn due_times_are_readable_and_take_other_hours() {
    let command = [
        "calendar",
        "due",
        "--from",
        "2026-11-23T09:00",
        "--policy",
        "service_hours",
    ];
    let printed = alone(&[&command[..], &["--hours", "2"]].concat()).await.exits(0);
    assert_eq!(printed.stdout, "2026-11-23T11:00:00+01:00\n");
}

#[tokio::test]
async fn times_that_are_none_are_refused() {
    for (from, said) in [
        ("2026-03-29T02:30", "skip this hour"),
        ("23.12.2026", "2026-12-23T16:30"),
    ] {
        let refused = alone(&["calendar", "due", "--from", from]).await.exits(2);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn holidays_are_those_of_the_state() {
    let holidays = alone(&["calendar", "holidays", "--year", "2026", "--json"])
        .await
        .exits(0)
        .json();
    let expected = [
        ("2026-01-01", "Neujahr"),
        ("2026-04-03", "Karfreitag"),
        ("2026-04-06", "Ostermontag"),
        ("2026-05-01", "Erster Mai"),
        ("2026-05-14", "Christi Himmelfahrt"),
        ("2026-05-25", "Pfingstmontag"),
        ("2026-06-04", "Fronleichnam"),
        ("2026-10-03", "Tag der Deutschen Einheit"),
        ("2026-11-01", "Allerheiligen"),
        ("2026-12-25", "Erster Weihnachtstag"),
        ("2026-12-26", "Zweiter Weihnachtstag"),
    ]
    .map(|(date, name)| json!({ "date": date, "name": name }));
    assert_eq!(holidays, json!({ "year": 2026, "holidays": expected }));
}

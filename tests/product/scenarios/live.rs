//! What goes on, as it is told while calls come in: by the command, by the stream, in the metrics, and after a crash.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, HotlineName};
use serde_json::Value;
use testkit::reports;
use testkit::{Backend, Builder, TestNode, eventually};
use wire::v1::calls::CallReport;
use wire::v1::calls::call_report::Key;
use wire::v1::reporting as proto;
use wire::v1::reporting::live_client::LiveClient;

const HOTLINE: &str = "Steuern und Finanzen";

fn queued() -> EventKind {
    EventKind::Queued {
        hotline: HotlineName::new(HOTLINE),
    }
}

fn agent() -> Option<AgentName> {
    Some(AgentName::new("agent-7"))
}

fn told(id: &str, at: DateTime<Utc>, kind: EventKind) -> CallReport {
    wire::calls::event_report(Key::CallId(id.to_owned()), &CallEvent::new(at, kind))
}

async fn send(node: &TestNode, sent: Vec<CallReport>) {
    let batch = reports::batch(1, sent);
    let receipt = node.intake().submit_reports(batch).await.expect("a receipt");
    node.await_figures(reports::positions([&receipt.into_inner()]))
        .await;
}

async fn live(node: &TestNode) -> Value {
    node.run(&["report", "live", "--json"]).await.exits(0).json()
}

fn group(moment: &Value) -> &Value {
    let groups = moment["groups"].as_array().expect("groups");
    let of = groups.iter().find(|group| group["group"] == HOTLINE);
    of.expect("hotlines of the rules are there, whatever goes on")
}

#[tokio::test]
async fn the_moment_is_told_while_it_changes_and_survives_a_crash() {
    Backend::each(|backend| async move {
        let mut node = Builder::on(backend)
            .set("agents.figures", "true")
            .set("ledger.sweep_every_s", "1")
            .start()
            .await;
        let before = live(&node).await;
        assert_eq!(group(&before)["waiting"], 0, "{before}");
        assert!(group(&before).get("longest_wait_ms").is_none());

        let now = Utc::now();
        let ago = |seconds| now - TimeDelta::seconds(seconds);
        let calls = vec![
            told("waits", ago(50), queued()),
            told("rings", ago(20), queued()),
            told("rings", ago(5), EventKind::Ringing { agent: agent() }),
            told("talks", ago(40), queued()),
            told("talks", ago(30), EventKind::Answered { agent: agent() }),
        ];
        send(&node, calls).await;
        let check = |moment: Value| {
            let here = group(&moment);
            for (name, expected) in [("waiting", 2), ("ringing", 1), ("talking", 1), ("on_hold", 0)] {
                assert_eq!(here[name], expected, "{name}: {moment}");
                assert_eq!(moment["total"][name], expected, "{name}: {moment}");
            }
            let longest_ms = here["longest_wait_ms"].as_i64().expect("somebody waits");
            assert!((50_000..110_000).contains(&longest_ms), "{longest_ms}");
            assert_eq!(here["agents"]["talking"], 1);
            assert_eq!(moment["agents"][0]["agent"], "agent-7");
            moment
        };
        check(live(&node).await);
        node.kill().await;
        node.start_again().await;
        let moment = check(live(&node).await);
        // Live, interval and report are the same numbers, unless midnight is between them.
        let day = moment["day"].as_str().expect("a day").to_owned();
        let next = day
            .parse::<chrono::NaiveDate>()
            .expect("a day")
            .succ_opt()
            .expect("a day")
            .to_string();
        let arguments = ["report", "totals", "--from", &day, "--to", &next, "--json"];
        let totals = node.run(&arguments).await.exits(0).json();
        for name in ["offered", "answered", "waiting", "time_to_answer_ms"] {
            assert_eq!(moment["total"]["day"][name], totals["total"][name], "{name}");
        }

        let mut watching = LiveClient::new(node.connection());
        let mut moments = watching
            .watch(proto::WatchRequest::default())
            .await
            .expect("a stream")
            .into_inner();
        let first = moments.message().await.expect("no error").expect("a moment");
        assert_eq!(first.total.expect("a total").waiting, 2);
        let end = EventKind::Ended {
            by: Some(EndedBy::Citizen),
            status: None,
        };
        let batch = reports::batch(2, vec![told("waits", Utc::now(), end)]);
        node.intake().submit_reports(batch).await.expect("a receipt");
        // A reader that was killed keeps its partitions from its successor for a while.
        let within = Duration::from_secs(60);
        let seen = tokio::time::timeout(within, async {
            loop {
                let moment = moments.message().await.expect("no error").expect("a moment");
                if moment.total.expect("a total").waiting == 1 {
                    return;
                }
            }
        });
        seen.await.expect("the stream tells of the one who hung up");

        eventually("the metrics tell of it", async || {
            let metrics = node.get("/metrics", Some(&node.token())).await.body;
            let lines = [
                format!("nrwdirekt_queue_waiting{{hotline=\"{HOTLINE}\"}} 1"),
                "nrwdirekt_target_service_level{of=\"all\",target=\"all\"} 0.75".to_owned(),
                "nrwdirekt_ledger_unread_messages 0".to_owned(),
            ];
            lines.iter().all(|line| metrics.contains(line)).then_some(())
        })
        .await;
    })
    .await;
}

/// The running day of a zone, as the moment has it and as a report of the same day has it.
async fn day_of_zone(node: &TestNode, zone: &str) -> (Value, Value) {
    loop {
        let live = ["report", "live", "--zone", zone, "--by", "group", "--json"];
        let moment = node.run(&live).await.exits(0).json();
        let day = moment["day"].as_str().expect("a day").to_owned();
        let date: chrono::NaiveDate = day.parse().expect("a day");
        let next = date.succ_opt().expect("a day").to_string();
        let totals = ["report", "totals", "--from", &day, "--to", &next, "--zone", zone];
        let totals = [&totals[..], &["--by", "group", "--json"]].concat();
        let totals = node.run(&totals).await.exits(0).json();
        // Again if somebody's wait has grown beyond a threshold in between.
        let of = |figures: &Value| figures["service_level_of"].clone();
        if of(&moment["total"]["day"]) == of(&totals["total"]) {
            return (moment, totals);
        }
    }
}

/// The running interval is that of `report intervals`.
async fn running_interval(node: &TestNode, zone: &str, interval: &str) {
    let cut = ["--zone", zone, "--interval", interval, "--json"];
    let moment = node
        .run(&[&["report", "live"], &cut[..]].concat())
        .await
        .exits(0)
        .json();
    let day: chrono::NaiveDate = moment["day"].as_str().expect("a day").parse().expect("a day");
    let (from, to) = (day.to_string(), day.succ_opt().expect("a day").to_string());
    let intervals = ["report", "intervals", "--from", &from, "--to", &to];
    let intervals = node.run(&[&intervals[..], &cut].concat()).await.exits(0).json();
    let intervals = intervals["total"]["intervals"]
        .as_array()
        .expect("intervals")
        .iter();
    let running = |it: &&Value| it["start"] == moment["interval"]["start"];
    let expected = intervals.clone().find(running).expect("it is one of them");
    assert_eq!(expected["end"], moment["interval"]["end"], "{zone} {interval}");
    for figure in ["offered", "answered", "waiting", "time_to_answer_ms"] {
        let told = &moment["total"]["interval"][figure];
        assert_eq!(told, &expected[figure], "{zone} {interval} {figure}");
    }
}

#[tokio::test]
async fn the_running_day_is_that_of_the_zone_that_is_asked_for() {
    const ZONES: [&str; 6] = [
        "Europe/Berlin",
        "UTC",
        "Asia/Kathmandu",
        "America/New_York",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
    ];
    // Zones that never turn their clocks.
    const OFFSETS: [(&str, &str); 4] = [
        ("UTC", "+00:00"),
        ("Asia/Kathmandu", "+05:45"),
        ("Pacific/Kiritimati", "+14:00"),
        ("Pacific/Pago_Pago", "-11:00"),
    ];
    Backend::each(|backend| async move {
        let node = Builder::on(backend).start().await;
        let now = Utc::now();
        let calls = (0..30).flat_map(|hours| {
            let (id, at) = (format!("h{hours}"), now - TimeDelta::hours(hours));
            let end = EventKind::Ended {
                by: Some(EndedBy::Citizen),
                status: None,
            };
            let answered = EventKind::Answered { agent: agent() };
            let mut told = vec![told(&id, at, queued())];
            if hours > 0 {
                told.push(self::told(&id, at + TimeDelta::seconds(hours), answered));
                told.push(self::told(&id, at + TimeDelta::seconds(90), end));
            }
            told
        });
        send(&node, calls.collect()).await;
        let mut offered = std::collections::BTreeSet::new();
        for zone in ZONES {
            let (moment, totals) = day_of_zone(&node, zone).await;
            assert_eq!(moment["zone"], zone);
            let of = |figures: &Value| figures["offered"].as_i64().expect("a count");
            offered.insert(of(&totals["total"]));
            assert_eq!(moment["total"]["day"], totals["total"], "{zone}");
            let at = moment["at"].as_str().expect("a time");
            if let Some((_, offset)) = OFFSETS.iter().find(|(it, _)| *it == zone) {
                assert!(at.ends_with(offset), "{zone}: {at}");
            }
            assert_eq!(Some(&at[..10]), moment["day"].as_str());
        }
        for zone in ZONES {
            for interval in ["30m", "1h", "1d"] {
                running_interval(&node, zone, interval).await;
            }
        }
        assert!(offered.len() > 1, "days of zones are not the same: {offered:?}");

        // Whoever watches is told of what moves.
        let mut watching = LiveClient::new(node.connection());
        let request = proto::WatchRequest {
            zone: "Pacific/Kiritimati".to_owned(),
            ..proto::WatchRequest::default()
        };
        let stream = watching.watch(request).await.expect("a stream");
        let mut moments = stream.into_inner();
        let first = moments.message().await.expect("no error").expect("a moment");
        assert_eq!(first.zone, "Pacific/Kiritimati");
        let of = |moment: proto::Moment| moment.total.expect("a total").day.expect("a day").offered;
        let before = of(first);
        let batch = reports::batch(2, vec![told("more", Utc::now(), queued())]);
        node.intake().submit_reports(batch).await.expect("a receipt");
        let seen = tokio::time::timeout(Duration::from_secs(60), async {
            while of(moments.message().await.expect("no error").expect("a moment")) != before + 1 {}
        });
        seen.await.expect("the stream tells of one more");

        let mars = node.run(&["report", "live", "--zone", "Mars/Olympus"]).await;
        mars.exits(2).fails_with("--zone");
        let weekly = node.run(&["report", "live", "--interval", "1w"]).await;
        weekly.exits(2).fails_with("--interval: use 15m, 30m, 1h or 1d");
    })
    .await;
}

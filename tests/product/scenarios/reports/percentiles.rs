//! Percentiles: of a period, and of each interval by itself.

use serde_json::{Value, json};
use testkit::export::{self, INVENTED_DAYS};
use testkit::{Backend, Dice, TestNode};

use super::{HOTLINES, days, import, report, two_hotlines};

#[tokio::test]
async fn percentiles_tell_their_error() {
    let node = TestNode::start(Backend::Embedded).await;
    two_hotlines(&node).await;
    let told = report(&node, &days("percentiles", ("2024-03-04", "2024-03-05"))).await;
    let answers = &told["total"]["time_to_answer"];
    assert_eq!(answers["p50"], json!({ "at_most_s": 30, "error_s": 1 }));
    assert_eq!(answers["p99"], json!({ "at_most_s": 70, "error_s": 1 }));
    let empty = report(&node, &days("percentiles", ("2020-03-04", "2020-03-05"))).await;
    assert_eq!(
        empty["total"]["time_to_answer"],
        json!({ "visits": 0, "without_time": 0 })
    );
}

#[tokio::test]
async fn percentiles_by_interval_are_those_of_each_interval_by_itself() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let mut dice = Dice::of_seed(6);
        import(&node, "week.csv", &export::invented(300, &mut dice)).await;
        let percentiles = days("percentiles", INVENTED_DAYS);
        let whole = report(&node, &[&percentiles[..], &["--by", "hotline"]].concat()).await;
        let visits = |times: &Value| {
            let of = |kind: &str| times[kind]["visits"].as_i64().expect("visits");
            [of("time_to_answer"), of("time_to_abandon")]
        };
        for interval in ["15m", "30m", "1h", "1d", "1w", "1M"] {
            let more = ["--by", "hotline", "--interval", interval];
            let told = report(&node, &[&percentiles[..], &more].concat()).await;
            assert_eq!(told["interval"], interval);
            let intervals = [&days("intervals", INVENTED_DAYS)[..], &["--interval", interval]];
            let intervals = report(&node, &intervals.concat()).await;
            let spans = |figures: &Value| -> Vec<[Value; 2]> {
                let intervals = figures["intervals"].as_array().expect("intervals").iter();
                intervals
                    .map(|it| [it["start"].clone(), it["end"].clone()])
                    .collect()
            };
            let mut all = told["groups"].as_array().expect("groups").clone();
            assert_eq!(json!(all.len()), json!(whole["groups"].as_array().map(Vec::len)));
            all.push(told["total"].clone());
            for group in &all {
                assert_eq!(spans(group), spans(&intervals["total"]), "{interval}");
                let mut sum = [0, 0];
                for part in group["intervals"].as_array().expect("intervals") {
                    let [answered, abandoned] = visits(part);
                    sum = [sum[0] + answered, sum[1] + abandoned];
                }
                assert_eq!(sum, visits(group), "{interval} {}", group["group"]);
            }
            assert_eq!(told["total"]["time_to_answer"], whole["total"]["time_to_answer"]);
        }
        // A day by itself is the day among others.
        let by_day = report(&node, &[&percentiles[..], &["--interval", "1d"]].concat()).await;
        let second = &by_day["total"]["intervals"][1];
        let day = |place: usize| {
            let start = by_day["total"]["intervals"][place]["start"].as_str();
            start.expect("a time")[..10].to_owned()
        };
        let alone = report(&node, &days("percentiles", (&day(1), &day(2)))).await;
        assert_eq!(second["time_to_answer"], alone["total"]["time_to_answer"]);
    })
    .await;
}

#[tokio::test]
async fn percentiles_by_interval_are_written_for_spreadsheets_too() {
    let node = TestNode::start(Backend::Embedded).await;
    two_hotlines(&node).await;
    let percentiles = days("percentiles", ("2024-03-04", "2024-03-05"));
    let more = ["--by", "hotline", "--hotline", HOTLINES[0], "--interval", "1h"];
    let asked = [&["report"], &percentiles[..], &more].concat();
    let csv = node.home().join("percentiles.csv").display().to_string();
    let csv_file = [&asked[..], &["--format", "csv", "--output", &csv]].concat();
    node.run(&csv_file).await.exits(0);
    let text = std::fs::read_to_string(&csv).expect("a file");
    let lines: Vec<&str> = text.lines().collect();
    // The hotline and the total, two times each.
    assert_eq!(lines.len(), 1 + 2 * 2 * 24);
    assert!(
        lines[0].starts_with("Beginn;Ende;UTC-Versatz;UTC-Versatz am Ende;Gruppe;Zeit bis;"),
        "{}",
        lines[0]
    );
    let nine =
        "2024-03-04 09:00:00;2024-03-04 10:00:00;UTC+01:00;UTC+01:00;Bürgertelefon;Annahme;2;10;1;30;1;";
    assert!(lines.iter().any(|line| line.starts_with(nine)), "{text}");
    let xlsx = node.home().join("percentiles.xlsx").display().to_string();
    let workbook = [&asked[..], &["--format", "xlsx", "--output", &xlsx]].concat();
    node.run(&workbook).await.exits(0);
    assert!(std::fs::read(&xlsx).expect("a file").starts_with(b"PK"));
    node.run(&asked).await.exits(0);
}

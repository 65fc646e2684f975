//! Reports of history: intervals that add up, files for spreadsheets, weeks that are compared, and what is refused.

mod percentiles;
mod promises;

use serde_json::{Value, json};
use testkit::export::{self, Dress, INVENTED_DAYS, Row};
use testkit::{Backend, Dice, TestNode};

/// Hotlines of the built-in rules.
const HOTLINES: [&str; 2] = ["Bürgertelefon", "Umwelt"];

async fn import(node: &TestNode, name: &str, rows: &[Row]) {
    let file = node.file(name, &export::file(rows, Dress::German));
    let import = ["import", "--format", "hotline-export", "--wait", &file];
    node.run(&import).await.exits(0);
}

async fn report(node: &TestNode, arguments: &[&str]) -> Value {
    let arguments = [&["report"], arguments, &["--json"]].concat();
    node.run(&arguments).await.exits(0).json()
}

fn days<'a>(report: &'a str, (from, to): (&'a str, &'a str)) -> Vec<&'a str> {
    vec![report, "--from", from, "--to", to]
}

/// Numbers that are counts: they add up over every split.
fn counts(figures: &Value) -> Vec<(String, i64)> {
    let object = figures.as_object().expect("an object");
    let counted = object.iter().filter(|(name, _)| !name.starts_with("longest"));
    counted
        .filter_map(|(name, value)| Some((name.clone(), value.as_i64()?)))
        .collect()
}

fn sum(parts: &Value) -> Vec<(String, i64)> {
    let parts = parts.as_array().expect("a list");
    let mut sum = counts(&parts[0]);
    for part in &parts[1..] {
        for ((_, sum), (_, part)) in sum.iter_mut().zip(counts(part)) {
            *sum += part;
        }
    }
    sum
}

fn without_times(mut sum: Vec<(String, i64)>) -> Vec<(String, i64)> {
    sum.retain(|(name, _)| name != "start" && name != "end");
    sum
}

#[tokio::test]
async fn every_split_adds_up_to_the_total() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let mut dice = Dice::of_seed(6);
        import(&node, "week.csv", &export::invented(300, &mut dice)).await;
        let totals = report(&node, &days("totals", INVENTED_DAYS)).await;
        assert!(totals["total"]["offered"].as_i64() > Some(100), "{totals}");
        for interval in ["15m", "30m", "1h", "1d", "1w", "1M"] {
            for by in ["hotline", "group"] {
                let more = ["--interval", interval, "--by", by];
                let told = report(&node, &[&days("intervals", INVENTED_DAYS)[..], &more].concat()).await;
                let total = counts(&totals["total"]);
                assert_eq!(counts(&told["total"]), total);
                assert_eq!(
                    without_times(sum(&told["total"]["intervals"])),
                    total,
                    "{interval}"
                );
                assert_eq!(sum(&told["groups"]), total, "{interval} {by}");
                for group in told["groups"].as_array().expect("groups") {
                    assert_eq!(
                        sum(&group["intervals"]),
                        counts(group),
                        "{interval} {}",
                        group["group"]
                    );
                }
            }
        }
        let other = [
            &days("intervals", INVENTED_DAYS)[..],
            &["--zone", "Asia/Kathmandu", "--interval", "1d"],
        ];
        let other = report(&node, &other.concat()).await;
        assert_eq!(
            other["total"]["intervals"][0]["start"],
            "2024-03-04T00:00:00+05:45"
        );
        assert_eq!(sum(&other["total"]["intervals"]), counts(&other["total"]));
    })
    .await;
}

#[tokio::test]
async fn days_of_25_and_23_hours_are_cut_right() {
    let node = TestNode::start(Backend::Embedded).await;
    let rows = ["01:59:59", "02:10:00", "03:00:00"]
        .map(|time| Row::answered(&format!("2024-10-27 {time}"), HOTLINES[0]).waits(5_000, 0));
    import(&node, "autumn.csv", &rows).await;
    let autumn = days("intervals", ("2024-10-27", "2024-10-28"));
    let hours = report(&node, &[&autumn[..], &["--interval", "1h"]].concat()).await;
    let hours = hours["total"]["intervals"].as_array().expect("intervals").clone();
    assert_eq!(hours.len(), 25);
    assert_eq!(hours[2]["start"], "2024-10-27T02:00:00+02:00");
    assert_eq!(hours[3]["start"], "2024-10-27T02:00:00+01:00");
    assert_eq!(hours[24]["end"], "2024-10-28T00:00:00+01:00");
    assert_eq!(
        (&hours[1]["offered"], &hours[4]["offered"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(hours[10]["offered"], 0);
    assert!(hours[10].get("service_level").is_none(), "{}", hours[10]);
    let spring = days("intervals", ("2024-03-31", "2024-04-01"));
    let quarters = report(&node, &spring).await;
    assert_eq!(quarters["total"]["intervals"].as_array().map(Vec::len), Some(92));
}

#[tokio::test]
async fn reports_are_written_for_spreadsheets() {
    let node = TestNode::start(Backend::Embedded).await;
    let rows = [Row::answered("2024-03-04 09:00:00", HOTLINES[0]).waits(5_000, 500)];
    import(&node, "calls.csv", &rows).await;
    let intervals = days("intervals", ("2024-03-04", "2024-03-05"));
    let csv = node.home().join("report.csv").display().to_string();
    let asked = [
        &["report"],
        &intervals[..],
        &["--format", "csv", "--output", &csv, "--interval", "1h"],
    ];
    node.run(&asked.concat()).await.exits(0);
    let text = std::fs::read_to_string(&csv).expect("a file");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("Beginn;Ende;UTC-Versatz;UTC-Versatz am Ende;Kontakte;Nicht angeboten;"),
        "{}",
        lines[0]
    );
    assert_eq!(lines.len(), 25);
    assert!(
        lines[10].starts_with("2024-03-04 09:00:00;2024-03-04 10:00:00;UTC+01:00;UTC+01:00;1;0;"),
        "{}",
        lines[10]
    );
    assert!(
        lines[10].contains(";1;5,5;"),
        "service level and seconds: {}",
        lines[10]
    );
    assert!(lines[0].ends_with(";Servicelevel nach;Servicelevel-Version"));
    assert!(lines[10].ends_with(";of-offered;1"), "{}", lines[10]);
    let xlsx = node.home().join("report.xlsx").display().to_string();
    let asked = [
        &["report"],
        &intervals[..],
        &["--format", "xlsx", "--output", &xlsx, "--by", "hotline"],
    ];
    node.run(&asked.concat()).await.exits(0);
    let bytes = std::fs::read(&xlsx).expect("a file");
    assert!(bytes.starts_with(b"PK"));
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(b"xl/charts/chart1.xml") && holds(b"xl/worksheets/sheet3.xml"));
    let table = [&["report"], &intervals[..], &["--output", &xlsx]].concat();
    node.run(&table).await.exits(2);
}

/// Waits of 10 and 30 s on the one hotline, 50 and 70 s on the other, and one who hung up after 15 s.
async fn two_hotlines(node: &TestNode) {
    let row = |second: i64, hotline, wait_ms| {
        Row::answered(&format!("2024-03-04 09:00:{second:02}"), hotline).waits(wait_ms, 0)
    };
    let rows = [
        row(1, HOTLINES[0], 10_000),
        row(2, HOTLINES[0], 30_000),
        row(3, HOTLINES[1], 50_000),
        row(4, HOTLINES[1], 70_000),
        Row::inbound("2024-03-04 09:00:05", HOTLINES[0], "Abbruch Warteschlange").waits(15_000, 0),
    ];
    import(node, "two.csv", &rows).await;
}

#[tokio::test]
async fn profiles_comparisons_and_forecasts_are_made_of_weeks() {
    let node = TestNode::start(Backend::Embedded).await;
    let rows: Vec<Row> = ["2024-03-04", "2024-03-11", "2024-03-11"]
        .iter()
        .zip(10..)
        .map(|(day, second)| {
            let row = Row::answered(&format!("{day} 09:00:{second}"), HOTLINES[0]);
            row.waits(5_000, 0).handled(120_000, 0, 60_000)
        })
        .collect();
    import(&node, "weeks.csv", &rows).await;
    let profile = report(&node, &days("profile", ("2024-03-04", "2024-03-18"))).await;
    let intervals = profile["intervals"].as_array().expect("a list");
    assert_eq!(intervals.len(), 7 * 24);
    assert_eq!(
        (&intervals[9]["time"], &intervals[9]["days"]),
        (&json!("09:00"), &json!(2))
    );
    assert_eq!(intervals[9]["average_offered"], 1.5);
    let compare = days("compare", ("2024-03-11", "2024-03-18"));
    let with = [
        "--with-from",
        "2024-03-04",
        "--with-to",
        "2024-03-11",
        "--by",
        "hotline",
    ];
    let compare = report(&node, &[&compare[..], &with].concat()).await;
    assert_eq!(compare["total"]["difference"]["offered"], 1);
    assert_eq!(compare["groups"][0]["this"]["offered"], 2);
    let today = domain::local_time::day_of(chrono::Utc::now()).to_string();
    let before = ["staffing", "forecast", "--from", &today];
    node.run(&before).await.exits(2).fails_with("nothing was counted");
    let slip = ["--hotline", "Bürgertelfon"];
    let slip = [
        &["report"],
        &days("totals", ("2024-03-04", "2024-03-05"))[..],
        &slip,
    ]
    .concat();
    node.run(&slip).await.exits(2).fails_with("nothing is known of");
    let days_ago = |days| chrono::Utc::now() - chrono::TimeDelta::days(days);
    let lately: Vec<Row> = (7..14)
        .map(|days| {
            Row::answered(
                &format!("{} 07:30:00", days_ago(days).format("%Y-%m-%d")),
                HOTLINES[0],
            )
        })
        .collect();
    import(&node, "lately.csv", &lately).await;
    // 25 December 2028 is a Monday.
    let forecast = [
        "staffing",
        "forecast",
        "--from",
        "2028-12-24",
        "--days",
        "4",
        "--json",
    ];
    let forecast = node.run(&forecast).await.exits(0).json();
    assert_eq!(
        forecast["closed_days"],
        json!(["2028-12-24", "2028-12-25", "2028-12-26"])
    );
    assert_eq!(forecast["intervals"].as_array().map(Vec::len), Some(20));
    assert_eq!(forecast["intervals"][0]["agents"], 0);
}

#[tokio::test]
async fn each_report_takes_groups_intervals_zone_and_policy() {
    let node = TestNode::start(Backend::Embedded).await;
    two_hotlines(&node).await;
    let monday = ["--from", "2024-03-04", "--to", "2024-03-05"];
    for interval in ["15m", "1h", "1d", "1w", "1M"] {
        let more = [
            "--interval",
            interval,
            "--by",
            "hotline",
            "--zone",
            "Asia/Kathmandu",
        ];
        let more = [&more[..], &["--policy", "of-answered"]].concat();
        for asked in ["intervals", "totals", "percentiles", "promise"] {
            let told = report(&node, &[&[asked], &monday[..], &more].concat()).await;
            assert_eq!(
                (&told["interval"], &told["zone"]),
                (&json!(interval), &json!("Asia/Kathmandu")),
                "{asked}"
            );
            let policy = match asked {
                "promise" => &told["targets"][0]["service_level"]["policy"],
                _ => &told["policy"],
            };
            if asked != "percentiles" {
                assert_eq!(policy["name"], "of-answered", "{asked}");
            }
        }
        let intervals = report(&node, &[&["intervals"], &monday[..], &more].concat()).await;
        let totals = report(&node, &[&["totals"], &monday[..], &more].concat()).await;
        assert_eq!(totals, intervals);
    }
    for interval in ["15m", "1h", "1d"] {
        let live = ["live", "--interval", interval, "--by", "group"];
        let more = ["--zone", "Asia/Kathmandu", "--policy", "of-answered"];
        let told = report(&node, &[&live[..], &more].concat()).await;
        assert_eq!(told["policy"]["name"], "of-answered");
        assert_eq!(told["zone"], "Asia/Kathmandu");
    }
}

#[tokio::test]
async fn what_is_refused_is_told_in_the_words_of_the_command_line() {
    let node = TestNode::start(Backend::Embedded).await;
    let monday = ["--from", "2024-03-04", "--to", "2024-03-05"];
    let none = ["--from", "2024-03-04", "--to", "2024-03-04"];
    for asked in ["intervals", "totals", "percentiles", "promise"] {
        let refused = async |more: &[&str], why: &str| {
            let arguments = [&["report", asked], more].concat();
            node.run(&arguments).await.exits(2).fails_with(why);
        };
        let with = |more: [&'static str; 2]| [&monday[..], &more].concat();
        refused(&none, "--to: give a day after `--from`").await;
        refused(&with(["--policy", "of-all"]), "--policy: ").await;
        refused(&with(["--zone", "Mars/Olympus"]), "--zone: ").await;
        refused(&with(["--interval", "2h"]), "--interval: ").await;
        if asked != "promise" {
            refused(&with(["--within", "125"]), "--within: ").await;
            refused(&with(["--task-type", "pigeon"]), "--task-type: ").await;
            refused(&with(["--hotline", "Bürgertelfon"]), "--hotline: ").await;
        }
    }
    let beside = ["--with-from", "2024-03-04", "--with-to", "2024-03-04"];
    let compare = [&["report", "compare"], &monday[..], &beside].concat();
    let told = node.run(&compare).await.exits(2);
    told.fails_with("--with-to: give a day after `--with-from`");
    let live = ["report", "live", "--policy", "of-all"];
    node.run(&live).await.exits(2).fails_with("--policy: ");
    let since = ["report", "changes", "--since", "gestern"];
    node.run(&since).await.exits(2).fails_with("--since: ");
    let forecast = ["staffing", "forecast", "--weeks", "1"];
    node.run(&forecast).await.exits(2).fails_with("--weeks: ");
}

#[tokio::test]
async fn staffing_needs_no_server() {
    let node = TestNode::start(Backend::Embedded).await;
    let load = [
        "staffing",
        "--offered",
        "100",
        "--interval",
        "30m",
        "--aht",
        "180",
        "--target",
        "0.8",
    ];
    let load = [
        &load[..],
        &[
            "--within",
            "20",
            "--shrinkage",
            "0.3",
            "--max-occupancy",
            "0.85",
            "--json",
        ],
    ];
    let staffing = node.run(&load.concat()).await.exits(0).json();
    assert_eq!(
        (&staffing["agents"], &staffing["positions"]),
        (&json!(14), &json!(20))
    );
    let near = |name: &str, value: f64| (staffing[name].as_f64().expect(name) - value).abs() < 0.0005;
    assert!(near("service_level", 0.888) && near("occupancy", 0.714) && near("waiting_probability", 0.174));
    node.run(&["staffing", "--offered", "1", "--aht", "180", "--target", "1"])
        .await
        .exits(2);
    node.run(&["staffing"]).await.exits(2);
}

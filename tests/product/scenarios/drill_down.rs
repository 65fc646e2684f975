//! From a figure to what is behind it: as many visits as the figure says, whatever the cell, and the same files from the
//! console as from the command line.

use serde_json::Value;
use testkit::{Backend, TestNode};
use wire::v1::reporting as proto;
use wire::v1::reporting::records_client::RecordsClient;

const DAY: [&str; 4] = ["--from", "2024-10-28", "--to", "2024-10-29"];
const OUTCOMES: [&str; 6] = [
    "answered",
    "abandoned",
    "overflowed",
    "diverted",
    "unresolved",
    "waiting",
];

/// A node with a simulated day, some ends missing.
async fn played(backend: Backend) -> TestNode {
    let node = TestNode::start(backend).await;
    let simulate = [
        "simulate",
        "--as",
        "events",
        "--dirt",
        "--calls-per-day",
        "200",
        "--wait",
    ];
    node.run(&[&simulate[..], &DAY].concat()).await.exits(0);
    node
}

/// The figures of a report, by hour and hotline.
async fn hours(node: &TestNode) -> Value {
    let report = [
        "report",
        "intervals",
        "--interval",
        "1h",
        "--by",
        "hotline",
        "--json",
    ];
    node.run(&[&report[..], &DAY].concat()).await.exits(0).json()
}

/// How many visits are listed, however many pages they take.
async fn listed(node: &TestNode, filter: proto::VisitFilter) -> i64 {
    let mut client = RecordsClient::new(node.connection());
    let mut request = proto::ListVisitsRequest {
        filter: Some(filter),
        page_size: 7,
        ..proto::ListVisitsRequest::default()
    };
    let mut count = 0;
    loop {
        let page = client
            .list_visits(request.clone())
            .await
            .expect("a page")
            .into_inner();
        count += page.visits.len() as i64;
        if page.next_page_token.is_empty() {
            return count;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn a_list_has_as_many_rows_as_the_figure_says() {
    Backend::each(|backend| async move {
        let node = played(backend).await;
        let told = hours(&node).await;
        let short_s = told["policy"]["short_abandon_s"].as_u64().expect("a threshold");
        let mut cells = 0;
        for group in told["groups"].as_array().expect("groups") {
            let hotlines = vec![group["group"].as_str().expect("a name").to_owned()];
            let filter = |interval: &Value, outcome: &str, within_seconds: Option<u64>| proto::VisitFilter {
                from: interval["start"].as_str().expect("a time").to_owned(),
                to: interval["end"].as_str().expect("a time").to_owned(),
                hotlines: hotlines.clone(),
                outcome: outcome.to_owned(),
                within_seconds: within_seconds.map(|seconds| seconds as u32),
                ..proto::VisitFilter::default()
            };
            let intervals = group["intervals"].as_array().expect("intervals");
            // Every third hour: there are many.
            for interval in intervals.iter().step_by(3).filter(|it| it["offered"] != 0) {
                let offered = listed(&node, filter(interval, "", None)).await;
                assert_eq!(interval["offered"], offered, "{interval}");
                for outcome in OUTCOMES {
                    let rows = listed(&node, filter(interval, outcome, None)).await;
                    assert_eq!(interval[outcome], rows, "{outcome} of {interval}");
                }
                let rows = listed(&node, filter(interval, "abandoned", Some(short_s))).await;
                assert_eq!(interval["short_abandoned"], rows, "{interval}");
                cells += 1;
            }
        }
        assert!(cells > 5, "{cells} cells with calls");
        let all = proto::VisitFilter {
            from: DAY[1].to_owned(),
            to: DAY[3].to_owned(),
            ..proto::VisitFilter::default()
        };
        assert_eq!(told["total"]["offered"], listed(&node, all).await);
    })
    .await;
}

#[tokio::test]
async fn a_page_tells_the_figure_above_its_rows() {
    let node = played(Backend::Embedded).await;
    let token = node.token();
    let told = hours(&node).await;
    let groups = told["groups"].as_array().expect("groups");
    let group = groups
        .iter()
        .max_by_key(|group| group["abandoned"].as_i64())
        .expect("a group");
    let name = group["group"].as_str().expect("a name");
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for (outcome, figure) in [
        ("abandoned", &group["abandoned"]),
        ("short", &group["short_abandoned"]),
        ("answered", &group["answered"]),
    ] {
        let path = format!("/anrufe?von=2024-10-28&bis=2024-10-28&hotline={encoded}&ergebnis={outcome}");
        let page = node.page(&path, Some(&token), None).await;
        assert_eq!(page.status, 200);
        let body = page.body;
        assert!(
            body.contains(&format!("<b id=\"gezaehlt\">{figure}</b>")),
            "{outcome}: {figure}"
        );
        let rows = body.matches("href=\"/anrufe/").count() as i64;
        assert_eq!(figure.as_i64().expect("a count").min(100), rows, "{outcome}");
    }
}

#[tokio::test]
async fn the_console_gives_the_file_that_the_command_line_writes() {
    let node = played(Backend::Embedded).await;
    let token = node.token();
    let csv = ["--format", "csv", "--encoding", "utf-8-bom"];
    for (page, report) in [
        (
            "art=intervalle&intervall=1h&nach=hotline",
            "intervals --interval 1h --by hotline",
        ),
        ("art=perzentile&nach=hotline", "percentiles --by hotline"),
        ("art=zusagen&intervall=1d", "promise --interval 1d"),
        ("art=wochenprofil&intervall=30m", "profile --interval 30m"),
    ] {
        let path = format!("/verlauf/export?von=2024-10-28&bis=2024-10-28&form=csv&{page}");
        let file = node.page(&path, Some(&token), None).await;
        assert_eq!(file.status, 200, "{page}: {}", file.body);
        assert!(
            file.header("content-disposition")
                .is_some_and(|it| it.starts_with("attachment"))
        );
        let words: Vec<&str> = ["report"].into_iter().chain(report.split(' ')).collect();
        let written = node.run(&[&words[..], &DAY, &csv].concat()).await.exits(0);
        assert_eq!(file.body, written.stdout, "{report}");
    }
}

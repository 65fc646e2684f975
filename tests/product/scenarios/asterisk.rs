//! The logs of a real Asterisk: imported, followed, interrupted.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{Backend, TestNode, eventually};
use tokio::process::Child;

use crate::figures;

const DAYS: (&str, &str) = ("2026-11-22", "2026-11-23");

fn recorded(name: &str) -> PathBuf {
    let data = "../services/importer/tests/data/asterisk";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(data).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(recorded(name)).expect("the recorded logs are there")
}

async fn import(node: &TestNode, format: &str, files: &[&str]) -> Value {
    let files: Vec<String> = files
        .iter()
        .map(|name| recorded(name).display().to_string())
        .collect();
    let mut arguments = vec![
        "import", "--format", format, "--source", "asterisk", "--wait", "--json",
    ];
    arguments.extend(files.iter().map(String::as_str));
    node.run(&arguments).await.exits(0).json()
}

async fn check_queue_log(node: &TestNode) {
    let group = |hotline: &str, numbers: [i64; 6], sums_ms: [i64; 3]| {
        json!({
            "group": hotline,
            "offered": numbers[0], "answered": numbers[1], "abandoned": numbers[2],
            "overflowed": numbers[3], "diverted": numbers[4], "unresolved": numbers[5],
            "time_to_answer_ms": sums_ms[0], "time_to_abandon_ms": sums_ms[1], "talk_ms": sums_ms[2],
            "waiting": 0,
        })
    };
    let expected = json!({ "groups": [
        group("buergertelefon", [28, 21, 1, 2, 4, 0], [76_000, 1_000, 156_000]),
        group("schule", [8, 6, 0, 1, 1, 0], [12_000, 0, 63_000]),
        group("steuern", [13, 10, 2, 0, 0, 1], [16_000, 7_000, 89_000]),
        group("umwelt", [9, 7, 1, 0, 1, 0], [30_000, 10_000, 82_000]),
    ]});
    figures::check(&figures::report(node, DAYS).await, &expected);
}

#[tokio::test]
async fn the_queue_log_gives_the_figures_of_its_visits_however_often_it_is_imported() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        for known in [0, 375] {
            let told = import(&node, "queue-log", &["queue_log.0", "queue_log"]).await;
            let expected = json!({ "read": 221, "accepted": 375, "duplicate": known, "rejected": 0 });
            figures::check(&told, &expected);
            check_queue_log(&node).await;
        }
    })
    .await;
}

#[tokio::test]
async fn channel_events_beside_the_queue_log_add_holds_and_calls_that_were_not_offered() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node, "cel", &["cel.csv"]).await;
        import(&node, "queue-log", &["queue_log.0", "queue_log"]).await;
        let told = figures::report(&node, DAYS).await;
        let expected = json!({ "total": {
            "contacts": 63, "not_offered": 9, "offered": 58, "answered": 44, "abandoned": 4,
            "overflowed": 3, "diverted": 6, "unresolved": 1,
            "time_to_answer_ms": 134_000, "time_to_abandon_ms": 18_000,
        }});
        figures::check(&told, &expected);
        let milliseconds = |name: &str| told["total"][name].as_i64().expect("a duration");
        assert_eq!(milliseconds("talk_ms") + milliseconds("hold_ms"), 390_000);
        assert!(milliseconds("hold_ms") > 20_000);
    })
    .await;
}

/// An import that follows, as a process.
fn follow(node: &TestNode, path: &Path) -> Child {
    let path = path.to_str().expect("a path of text");
    let arguments = [
        "import",
        "--format",
        "queue-log",
        "--follow",
        "--wait",
        "--json",
        path,
    ];
    let mut command = node.command(&arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program can be started")
}

async fn end(child: Child, signal: Signal) -> Option<Value> {
    let pid = child
        .id()
        .and_then(|pid| Pid::from_raw(pid.cast_signed()))
        .expect("it runs");
    kill_process(pid, signal).expect("it takes signals");
    let output = child.wait_with_output().await.expect("it can be waited for");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let last = stdout.lines().last()?;
    Some(serde_json::from_str(last).expect("the last line is JSON"))
}

async fn until_offered(node: &TestNode, offered: u64) {
    eventually("what was written is counted", || async {
        let totals = node.totals(DAYS.0, DAYS.1).await;
        let told = totals.total.map_or(0, |total| total.offered);
        (u64::try_from(told).ok()? == offered).then_some(())
    })
    .await;
}

fn append(path: &Path, lines: &[&str]) {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .append(true)
        .create(true)
        .open(path)
        .expect("the log can be written");
    for line in lines {
        writeln!(file, "{line}").expect("the log can be written");
    }
}

fn entries(lines: &[&str]) -> u64 {
    lines.iter().filter(|line| line.contains("|ENTERQUEUE|")).count() as u64
}

#[tokio::test]
async fn a_followed_log_is_read_on_through_rotation_restarts_and_kills() {
    let (older, newer) = (text("queue_log.0"), text("queue_log"));
    let lines: Vec<&str> = older.lines().chain(newer.lines()).collect();
    let node = TestNode::start(Backend::Embedded).await;
    let log = node.home().join("queue_log");
    let rotated = |number: u32| node.home().join(format!("queue_log.{number}"));
    append(&log, &lines[..60]);
    let first = follow(&node, &log);
    until_offered(&node, entries(&lines[..60])).await;
    append(&log, &lines[60..80]);
    until_offered(&node, entries(&lines[..80])).await;
    let told = end(first, Signal::INT).await.expect("a summary");
    figures::check(&told, &json!({ "read": 80, "duplicate": 0, "rejected": 0 }));

    // Nobody follows while the log goes on and is rotated.
    append(&log, &lines[80..95]);
    std::fs::rename(&log, rotated(1)).expect("rotation");
    append(&log, &lines[95..120]);
    let second = follow(&node, &log);
    until_offered(&node, entries(&lines[..120])).await;
    // Rotated while followed; the old file is still written to until the new one is.
    std::fs::rename(&log, rotated(2)).expect("rotation");
    append(&rotated(2), &lines[120..130]);
    append(&log, &lines[130..160]);
    until_offered(&node, entries(&lines[..160])).await;
    assert!(end(second, Signal::KILL).await.is_none());

    append(&log, &lines[160..]);
    let third = follow(&node, &log);
    until_offered(&node, 58).await;
    let told = end(third, Signal::TERM).await.expect("a summary");
    figures::check(&told, &json!({ "rejected": 0 }));
    check_queue_log(&node).await;
    let whole = node.file("whole", lines.join("\n").as_bytes());
    let again = node
        .run(&["import", "--format", "queue-log", "--wait", "--json", &whole])
        .await;
    figures::check(
        &again.exits(0).json(),
        &json!({ "accepted": 375, "duplicate": 375 }),
    );
}

#[tokio::test]
async fn files_that_come_into_a_folder_are_taken_once_and_calls_go_on_across_them() {
    let node = TestNode::start(Backend::Embedded).await;
    let folder = node.home().join("logs");
    std::fs::create_dir(&folder).expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    put("2026-11-22-1", &text("queue_log.0"));
    put("unfinished.part", "100|c.1|q|NONE|ENTERQUEUE||1|1\n");
    let entered = entries(&text("queue_log.0").lines().collect::<Vec<_>>());
    let first = follow(&node, &folder);
    until_offered(&node, entered).await;
    end(first, Signal::INT).await.expect("a summary");
    put("2026-11-22-2", &text("queue_log"));
    let second = follow(&node, &folder);
    until_offered(&node, 58).await;
    let told = end(second, Signal::INT).await.expect("a summary");
    figures::check(&told, &json!({ "read": 141, "duplicate": 0 }));
    check_queue_log(&node).await;
}

#[tokio::test]
async fn formats_without_ids_are_not_followed() {
    let node = TestNode::start(Backend::Embedded).await;
    let refused = node
        .run(&["import", "--format", "hotline-export", "--follow", "x.csv"])
        .await;
    assert!(refused.exits(2).stderr.contains("gives its calls ids"));
}

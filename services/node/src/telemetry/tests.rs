//! What is written about metrics, held against those that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Notes what is described.
#[derive(Default)]
struct Described {
    names: Mutex<BTreeSet<String>>,
    histograms: Mutex<BTreeSet<String>>,
}

impl Recorder for Described {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.note(&key);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.note(&key);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.histograms
            .lock()
            .expect("no panic before")
            .insert(key.as_str().to_owned());
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl Described {
    fn note(&self, key: &KeyName) {
        self.names
            .lock()
            .expect("no panic before")
            .insert(key.as_str().to_owned());
    }

    /// What Prometheus sees of them.
    fn exported(self) -> BTreeSet<String> {
        let mut names = self.names.into_inner().expect("no panic before");
        for histogram in self.histograms.into_inner().expect("no panic before") {
            names.extend(["_bucket", "_sum", "_count", ""].map(|end| format!("{histogram}{end}")));
        }
        names
    }
}

fn ops() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops")
}

/// Every file of the folders, with its name.
fn texts(folders: &[&str]) -> Vec<(String, String)> {
    let files = folders.iter().flat_map(|folder| {
        let files = std::fs::read_dir(ops().join(folder)).expect("a folder");
        files.map(|file| file.expect("a file").path())
    });
    files
        .map(|file| {
            let text = std::fs::read_to_string(&file).expect("text");
            (file.display().to_string(), text)
        })
        .collect()
}

/// Names of metrics and of recorded series.
fn names_in(text: &str) -> BTreeSet<String> {
    let in_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    text.split(|letter| !in_a_name(letter))
        .map(|name| name.trim_matches(':'))
        .filter(|name| name.contains("nrwdirekt_") && *name != "nrwdirekt_")
        .map(str::to_owned)
        .collect()
}

#[test]
fn dashboard_alerts_and_runbooks_name_metrics_that_there_are() {
    let described = Described::default();
    metrics::with_local_recorder(&described, super::describe_metrics);
    let mut known = described.exported();
    let rules = std::fs::read_to_string(ops().join("prometheus/rules.yml")).expect("rules");
    let recorded = rules
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("record: "));
    known.extend(recorded.map(str::to_owned));
    for (file, text) in texts(&["prometheus", "grafana", "runbooks"]) {
        for name in names_in(&text) {
            assert!(known.contains(&name), "{file}: there is no metric {name}");
        }
    }
}

#[test]
fn every_alert_names_a_runbook_that_there_is() {
    let alerts = std::fs::read_to_string(ops().join("prometheus/alerts.yml")).expect("alerts");
    for alert in alerts.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap_or_default();
        let runbook = alert
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("runbook: ops/"))
            .unwrap_or_else(|| panic!("{name} names no runbook"));
        let page =
            std::fs::read_to_string(ops().join(runbook)).unwrap_or_else(|_| panic!("{name}: {runbook}"));
        assert!(page.contains(name), "{runbook} does not name {name}");
    }
}

#[test]
fn numbers_are_not_written_out_at_any_level() {
    for asked in [None, Some("trace"), Some("rlibphonenumber=trace")] {
        let filter = super::filter(asked).to_string();
        let of_numbers: Vec<&str> = filter
            .split(',')
            .filter(|directive| directive.starts_with("rlibphonenumber"))
            .collect();
        assert_eq!(of_numbers, ["rlibphonenumber=info"], "{filter}");
    }
}

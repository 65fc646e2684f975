//! Definitions that are applied as a document, the promise that is held against targets, and months that are sealed.

use serde_json::json;
use testkit::export::Row;
use testkit::{Backend, TestNode};

use super::{HOTLINES, days, import, report, two_hotlines};

const FIGURES: &str = r#"
default_policy = "vertrag"
[[policy]]
name = "vertrag"
version = 3
variant = "abandons_within_met"
threshold_s = 20
short_abandon_s = 5
[[hotline]]
name = "Umwelt"
threshold_s = 60
[[group]]
name = "Alle beide"
hotlines = ["Bürgertelefon", "Umwelt"]
[[target]]
group = "Alle beide"
service_level = 0.75
first_contact = 0.65
[[target]]
all = true
service_level = 0.9
within_s = 20
policy = "of-answered"
answers = 0.9
"#;

#[tokio::test]
async fn definitions_are_applied_as_a_document_and_read_history_anew() {
    let node = TestNode::start(Backend::Embedded).await;
    two_hotlines(&node).await;
    let wrong = FIGURES
        .replace("\"Umwelt\"]", "\"Unwelt\"]")
        .replace("threshold_s = 60", "threshold_s = 61.5");
    let wrong = node.file("wrong.toml", wrong.as_bytes());
    node.run(&["config", "apply", "--figures", &wrong]).await.exits(2);
    let monday = days("totals", ("2024-03-04", "2024-03-05"));
    let before = report(&node, &monday).await;
    assert_eq!(before["policy"]["name"], "of-offered");
    assert_eq!(before["total"]["service_level"], 0.4);
    for (policy, level) in [
        ("short-abandons-excluded", 0.4),
        ("abandons-within-ignored", 0.5),
        ("abandons-within-met", 0.6),
        ("of-answered", 0.5),
    ] {
        let told = report(&node, &[&monday[..], &["--policy", policy]].concat()).await;
        assert_eq!(told["total"]["service_level"], level, "{policy}");
        assert_eq!(told["policy"]["name"], policy);
    }
    let unknown = [&["report"], &monday[..], &["--policy", "of-all"]].concat();
    node.run(&unknown).await.exits(2);

    let figures = node.file("figures.toml", FIGURES.as_bytes());
    node.run(&["config", "apply", "--figures", &figures])
        .await
        .exits(0);
    let told = report(&node, &[&monday[..], &["--by", "group"]].concat()).await;
    assert_eq!(
        (&told["policy"]["name"], &told["policy"]["version"]),
        (&json!("vertrag"), &json!(3))
    );
    assert_eq!(told["policy"]["hotline_thresholds_s"], json!({ "Umwelt": 60 }));
    // Within 20 s: one answered, one hung up; within 60 s: one answered. Of five.
    assert_eq!(told["total"]["service_level"], 0.6);
    assert_eq!(told["groups"][0]["group"], "Alle beide");
    assert_eq!(told["groups"][0]["service_level_met"], 3);
    let by_hotline = report(&node, &[&monday[..], &["--by", "hotline"]].concat()).await;
    assert_eq!(by_hotline["groups"][1]["service_level"], 0.5);
    let one = report(&node, &[&monday[..], &["--hotline", "Umwelt"]].concat()).await;
    assert_eq!(one["total"]["offered"], 2);
}

#[tokio::test]
async fn the_promise_is_held_against_targets() {
    let node = TestNode::start(Backend::Embedded).await;
    let figures = node.file("figures.toml", FIGURES.as_bytes());
    node.run(&["config", "apply", "--figures", &figures])
        .await
        .exits(0);
    two_hotlines(&node).await;
    let log = [
        "callback",
        "log",
        "--json",
        "--hotline",
        "Umwelt",
        "--phone",
        "0221 4710123",
    ];
    node.run(&[&log[..], &["--concern", "Lärm"]].concat())
        .await
        .exits(0);
    let promise = report(&node, &days("promise", ("2024-03-04", "2024-03-06"))).await;
    let [group, all] = [0, 1].map(|place| &promise["targets"][place]);
    assert_eq!(
        (&group["of"], &group["name"]),
        (&json!("group"), &json!("Alle beide"))
    );
    let level = &group["service_level"];
    assert_eq!(
        (&level["share"], &level["kept"], &level["may_miss"]),
        (&json!(0.6), &json!(false), &json!(-1))
    );
    assert_eq!(level["days"].as_array().map(Vec::len), Some(2));
    assert!(level["days"][1].get("kept").is_none(), "{level}");
    assert_eq!(group["first_contact"]["share"], 1.0);
    assert!(group.get("answers").is_none());
    assert_eq!(all["service_level"]["share"], 0.25);
    assert_eq!(all["service_level"]["policy"]["threshold_s"], 20);
    assert_eq!(
        (&all["answers"]["of"], &all["answers"]["open"]),
        (&json!(0), &json!(0))
    );
    let csv = [&["report"], &days("promise", ("2024-03-04", "2024-03-06"))[..]].concat();
    let csv = node
        .run(&[&csv[..], &["--format", "csv"]].concat())
        .await
        .exits(0)
        .stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].ends_with(";Servicelevel nach;Servicelevel-Version"),
        "{csv}"
    );
    let of_all = |line: &&&str| line.starts_with("Alle;");
    let levels = lines
        .iter()
        .filter(of_all)
        .filter(|line| line.contains(";Servicelevel;"));
    let mut levels = levels.peekable();
    assert!(
        levels.peek().is_some() && levels.all(|line| line.ends_with(";of-answered;1")),
        "{csv}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains(";Erstkontakt;") && line.ends_with(";;")),
        "{csv}"
    );
    let each = [
        &days("promise", ("2024-03-04", "2024-03-06"))[..],
        &["--by", "hotline"],
    ]
    .concat();
    let each = report(&node, &each).await;
    let hotlines = each["targets"].as_array().expect("targets").iter();
    let of_group: Vec<_> = hotlines
        .filter(|it| ["Bürgertelefon", "Umwelt"].contains(&it["name"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(of_group.len(), 2, "each is held to the narrowest target");
    let met: i64 = of_group
        .iter()
        .filter_map(|it| it["service_level"]["met"].as_i64())
        .sum();
    assert_eq!(json!(met), level["met"]);
    let today = chrono::Utc::now().date_naive();
    let [from, to] = [-1, 2].map(|days| (today + chrono::TimeDelta::days(days)).to_string());
    let now = report(&node, &days("promise", (&from, &to))).await;
    assert_eq!(now["targets"][1]["answers"]["open"], 1);
}

#[tokio::test]
async fn a_sealed_month_stays_and_what_comes_late_is_listed_beside_it() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        two_hotlines(&node).await;
        let march = ("2024-03-01", "2024-04-01");
        let drawn = report(&node, &days("totals", march)).await;
        let seal = [
            "report", "seal", "--from", march.0, "--to", march.1, "--by", "anna", "--json",
        ];
        let seal = [&seal[..], &["--reason", "Monatsabschluss"]].concat();
        let sealed = node.run(&seal).await.exits(0).json();
        node.run(&seal).await.exits(2);
        let late = [Row::answered("2024-03-05 10:00:00", HOTLINES[0]).waits(1_000, 0)];
        import(&node, "late.csv", &late).await;

        let id = sealed["id"].to_string();
        let statement = report(&node, &["statements", "--id", &id, "--by-hotline"]).await;
        assert_eq!(statement["total"]["offered"], 5);
        assert_eq!(statement["now"]["total"]["offered"], 6);
        assert_eq!(
            statement["total"]["service_level"],
            drawn["total"]["service_level"]
        );
        assert_eq!(statement["groups"][1]["group"], "Umwelt");
        let all = report(&node, &["statements"]).await;
        assert_eq!(all[0]["reason"], "Monatsabschluss");
        let since = drawn["as_of"].as_str().expect("a version").to_owned();
        let changes = report(&node, &["changes", "--since", &since]).await;
        let changes = changes["changes"].as_array().expect("a list");
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0]["start"], "2024-03-05T10:00:00+01:00");
        assert_eq!(changes[0]["difference"]["offered"], 1);
        node.run(&["report", "changes", "--since", "gestern"])
            .await
            .exits(2);
    })
    .await;
}

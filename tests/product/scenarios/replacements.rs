//! A file becomes the truth of its source for a period, or is only compared with what is kept.

use domain::record::Field;
use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, Dice, TestNode};

use crate::figures;

async fn import(node: &TestNode, rows: &[Row], options: &[&str], code: i32) -> Value {
    let file = node.file("export.csv", &export::file(rows, Dress::German));
    let arguments = [
        &["import", "--format", "hotline-export", "--json", &file],
        options,
    ]
    .concat();
    node.run(&arguments).await.exits(code).json()
}

const WEEK: &str = "2024-03-04..2024-03-11";

#[tokio::test]
async fn a_corrected_file_replaces_its_period_and_the_former_one_can_come_back() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let first = export::invented(300, &mut dice);
        // Twenty rows are gone, ten are others.
        let mut corrected = first[20..].to_vec();
        corrected.splice(0..10, export::invented(10, &mut dice));

        let expected = TestNode::start(backend).await;
        import(&expected, &corrected, &["--wait"], 0).await;
        let expected = figures::of_the_invented_week(&expected).await;

        let node = TestNode::start(backend).await;
        import(&node, &first, &["--wait"], 0).await;
        let former = figures::of_the_invented_week(&node).await;
        for retracted in [30, 0] {
            let told = import(&node, &corrected, &["--replace", WEEK], 0).await;
            figures::check(&told, &json!({ "accepted": 280, "retracted": retracted }));
            assert_eq!(figures::of_the_invented_week(&node).await, expected);
        }
        let told = import(&node, &first, &["--replace", WEEK], 0).await;
        figures::check(&told, &json!({ "accepted": 300, "retracted": 10 }));
        assert_eq!(figures::of_the_invented_week(&node).await, former);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_retracted_by_a_file_with_faults_or_of_other_days() {
    Backend::first(|backend| async move {
        let rows = export::invented(50, &mut Dice::new());
        let node = TestNode::start(backend).await;
        import(&node, &rows, &["--wait"], 0).await;
        let before = figures::of_the_invented_week(&node).await;

        let unreadable = Row::answered("2024-03-05 09:00:00", "Bürgertelefon");
        let unreadable = unreadable.instead(Field::StartedAt, "32.03.2024 09:00:00");
        let faulty = [&rows[..10], &[unreadable]].concat();
        let told = import(&node, &faulty, &["--replace", WEEK], 3).await;
        assert_eq!(told["retracted"], Value::Null);

        let elsewhere = [Row::answered("2024-05-06 09:00:00", "Bürgertelefon")];
        let file = node.file("export.csv", &export::file(&elsewhere, Dress::German));
        let replace = ["import", "--format", "hotline-export", "--replace", WEEK, &file];
        let refused = node.run(&replace).await;
        assert!(
            refused.stderr.contains("nothing is retracted"),
            "{}",
            refused.stderr
        );
        assert_eq!(figures::of_the_invented_week(&node).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_file_is_compared_with_what_is_kept_and_changes_nothing() {
    Backend::first(|backend| async move {
        let day = |time: &str, hotline: &str| Row::answered(&format!("2024-03-04 {time}"), hotline);
        let kept = [
            day("09:00:00", "Bürgertelefon").waits(5_000, 0),
            day("09:10:00", "Bürgertelefon").waits(8_000, 0),
            day("09:20:00", "Steuern und Finanzen"),
        ];
        let node = TestNode::start(backend).await;
        import(&node, &kept, &["--wait"], 0).await;
        let before = figures::of_the_invented_week(&node).await;
        let same = import(&node, &kept, &["--reconcile"], 0).await;
        figures::check(
            &same,
            &json!({ "matched": 3, "differing": 0, "only_in_file": 0, "only_stored": 0 }),
        );

        let other = [
            day("09:00:01", "Bürgertelefon").waits(5_400, 0),
            day("09:10:00", "Bürgertelefon").waits(48_000, 0),
            day("11:00:00", "Bürgertelefon"),
        ];
        let differing = import(&node, &other, &["--reconcile"], 3).await;
        let expected = json!({ "matched": 1, "differing": 1, "only_in_file": 1, "only_stored": 1 });
        figures::check(&differing, &expected);
        assert_eq!(figures::of_the_invented_week(&node).await, before);
    })
    .await;
}

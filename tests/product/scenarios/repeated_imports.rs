//! Importing is a union: what is known does not count again.

use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, Dice, TestNode};

use crate::figures;

async fn import(node: &TestNode, rows: &[Row]) -> Value {
    let file = node.file("export.csv", &export::file(rows, Dress::German));
    let import = node
        .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
        .await;
    import.exits(0).json()
}

#[tokio::test]
async fn an_import_done_three_times_counts_once() {
    Backend::each(|backend| async move {
        let rows = export::invented(500, &mut Dice::new());
        let node = TestNode::start(backend).await;
        figures::check(
            &import(&node, &rows).await,
            &json!({ "accepted": 500, "duplicate": 0 }),
        );
        let once = figures::of_the_invented_week(&node).await;
        assert_eq!(once["total"]["contacts"], 500);
        for _ in 0..2 {
            figures::check(
                &import(&node, &rows).await,
                &json!({ "accepted": 500, "duplicate": 500 }),
            );
            assert_eq!(figures::of_the_invented_week(&node).await, once);
        }
    })
    .await;
}

#[tokio::test]
async fn overlapping_files_give_the_same_figures_in_any_order() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let rows = export::invented(600, &mut dice);
        let whole = TestNode::start(backend).await;
        import(&whole, &rows).await;
        let expected = figures::of_the_invented_week(&whole).await;
        // Equal rows are told apart by their number within a file, so a part holds all of them or none.
        let equal = |row: &Row| rows.iter().filter(|other| *other == row).count() > 1;
        let part = |range: std::ops::Range<usize>| -> Vec<Row> {
            let inside = |index: usize| range.contains(&index);
            let rows = rows.iter().enumerate();
            rows.filter(|(index, row)| inside(*index) || equal(row))
                .map(|(_, row)| row.clone())
                .collect()
        };
        let mut parts = [part(0..300), part(200..450), part(400..600), part(0..600)];
        dice.shuffle(&mut parts);
        let node = TestNode::start(backend).await;
        for part in &parts {
            import(&node, part).await;
        }
        assert_eq!(figures::of_the_invented_week(&node).await, expected);
    })
    .await;
}

#[tokio::test]
async fn two_equal_rows_of_a_file_are_two_calls_and_stay_two() {
    Backend::each(|backend| async move {
        let row = Row::answered("2024-03-04 09:00:00", "Bürgertelefon").waits(5_000, 0);
        let node = TestNode::start(backend).await;
        for (rows, known) in [(1, 0), (2, 1), (3, 2), (2, 2)] {
            let told = import(&node, &vec![row.clone(); rows]).await;
            figures::check(&told, &json!({ "accepted": rows, "duplicate": known }));
        }
        assert_eq!(figures::of_the_invented_week(&node).await["total"]["answered"], 3);
    })
    .await;
}

#[tokio::test]
async fn the_same_file_under_another_source_counts_beside_the_first() {
    Backend::each(|backend| async move {
        let rows = [Row::answered("2024-03-04 09:00:00", "Bürgertelefon")];
        let node = TestNode::start(backend).await;
        import(&node, &rows).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        let format = [
            "import",
            "--format",
            "hotline-export",
            "--source",
            "other",
            "--wait",
            "--json",
        ];
        let import = node.run(&[&format[..], &[&file]].concat()).await;
        figures::check(&import.exits(0).json(), &json!({ "accepted": 1, "duplicate": 0 }));
        assert_eq!(figures::of_the_invented_week(&node).await["total"]["answered"], 2);
    })
    .await;
}

#[tokio::test]
async fn several_files_and_standard_input_are_one_import() {
    Backend::each(|backend| async move {
        let row = |minute| Row::answered(&format!("2024-03-04 09:0{minute}:00"), "Bürgertelefon");
        let node = TestNode::start(backend).await;
        let first = node.file("first.csv", &export::file(&[row(1), row(2)], Dress::German));
        let second = node.file("second.csv", &export::file(&[row(2), row(3)], Dress::Tabs));
        let command = node.command(&[
            "import",
            "--format",
            "hotline-export",
            "--wait",
            "--json",
            &first,
            &second,
            "-",
        ]);
        let input = export::file(&[row(4)], Dress::Commas);
        let import = testkit::command::finish_with_input(command, &input).await;
        figures::check(
            &import.exits(0).json(),
            &json!({ "read": 5, "accepted": 5, "duplicate": 1, "rejected": 0 }),
        );
        assert_eq!(figures::of_the_invented_week(&node).await["total"]["answered"], 4);
    })
    .await;
}

#[tokio::test]
async fn figures_are_the_same_after_a_restart() {
    Backend::each(|backend| async move {
        let mut node = TestNode::start(backend).await;
        import(&node, &export::invented(200, &mut Dice::new())).await;
        let before = figures::of_the_invented_week(&node).await;
        let token = node.token();
        node.stop().await;
        node.start_again().await;
        assert_eq!(node.token(), token, "clients outlive a restart");
        assert_eq!(figures::of_the_invented_week(&node).await, before);
    })
    .await;
}

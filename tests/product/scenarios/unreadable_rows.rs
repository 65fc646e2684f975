//! Rows that cannot be counted are listed, kept, and do not keep the others out.

use domain::record::Field;
use serde_json::json;
use testkit::export::{self, Dress, Row};
use testkit::{Backend, TestNode};

use crate::figures;

fn good() -> Row {
    Row::answered("2024-03-04 09:00:00", "Bürgertelefon").waits(5_000, 0)
}

#[tokio::test]
async fn a_rejected_row_is_listed_with_line_and_reason_and_kept() {
    Backend::each(|backend| async move {
        let rows = [
            good(),
            good().instead(Field::StartedAt, "31.02.2024 09:00:00"),
            good().instead(Field::ConnectionStatus, "Weißnicht"),
            good().instead(Field::TaskType, "Brieftaube"),
            good().caller("0221 4710200"),
        ];
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        let import = node
            .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
            .await
            .exits(3);
        figures::check(
            &import.json(),
            &json!({ "read": 5, "accepted": 2, "duplicate": 0, "rejected": 3 }),
        );
        for line in ["line 3", "line 4", "line 5"] {
            assert!(
                import.stderr.contains(line),
                "{line} is not listed:\n{}",
                import.stderr
            );
        }
        let kept = node
            .run(&["report", "rejected", "--json"])
            .await
            .exits(0)
            .json_lines();
        let expected = [
            ("line 3", "started_at"),
            ("line 4", "connection_status"),
            ("line 5", "task_type"),
        ];
        let mut places: Vec<_> = kept
            .iter()
            .map(|item| [&item["position"], &item["field"]])
            .collect();
        places.sort_by_key(|[position, _]| position.to_string());
        assert_eq!(json!(places), json!(expected));
        assert_eq!(figures::of_the_invented_week(&node).await["total"]["answered"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_rejected_row_is_kept_once_however_often_it_comes() {
    Backend::first(|backend| async move {
        let rows = [
            good().instead(Field::StartedAt, "gestern"),
            good().instead(Field::StartedAt, "vorgestern"),
        ];
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        for _ in 0..3 {
            let import = node
                .run(&["import", "--format", "hotline-export", "--json", &file])
                .await
                .exits(3);
            figures::check(&import.json(), &json!({ "accepted": 0, "rejected": 2 }));
        }
        let kept = node
            .run(&["report", "rejected", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!(kept.len(), 2);
        let one = node
            .run(&["report", "rejected", "--max", "1", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!(one.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_is_not_utf_8_is_kept_with_the_reason() {
    Backend::first(|backend| async move {
        let mut content = export::file(
            &[good(), good().caller("MARKE"), good().caller("1")],
            Dress::Commas,
        );
        let mark = content
            .windows(5)
            .position(|bytes| bytes == b"MARKE")
            .expect("the mark");
        content[mark + 1] = 0xff;
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &content);
        let import = node
            .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
            .await
            .exits(3);
        figures::check(
            &import.json(),
            &json!({ "read": 3, "accepted": 2, "rejected": 1 }),
        );
        let kept = node
            .run(&["report", "rejected", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0]["position"], "line 3");
        let reason = kept[0]["reason"].as_str().unwrap_or_default();
        assert!(
            reason.contains("UTF-8"),
            "the reason names the encoding: {reason}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_unreadable_optional_value_is_flagged_and_the_row_counts() {
    Backend::first(|backend| async move {
        let rows = [
            good().instead(Field::Talk, "-00:00:07"),
            good().instead(Field::ConsultCount, "viele"),
            good().instead(Field::Caller, "+49 (0)221 / 47-XX"),
        ];
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        let import = node
            .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
            .await
            .exits(0);
        figures::check(
            &import.json(),
            &json!({ "accepted": 3, "flagged": 2, "rejected": 0 }),
        );
        assert_eq!(figures::of_the_invented_week(&node).await["total"]["answered"], 3);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_hotline_counts_and_is_named_once() {
    Backend::first(|backend| async move {
        let rows = [1, 2].map(|caller| {
            Row::answered("2024-03-04 09:00:00", "Ganz neues Thema").caller(&caller.to_string())
        });
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        let import = node
            .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
            .await
            .exits(0);
        figures::check(
            &import.json(),
            &json!({ "provisional_hotlines": ["Ganz neues Thema"], "flagged": 0 }),
        );
        assert_eq!(
            import.stderr.matches("Ganz neues Thema").count(),
            1,
            "{}",
            import.stderr
        );
        assert_eq!(
            figures::of_the_invented_week(&node).await["groups"][0]["group"],
            "Ganz neues Thema"
        );
    })
    .await;
}

#[tokio::test]
async fn a_map_repairs_the_rows_that_were_rejected_for_an_unknown_word() {
    Backend::first(|backend| async move {
        let rows = [good(), good().instead(Field::ConnectionStatus, "Durchgestellt")];
        let node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        node.run(&["import", "--format", "hotline-export", "--wait", &file])
            .await
            .exits(3);
        let map = node.file(
            "map.toml",
            b"[connection_status]\nanswered = [\"Durchgestellt\"]\n",
        );
        let again = [
            "import",
            "--format",
            "hotline-export",
            "--wait",
            "--json",
            "--map",
            &map,
            &file,
        ];
        let import = node.run(&again).await.exits(0);
        figures::check(
            &import.json(),
            &json!({ "accepted": 2, "duplicate": 1, "rejected": 0 }),
        );
        assert_eq!(figures::of_the_invented_week(&node).await["total"]["answered"], 2);
    })
    .await;
}

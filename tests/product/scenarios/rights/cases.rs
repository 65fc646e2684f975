//! What persons ask for, as cases.

use serde_json::{Value, json};
use testkit::{Backend, TestNode};

use super::log;

async fn case(node: &TestNode, further: &[&str]) -> Value {
    node.run(&[&["privacy", "case"][..], further, &["--json"]].concat())
        .await
        .exits(0)
        .json()
}

#[tokio::test]
async fn a_case_goes_from_its_request_to_its_answer() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = log(&node, &["--phone", "0221 4710123", "--name", "Groß"]).await;
        let open = [
            "open",
            "--kind",
            "rectification",
            "--phone",
            "0221 4710123",
            "--received",
            "2026-01-31",
        ];
        let key = ["--idempotency-key", "k1"];
        let opened = case(&node, &[&open[..], &key].concat()).await;
        assert_eq!(
            (&opened["number"], &opened["due_on"]),
            (&json!(1), &json!("2026-02-28"))
        );
        assert_eq!(case(&node, &[&open[..], &key].concat()).await["number"], 1);
        assert_eq!(opened["overdue"], true);
        case(&node, &["open", "--kind", "access"]).await;
        let list = ["privacy", "case", "list", "--json"];
        let listed = node.run(&list).await.exits(0).json_lines();
        let kinds: Vec<&Value> = listed.iter().map(|case| &case["kind"]).collect();
        assert_eq!(kinds, ["rectification", "access"], "overdue ones come first");
        let of = ["--phone", "+49 221 4710123"];
        assert_eq!(
            node.run(&[&list[..], &of].concat())
                .await
                .exits(0)
                .json_lines()
                .len(),
            1
        );
        assert!(!format!("{listed:?}").contains("4710123"));

        let decide = ["privacy", "case", "decide", "1", "--outcome", "granted"];
        node.run(&decide).await.fails_with("who asks");
        let check = ["check", "1", "--how", "Personalausweis gesehen"];
        let note = ["note", "1", "--text", "angerufen"];
        let once = ["--idempotency-key", "k2"];
        for _ in 0..2 {
            let noted = case(&node, &[&note[..], &once].concat()).await;
            assert_eq!(noted["notes"].as_array().map(Vec::len), Some(1), "{noted}");
        }
        node.run(&[&["privacy", "case"][..], &check, &once].concat())
            .await
            .fails_with("choose a new one");
        case(&node, &check).await;
        let rectify = [
            "privacy",
            "rectify",
            &ticket,
            "--field",
            "name=Gross",
            "--reason",
            "so",
            "--case",
            "1",
        ];
        node.run(&rectify).await.exits(0);
        let shown = case(&node, &["show", "1"]).await;
        assert!(shown["notes"].to_string().contains("rectified"), "{shown}");
        node.run(&decide).await.exits(0);
        node.run(&rectify).await.fails_with("decided");
        // The same again is the same; anything else is another decision.
        let again = node
            .run(&[&decide[..], &["--json"]].concat())
            .await
            .exits(0)
            .json();
        assert_eq!(again["revision"], case(&node, &["show", "1"]).await["revision"]);
        node.run(&["privacy", "case", "decide", "1", "--outcome", "dropped"])
            .await
            .fails_with("decided");
        assert_eq!(node.run(&list).await.exits(0).json_lines().len(), 1);
        let all = node
            .run(&[&list[..], &["--all"]].concat())
            .await
            .exits(0)
            .json_lines();
        assert_eq!(all.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_was_done_for_a_case_may_be_asked_for_again_when_it_is_decided() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = log(&node, &["--phone", "0221 4710123", "--name", "Groß"]).await;
        let other = log(&node, &["--phone", "0221 4710124", "--name", "Klein"]).await;
        case(&node, &["open", "--kind", "erasure"]).await;
        let check = ["check", "1", "--how", "Personalausweis gesehen"];
        let checked = case(&node, &check).await;
        assert_eq!(case(&node, &check).await["revision"], checked["revision"]);
        let rectify = [
            "privacy",
            "rectify",
            &other,
            "--field",
            "name=Kleiner",
            "--reason",
            "so",
            "--case",
            "1",
            "--idempotency-key",
            "k-1",
            "--json",
        ];
        let rectified = node.run(&rectify).await.exits(0).json();
        let erase = |ticket: &str| {
            [
                "privacy", "erase", "--ticket", ticket, "--reason", "Art. 17", "--case", "1", "--json",
            ]
            .map(str::to_owned)
        };
        let asked = erase(&ticket);
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let first = node.run(&asked).await.exits(0).json();
        case(&node, &["decide", "1", "--outcome", "granted"]).await;

        let again = node.run(&asked).await.exits(0).json();
        assert_eq!(again["order"], first["order"]);
        assert_eq!(again["tickets"], first["tickets"]);
        assert_eq!(
            node.run(&rectify).await.exits(0).json()["version"],
            rectified["version"]
        );
        let another = erase(&other);
        let another: Vec<&str> = another.iter().map(String::as_str).collect();
        node.run(&another).await.fails_with("decided");
    })
    .await;
}

#[tokio::test]
async fn an_erasure_needs_who_asks_and_two_who_approve_where_that_is_wanted() {
    Backend::first(|backend| async move {
        let node = testkit::Builder::on(backend)
            .set("privacy.two_persons", "true")
            .start()
            .await;
        let opened = case(&node, &["open", "--kind", "erasure"]).await;
        assert_eq!(opened["may_erase"], false);
        let checked = case(&node, &["check", "1", "--how", "Personalausweis"]).await;
        assert!(checked["missing"].to_string().contains("approve"), "{checked}");
        node.run(&["privacy", "case", "approve", "1"])
            .await
            .fails_with("in his or her own name");
        let ticket = log(&node, &["--phone", "0221 4710123", "--name", "Groß"]).await;
        let erase = ["privacy", "erase", "--ticket", &ticket, "--reason", "Art. 17"];
        node.run(&erase).await.fails_with("two data protection officers");
        node.run(&[&erase[..], &["--case", "1"]].concat())
            .await
            .fails_with("has to approve");
        node.run(&["ticket", "erase", &ticket, "--reason", "Art. 17"])
            .await
            .fails_with("needs two persons");
        let refused = ["privacy", "case", "decide", "1", "--outcome", "refused"];
        node.run(&refused).await.fails_with("grounds");
    })
    .await;
}

async fn open_and_check(node: &TestNode, of: &[&str]) -> String {
    let open = ["open", "--kind", "erasure"];
    let number = case(node, &[&open[..], of].concat()).await["number"].to_string();
    case(node, &["check", &number, "--how", "Personalausweis"]).await;
    number
}

#[tokio::test]
async fn an_erasure_is_refused_for_a_case_that_is_about_somebody_else() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let phone = ["--phone", "0221 4710123"];
        let own = log(&node, &[&phone[..], &["--name", "Groß"]].concat()).await;
        let housemate = log(&node, &[&phone[..], &["--name", "Klein"]].concat()).await;
        let other = log(&node, &["--phone", "0221 4710124", "--name", "Weg"]).await;
        let by_marks = open_and_check(&node, &[&phone[..], &["--name", "Groß"]].concat()).await;
        let by_ticket = open_and_check(&node, &["--about", &own]).await;
        let so = ["--reason", "Art. 17", "--json"];
        for number in [&by_marks, &by_ticket] {
            let of_case = [&["--case", number][..], &so].concat();
            for asked in [
                &["--ticket", &other][..],
                &["--ticket", &own, "--ticket", &other],
                &["--ticket", &housemate],
                &["--person-of", &other],
                &["--phone", "0221 4710124"],
            ] {
                let erase = [&["privacy", "erase"][..], asked, &of_case].concat();
                node.run(&erase)
                    .await
                    .fails_with(&format!("case_number: case {number} is about somebody else"));
            }
        }
        let of_other = ["privacy", "erase", "--person-of", &other, "--case", &by_marks];
        let plan = [&of_other[..], &so, &["--dry-run"]].concat();
        let planned = node.run(&plan).await.exits(0).json();
        assert!(
            planned["missing"].to_string().contains("somebody else"),
            "{planned}"
        );
        let shown = node.run(&["ticket", "show", &other, "--json"]).await;
        assert_eq!(shown.exits(0).json()["fields"]["name"], "Weg");
    })
    .await;
}

#[tokio::test]
async fn an_erasure_is_done_for_the_case_of_the_person() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let so = ["--reason", "Art. 17", "--json"];
        for (phone, of_ticket) in [("0221 4710123", false), ("0221 4710124", true)] {
            let ticket = log(&node, &["--phone", phone, "--name", "Groß"]).await;
            let of = match of_ticket {
                true => ["--about", &ticket],
                false => ["--phone", phone],
            };
            let number = open_and_check(&node, &of).await;
            let erase = ["privacy", "erase", "--ticket", &ticket, "--case", &number];
            let erase = [&erase[..], &so].concat();
            let first = node.run(&erase).await.exits(0).json();
            // Nothing says any more whose it was; the same again is the same.
            let again = node.run(&erase).await.exits(0).json();
            assert_eq!(
                (&again["order"], &again["tickets"]),
                (&first["order"], &first["tickets"])
            );
        }
        let ticket = log(&node, &["--phone", "0221 4710125", "--name", "Klein"]).await;
        let number = open_and_check(&node, &["--ticket", &ticket]).await;
        let erase = ["privacy", "erase", "--phone", "0221 4710125", "--case", &number];
        let erased = node.run(&[&erase[..], &so].concat()).await.exits(0).json();
        assert_eq!(erased["tickets"], json!([ticket]), "{erased}");
    })
    .await;
}

#[tokio::test]
async fn a_case_about_one_of_a_family_is_not_about_another() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let phone = ["--phone", "0231 1110001"];
        let called = |first: &'static str| ["--name", "Alpha", "--first-name", first];
        let ada = log(&node, &[&phone[..], &called("Ada")].concat()).await;
        let xaver = log(&node, &[&phone[..], &called("Xaver")].concat()).await;
        let zoe = log(
            &node,
            &[&["--phone", "0231 1110002"][..], &called("Zoe")].concat(),
        )
        .await;
        let so = ["--reason", "Art. 17", "--json"];
        let erase = |of: &[&str], case: &str| -> Vec<String> {
            let all = [&["privacy", "erase"][..], of, &["--case", case], &so].concat();
            all.into_iter().map(str::to_owned).collect()
        };
        let run = |asked: Vec<String>| {
            let node = &node;
            async move {
                let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
                node.run(&asked).await
            }
        };
        let of_ada = [&phone[..], &called("Ada")].concat();
        let of_xaver = [&phone[..], &called("Xaver")].concat();
        let by_ticket = open_and_check(&node, &["--ticket", &ada]).await;
        let by_names = open_and_check(&node, &of_ada).await;
        for case in [&by_ticket, &by_names] {
            for others in [&["--ticket", &xaver][..], &["--person-of", &xaver], &of_xaver] {
                let refused = run(erase(others, case)).await;
                refused.fails_with("is about somebody else");
            }
        }
        let shown = case(&node, &["show", &by_ticket]).await;
        assert_eq!(shown["ticket_ids"], json!([ada]));

        // Where the case does not say who, nobody is taken for the one.
        for (opened, asked, why) in [
            (&phone[..], &xaver, "which of several persons"),
            (
                &[&phone[..], &["--name", "Alpha"]].concat(),
                &xaver,
                "which of several persons",
            ),
            (&["--name", "Alpha"], &zoe, "nothing but a name"),
            (&called("Zoe"), &zoe, "nothing but a name"),
        ] {
            let case = open_and_check(&node, opened).await;
            run(erase(&["--ticket", asked], &case)).await.fails_with(why);
        }
        let case = ["--case", by_names.as_str()];
        let restrict = [
            &["privacy", "restrict"][..],
            &of_xaver,
            &["--reason", "so"],
            &case,
        ]
        .concat();
        node.run(&restrict).await.fails_with("somebody else");
        let access = [&["privacy", "access"][..], &of_xaver, &case].concat();
        node.run(&access).await.fails_with("somebody else");
        let rectify = |ticket: &str, field: &str| -> Vec<String> {
            let rectify = ["privacy", "rectify", ticket, "--field", field, "--reason", "so"];
            let all = [&rectify[..], &["--case", &by_names, "--json"]].concat();
            all.into_iter().map(str::to_owned).collect()
        };
        run(rectify(&xaver, "concern=anderes"))
            .await
            .fails_with("somebody else");
        // Whose name was put right is still the same.
        run(rectify(&ada, "name=Beta")).await.exits(0);
        run(rectify(&ada, "first_name=Adele")).await.exits(0);
        for (ticket, case) in [
            (&ada, &by_names),
            (&zoe, &open_and_check(&node, &["--about", &zoe]).await),
        ] {
            let erased = run(erase(&["--ticket", ticket], case)).await.exits(0).json();
            assert_eq!(erased["tickets"], json!([ticket]), "{erased}");
        }
    })
    .await;
}

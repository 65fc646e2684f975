//! The register of processing activities, and that nothing is stored or sent that it does not name.

use std::collections::{BTreeMap, BTreeSet};

use domain::privacy::inventory::{Backend as Kind, Inventory};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;
use serde_json::Value;
use testkit::command::alone;
use testkit::{Backend, TestNode};

type Found = BTreeMap<String, BTreeSet<String>>;

/// The message that carries reports of calls on the bus; all others are found from it.
const CALLS: &str = "nrwdirekt.calls.v1.StoredReport";

/// Every message that can be in a report of a call, with its fields.
fn messages_of_calls() -> Found {
    let set = FileDescriptorSet::decode(wire::DESCRIPTORS).expect("descriptors");
    let mut all = BTreeMap::new();
    let mut waiting: Vec<_> = set
        .file
        .iter()
        .flat_map(|file| {
            file.message_type
                .iter()
                .map(|message| (file.package().to_owned(), message))
        })
        .collect();
    while let Some((within, message)) = waiting.pop() {
        let name = format!("{within}.{}", message.name());
        waiting.extend(message.nested_type.iter().map(|nested| (name.clone(), nested)));
        all.insert(name, message);
    }
    let (mut found, mut waiting) = (Found::new(), vec![CALLS.to_owned()]);
    while let Some(name) = waiting.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let message = all[&name];
        let fields = message.field.iter().map(|field| field.name().to_owned());
        found.insert(name, fields.collect());
        let inner = message
            .field
            .iter()
            .filter(|field| field.r#type() == Type::Message);
        waiting.extend(inner.map(|field| field.type_name().trim_start_matches('.').to_owned()));
    }
    found
}

/// The paths of all values of a JSON Schema.
fn paths(schema: &Value, root: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let place = root
            .pointer(&reference[1..])
            .expect("a definition of the same document");
        return paths(place, root, at, found);
    }
    if schema["items"].is_object() {
        return paths(&schema["items"], root, at, found);
    }
    let Some(properties) = schema["properties"].as_object() else {
        found.insert(at.to_owned());
        return;
    };
    for (name, property) in properties {
        let at = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        paths(property, root, &at, found);
    }
}

/// The published schemas of messages, by name.
fn schemas() -> Found {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/topics");
    let mut found = Found::new();
    for entry in std::fs::read_dir(folder).expect("the schemas") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".schema.json") {
            let text = std::fs::read_to_string(&path).expect("a schema");
            let schema: Value = serde_json::from_str(&text).expect("JSON");
            paths(&schema, &schema, "", found.entry(name.to_owned()).or_default());
        }
    }
    found
}

#[test]
fn every_field_of_every_message_is_in_the_inventory() {
    let found: Found = messages_of_calls().into_iter().chain(schemas()).collect();
    assert!(found.len() > 20, "{found:?}");
    let faults = Inventory::built_in().compared("topics", Kind::Sqlite, &found);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn every_file_of_the_data_folder_is_known_and_every_column_of_the_bus() {
    let mut node = TestNode::start(Backend::Embedded).await;
    node.stop().await;
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(node.data()).expect("the data folder") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        if name.ends_with(".db") {
            files.insert(name);
        }
    }
    let known = ["access.db", "bus.db", "calls.db", "tickets.db"];
    assert_eq!(
        files,
        known.map(str::to_owned).into(),
        "another database needs a file in schemas/register/stored/"
    );
    let bus = rusqlite::Connection::open(node.data().join("bus.db")).expect("the bus");
    let mut list = bus
        .prepare(
            "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'",
        )
        .expect("a statement");
    let rows = list
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows");
    let mut found = Found::new();
    for row in rows {
        let (table, column) = row.expect("a row");
        found.entry(table).or_default().insert(column);
    }
    let faults = Inventory::built_in().compared("bus", Kind::Sqlite, &found);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn activity<'r>(register: &'r Value, id: &str) -> &'r Value {
    let all = register["activities"].as_array().expect("activities");
    let found = all.iter().find(|activity| activity["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not there"))
}

#[tokio::test]
async fn the_register_says_of_every_field_what_for_how_long_and_where() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let register = node.run(&["privacy", "register", "--json"]).await.exits(0).json();
        assert_eq!(register["rules_version"], 1);
        let controller = register["controller"]["name"].as_str().expect("a name");
        assert!(controller.contains("Staatskanzlei"), "{controller}");
        let callback = activity(&register, "callback");
        assert_eq!(callback["retention"]["years"], 10);
        assert_eq!(callback["fields"].as_array().map(Vec::len), Some(10));
        let stored = callback["fields"][0]["stored"].as_array().expect("places");
        assert!(stored.contains(&"tickets tickets.request".into()), "{stored:?}");
        assert_eq!(
            activity(&register, "call-records")["fields"]
                .as_array()
                .map(Vec::len),
            Some(24)
        );
        for id in [
            "access-logs",
            "users",
            "audit-trail",
            "agents",
            "backups",
            "data-subject-cases",
        ] {
            assert!(activity(&register, id)["legal_basis"][0].is_string(), "{id}");
        }
        let file = node.home().join("verzeichnis.html").display().to_string();
        node.run(&["privacy", "register", "--out", &file]).await.exits(0);
        let page = std::fs::read_to_string(&file).expect("the document");
        for text in [
            "lang=\"de\"",
            "Rückrufbitte",
            "Löschfrist",
            "Maßnahmen",
            "Behördliche",
        ] {
            assert!(page.contains(text), "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_server_the_register_of_the_configuration_is_told() {
    let told = alone(&["privacy", "register", "--json"]).await.exits(0);
    assert!(told.stderr.contains("no server"), "{}", told.stderr);
    let told = told.json();
    assert!(told["rules_version"].is_null());
    assert!(
        activity(&told, "newsletter")["places"]
            .as_array()
            .is_some_and(|places| !places.is_empty())
    );
    let folder = tempfile::tempdir().expect("a folder");
    let head = "third_countries = \"Keine.\"\nmeasures = [\"Türschloss\"]\n[controller]\nname = \"Stadt Düren\"\n\
                [data_protection_officer]\nname = \"Amt 14\"\n";
    std::fs::write(folder.path().join("head.toml"), head).expect("written");
    let path = folder.path().display().to_string();
    let text = alone(&["privacy", "register", "--folder", &path]).await.exits(0);
    assert!(
        text.stdout.contains("Verantwortlich: Stadt Düren"),
        "{}",
        text.stdout
    );
    std::fs::write(folder.path().join("head.toml"), "measures = []").expect("written");
    let wrong = alone(&["privacy", "register", "--folder", &path]).await.exits(2);
    assert!(wrong.stderr.contains("head.toml"), "{}", wrong.stderr);
}

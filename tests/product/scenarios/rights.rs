//! The rights of data subjects, as a data protection officer carries them out.

mod acts;
mod cases;
mod console;
mod find;
mod told;

pub(super) use told::follows_the_schema;

use serde_json::Value;
use testkit::TestNode;

/// Logs a callback; its number.
async fn log(node: &TestNode, citizen: &[&str]) -> String {
    let command = ["callback", "log", "--json", "--hotline", "Steuern und Finanzen"];
    let concern = ["--concern", "Frage zum Bescheid"];
    let logged = node
        .run(&[&command[..], citizen, &concern].concat())
        .await
        .exits(0)
        .json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

async fn find(node: &TestNode, marks: &[&str]) -> Value {
    let command = ["privacy", "find", "--json"];
    node.run(&[&command[..], marks].concat()).await.exits(0).json()
}

/// The numbers of the tickets of each person that was found.
fn tickets(found: &Value) -> Vec<Vec<&str>> {
    let persons = found["persons"].as_array().expect("persons");
    persons
        .iter()
        .map(|person| {
            let tickets = person["tickets"].as_array().expect("tickets");
            tickets
                .iter()
                .filter_map(|ticket| ticket["ticket_id"].as_str())
                .collect()
        })
        .collect()
}

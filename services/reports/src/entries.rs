//! Who has registered for an offer, and what has become of offers.

use domain::local_time::ZONE;
use serde_json::{Map, Value, json};
use wire::v1::tickets as proto;

use crate::form::Report;
use crate::intervals::time_of_ms;
use crate::sheet::{Cell, Column, Sheet};

/// Confirmed entries, with the columns of the register.
pub fn export(offer: &str, columns: &[proto::ExportedColumn], entries: &[proto::ExportedEntry]) -> Report {
    let object = |entry: &proto::ExportedEntry| -> Value {
        let cells = columns
            .iter()
            .zip(&entry.cells)
            .filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(column, cell)| (column.id.clone(), Value::from(cell.as_str())));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    let rows = entries
        .iter()
        .map(|entry| entry.cells.iter().map(|cell| Cell::Text(cell.clone())).collect());
    let headings = columns.iter().map(|column| Column {
        title: titled(&column.id),
        heading: column.heading.clone(),
    });
    Report {
        json: json!({ "offer": offer, "entries": entries.iter().map(object).collect::<Vec<_>>() }),
        preface: vec![format!("{offer}: {} confirmed", entries.len())],
        sheets: vec![Sheet::new("Anmeldungen", headings.collect(), rows.collect())],
    }
}

/// The columns that a table has room for.
fn titled(id: &str) -> Option<&'static str> {
    [
        "name",
        "first_name",
        "email",
        "medium",
        "programme_items",
        "end_link",
    ]
    .into_iter()
    .find(|titled| *titled == id)
}

/// Offers, and how many have registered.
pub fn offers(states: &[proto::OfferState]) -> Report {
    let none = proto::Offer::default();
    let time = |ms: Option<i64>| ms.map(|ms| time_of_ms(ms, ZONE));
    let object = |state: &proto::OfferState| {
        let offer = state.offer.as_ref().unwrap_or(&none);
        json!({
            "id": offer.id,
            "title": offer.title,
            "department": offer.department,
            "deadline": time(offer.deadline_unix_ms),
            "is_open": offer.is_open,
            "pending": state.pending,
            "confirmed": state.confirmed,
            "reminded_at": time(state.reminded_at_unix_ms),
            "exported_at": time(state.exported_at_unix_ms),
            "erased": state.erased,
            "erased_at": time(state.erased_at_unix_ms),
            "erased_by": time(state.erased_by_unix_ms),
        })
    };
    let row = |state: &proto::OfferState| {
        let offer = state.offer.as_ref().unwrap_or(&none);
        vec![
            Cell::Text(offer.id.clone()),
            Cell::Text(offer.title.clone()),
            Cell::yes_or_no(offer.is_open),
            Cell::Count(i64::from(state.pending)),
            Cell::Count(i64::from(state.confirmed)),
            Cell::Count(i64::from(state.erased)),
        ]
    };
    let columns = vec![
        Column::new("id", "Kennung"),
        Column::new("title", "Titel"),
        Column::new("open", "Offen"),
        Column::new("pending", "Unbestätigt"),
        Column::new("confirmed", "Bestätigt"),
        Column::new("erased", "Gelöscht"),
    ];
    Report {
        json: Value::Array(states.iter().map(object).collect()),
        preface: Vec::new(),
        sheets: vec![Sheet::new("Angebote", columns, states.iter().map(row).collect())],
    }
}

//! The journal of erasures beside backups: `erasures.jsonl`, a line for each order. A restored store does not know of those that
//! came after its backup.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use domain::erasure::ErasureOrder;

use crate::exit::Failure;
use crate::output::note;

/// The name of the journal.
pub(crate) const JOURNAL: &str = "erasures.jsonl";

/// A line that ends too soon.
struct Torn {
    place: String,
    line: String,
    /// Nothing came after it, not even the end of its line: the node was killed as it wrote it.
    is_end: bool,
}

impl Torn {
    /// Whether the order was written again, as a node does before the order is through.
    fn is_of(&self, order: &ErasureOrder) -> bool {
        self.line.starts_with(&format!("{{\"id\":\"{}\"", order.id))
    }
}

/// The orders of some journals, each once, oldest first. A line that a crash has cut short at the end is passed over with a
/// warning, and one that was written again in silence.
///
/// # Errors
/// A line that is no order, or the part of one that is not written again.
pub(crate) fn read<'a>(journals: impl Iterator<Item = &'a Path>) -> anyhow::Result<Vec<ErasureOrder>> {
    let mut orders = BTreeMap::new();
    let mut torn = Vec::new();
    for journal in journals {
        let bytes = std::fs::read(journal)
            .with_context(|| format!("the journal of erasures {}", journal.display()))?;
        // A line may be cut within a character.
        let text = String::from_utf8_lossy(&bytes);
        let last = text.lines().count();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = format!("{}, line {}", journal.display(), number + 1);
            match serde_json::from_str::<ErasureOrder>(line) {
                Ok(order) => {
                    orders.insert((order.at, order.id.clone()), order);
                }
                Err(error) if error.is_eof() => torn.push(Torn {
                    place,
                    line: line.to_owned(),
                    is_end: number + 1 == last && !text.ends_with('\n'),
                }),
                Err(error) => {
                    return Err(Failure::usage(format!(
                        "{place}: this is no order to erase ({error}); without all of them a restore would bring people back. \
                         Use another copy of the journal, or correct the line"
                    )));
                }
            }
        }
    }
    for cut in &torn {
        if orders.values().any(|order| cut.is_of(order)) {
            continue;
        }
        let place = &cut.place;
        if !cut.is_end {
            return Err(Failure::usage(format!(
                "{place}: this is only the beginning of an order to erase, and the whole of it is nowhere; without it a restore \
                 would bring people back. Name another copy of the journal by --erasures, or complete the line; delete it only \
                 if that order is known to be carried out otherwise"
            )));
        }
        note!(
            "{place}: the last line is cut short and was passed over; if another copy of the journal has it whole, name that by \
             --erasures, or those people are back"
        );
    }
    Ok(orders.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join(JOURNAL);
        std::fs::write(&journal, text).expect("written");
        (folder, journal)
    }

    const ONE: &str =
        r#"{"id":"E-1","at":"2026-11-27T09:00:00Z","tickets":["T-1"],"calls":[],"marks":[],"reason":"x"}"#;

    #[test]
    fn orders_come_once_and_in_order() {
        let two = ONE.replace("E-1", "E-0").replace("27T", "26T");
        let (_folder, journal) = written(&format!("{ONE}\n{two}\n{ONE}\n"));
        let orders = read([journal.as_path(), &journal].into_iter()).expect("orders");
        let ids: Vec<&str> = orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["E-0", "E-1"]);
    }

    #[test]
    fn a_line_that_was_cut_is_passed_over_at_the_end_or_where_it_was_written_again() {
        let other = ONE.replace("E-1", "E-2").replace("\"x\"", "\"gelöscht\"");
        let within_a_character = other.find('ö').expect("there") + 1;
        let mut cut = format!("{ONE}\n").into_bytes();
        cut.extend(&other.as_bytes()[..within_a_character]);
        for bytes in [
            format!("{ONE}\n{}", &other[..20]).into_bytes(),
            format!("{ONE}\n\n{}", &other[..5]).into_bytes(),
            format!("{}\n{ONE}\n", &ONE[..20]).into_bytes(),
            cut,
        ] {
            let (_folder, journal) = written("");
            std::fs::write(&journal, &bytes).expect("written");
            let orders = read([journal.as_path()].into_iter());
            assert_eq!(
                orders.expect("orders").len(),
                1,
                "{}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }

    #[test]
    fn any_other_line_that_is_no_order_is_refused_by_its_number() {
        let other = ONE.replace("E-1", "E-2");
        for (text, line) in [
            (format!("{}\n{ONE}\n", ONE.replace(':', ";")), "line 1"),
            (format!("{}\n{ONE}\n", &other[..20]), "line 1"),
            (format!("{ONE}\n{}\n{ONE}\n", &other[..40]), "line 2"),
            (format!("{ONE}\n{}\n", &other[..20]), "line 2"),
            (format!("{}\n{ONE}", &ONE[..5]), "line 1"),
        ] {
            let (_folder, journal) = written(&text);
            let refused = format!(
                "{:#}",
                read([journal.as_path()].into_iter()).expect_err("refused")
            );
            assert!(refused.contains(line) && refused.contains(JOURNAL), "{refused}");
        }
        // Another copy that has it whole makes up for it.
        let (_folder, journal) = written(&format!("{}\n{ONE}\n", &other[..20]));
        let (_other_folder, whole) = written(&format!("{other}\n"));
        let orders = read([journal.as_path(), &whole].into_iter()).expect("orders");
        assert_eq!(orders.len(), 2);
    }
}

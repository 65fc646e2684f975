//! The journal of erasures beside backups: `erasures.jsonl`, a line for each order. A restored store does not know of those that
//! came after its backup.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use domain::erasure::ErasureOrder;

use crate::exit::Failure;

/// The name of the journal.
pub(crate) const JOURNAL: &str = "erasures.jsonl";

/// The orders of some journals, each once, oldest first. A line that a crash has cut short is written again before its order is
/// through.
pub(crate) fn read<'a>(journals: impl Iterator<Item = &'a Path>) -> anyhow::Result<Vec<ErasureOrder>> {
    let mut orders = BTreeMap::new();
    for journal in journals {
        let text = std::fs::read_to_string(journal)
            .with_context(|| format!("the journal of erasures {}", journal.display()))?;
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str::<ErasureOrder>(line) {
                Ok(order) => {
                    orders.insert((order.at, order.id.clone()), order);
                }
                Err(error) if error.is_eof() => {}
                Err(error) => {
                    return Err(Failure::usage(format!(
                        "{}, line {}: this is no order to erase ({error}); without all of them a restore would bring people back. \
                         Use another copy of the journal, or correct the line",
                        journal.display(),
                        number + 1
                    )));
                }
            }
        }
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
    fn a_line_that_was_cut_is_left_out_and_any_other_is_refused() {
        for text in [
            format!("{ONE}\n{}", &ONE[..20]),
            format!("{}\n{ONE}\n", &ONE[..20]),
        ] {
            let (_folder, journal) = written(&text);
            assert_eq!(read([journal.as_path()].into_iter()).expect("orders").len(), 1);
        }
        let (_folder, journal) = written(&format!("{}\n{ONE}\n", ONE.replace(':', ";")));
        let refused = read([journal.as_path()].into_iter()).expect_err("refused");
        assert!(format!("{refused:#}").contains("line 1"), "{refused:#}");
    }
}

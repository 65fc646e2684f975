//! Layers of the configuration: the file, the environment, the command line.

use crate::exit::Failure;

const ENVIRONMENT: &str = "NRWDIREKT_SET_";

/// Lays one table over another; tables are merged, everything else is replaced.
pub(super) fn merge(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Settings in environment variables: `NRWDIREKT_SET_LEDGER__HORIZON_S` is `ledger.horizon_s`.
pub(super) fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    variables
        .filter_map(|(name, value)| {
            let key = name.strip_prefix(ENVIRONMENT)?.to_lowercase().replace("__", ".");
            Some((key, value))
        })
        .collect()
}

/// Sets one value, written as in the file; what is no TOML value is a text.
pub(super) fn set(table: &mut toml::Table, key: &str, value: &str) -> anyhow::Result<()> {
    let value = format!("value = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut place = table;
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts
        .pop()
        .filter(|last| !last.is_empty())
        .ok_or_else(|| Failure::usage("--set: the key is empty"))?;
    for part in parts {
        let next = place
            .entry(part)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = next
            .as_table_mut()
            .ok_or_else(|| Failure::usage(format!("--set {key}: {part} is not a section")))?;
    }
    place.insert(last.to_owned(), value);
    Ok(())
}

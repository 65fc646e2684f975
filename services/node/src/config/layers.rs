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

/// Sets one value. The key is written as in TOML, so that a part with a dot in it can be quoted; what is no TOML
/// value is a text.
pub(super) fn set(table: &mut toml::Table, key: &str, value: &str) -> anyhow::Result<()> {
    let text = toml::Value::String(value.to_owned());
    let setting = format!("{key} = {value}")
        .parse::<toml::Table>()
        .or_else(|_| format!("{key} = {text}").parse::<toml::Table>())
        .map_err(|_| Failure::usage(format!("--set {key}: write a key like ledger.horizon_s")))?;
    merge(table, setting);
    Ok(())
}

//! What is stored where: every table and column, every field of a message, every file and cookie, and which field of the
//! register it is (`schemas/register/stored/`). What code stores and nothing here names fails a test.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::procedure::{Kind, Register};

macro_rules! built_in {
    ($($unit:literal,)+) => {
        [$(($unit, include_str!(concat!("../../../../schemas/register/stored/", $unit, ".toml"))),)+]
    };
}

/// The files of the inventory.
const BUILT_IN: [(&str, &str); 7] =
    built_in!["access", "calls", "tickets", "json", "bus", "topics", "elsewhere",];

/// Stands for all fields of the procedure that a ticket is of.
const EVERY_FIELD: &str = "*";

/// On which kind of storage something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// SQLite and the embedded bus.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnit {
    unit: String,
    title: String,
    #[serde(rename = "table")]
    tables: Vec<WrittenTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTable {
    /// Tables of the same columns.
    names: Vec<String>,
    /// What is kept in it, in German.
    title: String,
    /// The entry of the register that personal columns belong to.
    entry: Option<String>,
    /// Where it is only on one of them.
    on: Option<String>,
    /// Column → fields of the register.
    #[serde(default)]
    personal: BTreeMap<String, OneOrMore>,
    /// Column → what it is, where it says nothing about a person.
    #[serde(default)]
    other: BTreeMap<String, String>,
    /// Columns that are numbers of things, not of persons.
    #[serde(default)]
    counts: Vec<String>,
    /// As `other`, on SQLite alone.
    #[serde(default)]
    sqlite: BTreeMap<String, String>,
    /// As `other`, on PostgreSQL alone.
    #[serde(default)]
    postgres: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// A unit of storage: a database, the bus, the messages of topics, files.
pub struct Unit {
    /// Its name: that of its file under `schemas/register/stored/`.
    pub id: String,
    /// What it is, in German.
    pub title: String,
    tables: Vec<Table>,
}

/// A table, a kind of message, or a file.
struct Table {
    name: String,
    title: String,
    entry: Option<String>,
    on: Option<Backend>,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    on: Option<Backend>,
    /// The entry and the field of the register, of each that it holds; none: it says nothing about a person.
    fields: Vec<(String, String)>,
}

/// Everything that is stored.
pub struct Inventory {
    units: Vec<Unit>,
}

impl Inventory {
    /// The inventory of this program.
    ///
    /// # Panics
    /// Never: the files are compiled in, and tested.
    pub fn built_in() -> Self {
        let units = BUILT_IN.map(|(id, text)| unit(id, text).expect("the built-in inventory is sound"));
        Self { units: units.into() }
    }

    /// The places of an entry: of each table what is kept in it, in German.
    pub fn places(&self, entry: &str) -> Vec<String> {
        let mut places = Vec::new();
        for unit in &self.units {
            for table in &unit.tables {
                let holds = table.columns.iter().flat_map(|column| &column.fields);
                if table.entry.as_deref() == Some(entry) || holds.into_iter().any(|(of, _)| of == entry) {
                    let place = format!("{}: {}", unit.title, table.title);
                    if !places.contains(&place) {
                        places.push(place);
                    }
                }
            }
        }
        places
    }

    /// Where a field of an entry is stored, as `UNIT TABLE.COLUMN`.
    pub fn places_of(&self, entry: &str, field: &str) -> Vec<String> {
        let mut places = Vec::new();
        for unit in &self.units {
            for table in &unit.tables {
                for column in &table.columns {
                    let is_here = |(of, id): &(String, String)| of == entry && id == field;
                    if column.fields.iter().any(is_here) {
                        places.push(format!("{} {}.{}", unit.id, table.name, column.name));
                    }
                }
            }
        }
        places
    }

    /// Where the fields of every procedure that makes tickets are stored, as `UNIT TABLE.COLUMN`.
    pub fn places_of_requests(&self) -> Vec<String> {
        let mut places = Vec::new();
        for unit in &self.units {
            for table in &unit.tables {
                for column in &table.columns {
                    if column.fields.iter().any(|(_, id)| id == EVERY_FIELD) {
                        places.push(format!("{} {}.{}", unit.id, table.name, column.name));
                    }
                }
            }
        }
        places
    }

    /// The tables of a unit, on a backend.
    pub fn tables(&self, unit: &str, backend: Backend) -> BTreeSet<String> {
        let tables = self.units.iter().filter(|known| known.id == unit);
        let tables = tables.flat_map(|unit| &unit.tables);
        let there = tables.filter(|table| table.on.is_none_or(|on| on == backend));
        there.map(|table| table.name.clone()).collect()
    }

    /// The columns of a table of a unit, whatever the backend: of `elsewhere`, what no test can list.
    pub fn columns(&self, unit: &str, table: &str) -> BTreeSet<String> {
        let tables = self.units.iter().filter(|known| known.id == unit);
        let table = tables
            .flat_map(|unit| &unit.tables)
            .filter(|known| known.name == table);
        table
            .flat_map(|table| &table.columns)
            .map(|column| column.name.clone())
            .collect()
    }

    /// What a unit stores and this inventory does not name, and what it names and is not there; each with the remedy.
    /// `found`: the columns of each table, as they are on a backend.
    pub fn compared(
        &self,
        unit: &str,
        backend: Backend,
        found: &BTreeMap<String, BTreeSet<String>>,
    ) -> Vec<String> {
        let file = format!("schemas/register/stored/{unit}.toml");
        let mut faults = Vec::new();
        let Some(unit) = self.units.iter().find(|known| known.id == unit) else {
            return vec![format!("{file}: there is no such unit")];
        };
        let is_there = |on: Option<Backend>| on.is_none_or(|on| on == backend);
        let mut named: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for table in unit.tables.iter().filter(|table| is_there(table.on)) {
            let columns = table.columns.iter().filter(|column| is_there(column.on));
            let columns = columns.map(|column| column.name.as_str());
            named.entry(&table.name).or_default().extend(columns);
        }
        for (table, columns) in found {
            let Some(known) = named.get(table.as_str()) else {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                faults.push(format!(
                    "{file}: the table {table} is not named; add a [[table]] with names = [\"{table}\"], title, entry, and \
                     under [table.personal] (column = \"field of the register\") or [table.other] (column = \"was es \
                     ist\") each of: {}",
                    columns.join(", ")
                ));
                continue;
            };
            for column in columns.iter().filter(|column| !known.contains(column.as_str())) {
                faults.push(format!(
                    "{file}: {table}.{column} is not named; write under [table.personal] of {table} `{column} = \
                     \"field\"`, where the entry has such a [[field]] in schemas/register/ENTRY.toml, or under \
                     [table.other] `{column} = \"was es ist\"` if it says nothing about a person"
                ));
            }
        }
        for (table, columns) in named {
            match found.get(table) {
                None => faults.push(format!(
                    "{file}: the table {table} is not stored any more; remove it"
                )),
                Some(there) => {
                    for column in columns.iter().filter(|column| !there.contains(**column)) {
                        faults.push(format!(
                            "{file}: {table}.{column} is not stored ({backend:?}); remove it, or move it under \
                             [table.sqlite] or [table.postgres] if only one of them has it"
                        ));
                    }
                }
            }
        }
        faults
    }

    /// Names of tables that are named more than once in a unit, entries and fields that the register does not have, and
    /// fields of the register that are stored nowhere although others of their entry are.
    pub fn faults(&self, register: &Register) -> Vec<String> {
        let mut faults = Vec::new();
        for unit in &self.units {
            let file = format!("schemas/register/stored/{}.toml", unit.id);
            for table in &unit.tables {
                let at = format!("{file}: {}", table.name);
                if let Some(entry) = &table.entry
                    && register.procedure(entry).is_none()
                {
                    faults.push(format!("{at}: entry: there is no schemas/register/{entry}.toml"));
                }
                for column in &table.columns {
                    for (entry, field) in column.fields.iter().filter(|(_, field)| field != EVERY_FIELD) {
                        let is_known = register
                            .procedure(entry)
                            .is_some_and(|known| known.field(field).is_some());
                        if !is_known {
                            faults.push(format!(
                                "{at}.{}: schemas/register/{entry}.toml has no [[field]] with id = \"{field}\"; add it",
                                column.name
                            ));
                        }
                    }
                }
            }
        }
        for procedure in register.procedures() {
            let id = procedure.id.as_str();
            if matches!(procedure.kind, Kind::Ticket(_)) || self.places(id).is_empty() {
                continue;
            }
            for field in &procedure.fields {
                if self.places_of(id, field.id.as_str()).is_empty() {
                    faults.push(format!(
                        "schemas/register/{id}.toml: the field {} is stored nowhere; name its place under \
                         schemas/register/stored/, or remove it",
                        field.id
                    ));
                }
            }
        }
        faults
    }
}

fn unit(id: &str, text: &str) -> Result<Unit, String> {
    let written: WrittenUnit = toml::from_str(text).map_err(|error| format!("{id}: {error}"))?;
    if written.unit != id {
        return Err(format!("{id}: unit: write {id:?}"));
    }
    let mut tables = Vec::new();
    for table in &written.tables {
        for name in &table.names {
            tables.push(read(name, table)?);
        }
    }
    Ok(Unit {
        id: written.unit,
        title: written.title,
        tables,
    })
}

fn read(name: &str, written: &WrittenTable) -> Result<Table, String> {
    let on = match written.on.as_deref() {
        None => None,
        Some("sqlite") => Some(Backend::Sqlite),
        Some("postgres") => Some(Backend::Postgres),
        Some(_) => return Err(format!("{name}: on: write \"sqlite\" or \"postgres\"")),
    };
    let mut columns = Vec::new();
    for (column, fields) in &written.personal {
        let mut read = Vec::new();
        for field in fields.all() {
            read.push(match (field.split_once('.'), &written.entry) {
                (Some((entry, field)), _) => (entry.to_owned(), field.to_owned()),
                (None, Some(entry)) => (entry.clone(), field.clone()),
                (None, None) => {
                    return Err(format!(
                        "{name}.{column}: write ENTRY.FIELD, or give the table an entry"
                    ));
                }
            });
        }
        columns.push((column, None, read));
    }
    for (on, others) in [
        (None, &written.other),
        (Some(Backend::Sqlite), &written.sqlite),
        (Some(Backend::Postgres), &written.postgres),
    ] {
        for (column, what) in others {
            if what.trim().is_empty() {
                return Err(format!("{name}.{column}: say what it is"));
            }
            columns.push((column, on, Vec::new()));
        }
    }
    columns.extend(written.counts.iter().map(|column| (column, None, Vec::new())));
    let mut seen = BTreeSet::new();
    if let Some((twice, ..)) = columns.iter().find(|(column, ..)| !seen.insert(*column)) {
        return Err(format!("{name}.{twice}: name it once"));
    }
    Ok(Table {
        name: name.to_owned(),
        title: written.title.clone(),
        entry: written.entry.clone(),
        on,
        columns: columns
            .into_iter()
            .map(|(name, on, fields)| Column {
                name: name.clone(),
                on,
                fields,
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_register_that_is_stored_has_a_place_and_every_place_its_field() {
        let faults = Inventory::built_in().faults(&Register::built_in());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn a_column_that_nobody_named_is_told_with_the_place_where_to_write_it() {
        let inventory = Inventory {
            units: vec![
                unit(
                    "x",
                    "unit = \"x\"\ntitle = \"X\"\n[[table]]\nnames = [\"a\"]\ntitle = \"A\"\nentry = \"callback\"\n\
                     [table.personal]\none = \"name\"\n[table.postgres]\ntwo = \"Zähler\"\n",
                )
                .unwrap(),
            ],
        };
        let found = |columns: &[&str]| {
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            BTreeMap::from([("a".to_owned(), columns)])
        };
        let on = |backend, columns: &[&str]| inventory.compared("x", backend, &found(columns));
        assert!(on(Backend::Sqlite, &["one"]).is_empty());
        assert!(on(Backend::Postgres, &["one", "two"]).is_empty());
        let unnamed = on(Backend::Sqlite, &["one", "phone"]);
        assert!(unnamed[0].contains("a.phone is not named"), "{unnamed:?}");
        let missing = on(Backend::Postgres, &["one"]);
        assert!(missing[0].contains("a.two is not stored"), "{missing:?}");
        let table = inventory.compared("x", Backend::Sqlite, &BTreeMap::default());
        assert!(table[0].contains("the table a is not stored"), "{table:?}");
    }
}

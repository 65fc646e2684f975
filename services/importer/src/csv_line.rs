//! Lines of comma-separated values with named columns, as Asterisk's logs of calls and channels have them.

use crate::adapter::Fault;
use crate::delimited::Cells;

/// Which column holds what.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// Names in the order of the file; none until a heading or a first line told.
    names: Option<Vec<String>>,
    /// Whether the map or a heading named them, so that the number of cells says nothing.
    fixed: bool,
}

impl Columns {
    /// As the map says, if it does.
    pub(crate) fn new(by_map: Option<Vec<String>>) -> Self {
        Self {
            fixed: by_map.is_some(),
            names: by_map,
        }
    }

    /// Takes a line for a heading if it names all of `mandatory`.
    pub(crate) fn take_heading(&mut self, cells: &[&str], mandatory: &[&str]) -> bool {
        let named = |name: &str| cells.iter().any(|cell| cell.eq_ignore_ascii_case(name));
        if !mandatory.iter().all(|name| named(name)) {
            return false;
        }
        self.names = Some(cells.iter().map(|cell| cell.to_ascii_lowercase()).collect());
        self.fixed = true;
        true
    }

    /// The names for a line without heading and map, by the number of its cells.
    pub(crate) fn settle(&mut self, usual: Option<&[&str]>) {
        if !self.fixed {
            self.names = usual.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        }
    }

    /// A cell by the name of its column; empty where the line has none.
    pub(crate) fn get<'a>(&self, cells: &[&'a str], name: &str) -> &'a str {
        let names = self.names.as_deref().unwrap_or_default();
        let index = names.iter().position(|known| known == name);
        index
            .and_then(|index| cells.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// The names as a heading line, where the map or a heading gave them.
    pub(crate) fn heading(&self) -> Option<String> {
        let names = self.names.as_ref().filter(|_| self.fixed)?;
        Some(names.join(","))
    }

    /// Whether it is known which column holds what.
    pub(crate) fn are_known(&self) -> bool {
        self.names.is_some()
    }
}

/// Splits a line.
pub(crate) fn split<'a>(text: &'a str, cells: &'a mut Cells) -> Result<Vec<&'a str>, Fault> {
    // Quotation marks within values are doubled, so their number is even in a whole line.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(Fault::line(
            "a quotation mark is never closed; correct the line and import the file again",
        ));
    }
    cells.split(text, b',');
    Ok(cells.iter(text).collect())
}

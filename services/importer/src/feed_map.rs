//! What the maps of the line formats have in common: hotlines, agents, callers.

use domain::ids::{AgentName, HotlineName};
use domain::personal::{Caller, Personal};

use crate::error::ImportError;
use crate::hotline_export::map::{CallerFile, CallerWord, Words, words};
use crate::words::WordMap;

/// Names that a source uses, and what they are called here. A name that is not listed is taken as it stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameMap(WordMap<String>);

impl NameMap {
    pub(crate) fn extend(&mut self, table: &'static str, names: Words) -> Result<(), ImportError> {
        self.0.extend(words(table, names.into_iter().collect())?);
        Ok(())
    }

    /// What a name stands for, if it is listed.
    pub(crate) fn listed(&self, name: &str) -> Option<&str> {
        self.0.get(name, &mut String::new()).map(String::as_str)
    }

    pub(crate) fn hotline(&self, name: &str) -> HotlineName {
        HotlineName::new(self.listed(name).unwrap_or(name))
    }

    pub(crate) fn agent(&self, name: &str) -> AgentName {
        AgentName::new(self.listed(name).unwrap_or(name))
    }
}

/// Words that stand in place of a caller's number.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallerMap(WordMap<CallerWord>);

impl CallerMap {
    pub(crate) fn extend(&mut self, CallerFile { withheld, unknown }: CallerFile) -> Result<(), ImportError> {
        self.0.extend(words(
            "caller",
            vec![(CallerWord::Withheld, withheld), (CallerWord::Unknown, unknown)],
        )?);
        Ok(())
    }

    /// Who calls; none where the source does not know.
    pub(crate) fn caller(&self, number: &str) -> Option<Caller> {
        if number.is_empty() {
            return None;
        }
        match self.0.get(number, &mut String::new()) {
            Some(CallerWord::Withheld) => Some(Caller::Withheld),
            Some(CallerWord::Unknown) => None,
            None => Some(Caller::Given(Personal::new(number))),
        }
    }
}

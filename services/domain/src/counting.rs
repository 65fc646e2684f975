//! Which feed counts for a hotline.

use std::collections::BTreeMap;

use crate::ids::{HotlineName, SourceName};

/// Hotlines for which one feed alone counts. For every other hotline each feed counts: whoever has two feeds for the
/// same calls names the one that counts, and the other one can be looked up and compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountingSources(BTreeMap<HotlineName, SourceName>);

impl CountingSources {
    /// The feed that counts, by hotline.
    pub fn new(sources: impl IntoIterator<Item = (HotlineName, SourceName)>) -> Self {
        Self(sources.into_iter().collect())
    }

    /// Whether calls from a feed count for a hotline.
    pub fn counts(&self, hotline: &HotlineName, source: &SourceName) -> bool {
        self.0.get(hotline).is_none_or(|counting| counting == source)
    }

    /// Whether every feed counts everywhere.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

//! The rules that are in force: departments, hotlines, routing and procedures, in versions. Kept beside the tickets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::rulebook::RulesVersion;

use crate::StoreError;

/// Keeps every version of the rules that was ever applied.
#[async_trait]
pub trait RuleStore: Send + Sync + 'static {
    /// The number of the newest version; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn newest_rules(&self) -> Result<Option<RulesVersion>, StoreError>;

    /// A version with its documents; `None` if there is none of this number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rules(&self, version: RulesVersion) -> Result<Option<AppliedRules>, StoreError>;

    /// The versions, newest first, without their documents; at most `most` of those before `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rules_history(
        &self,
        before: Option<RulesVersion>,
        most: usize,
    ) -> Result<Vec<RulesEntry>, StoreError>;

    /// Whether documents of this digest were ever applied.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn were_applied(&self, digest: [u8; 32]) -> Result<bool, StoreError>;

    /// Makes documents the newest version: the one after `entry.version - 1`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else was first: the number is taken, or leaves a gap. Nothing was written
    /// then.
    async fn apply_rules(&self, rules: AppliedRules) -> Result<(), StoreError>;
}

/// A version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRules {
    /// When, and by whom.
    pub entry: RulesEntry,
    /// Texts by name: `routing.toml`, `register/ID.toml`.
    pub documents: BTreeMap<String, String>,
}

/// A line of the history of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesEntry {
    /// Its number, from 1, without gaps.
    pub version: RulesVersion,
    /// When it was applied.
    pub at: DateTime<Utc>,
    /// Who applied it, in words.
    pub by: String,
    /// Why, in words; may be empty.
    pub note: String,
    /// SHA-256 of the documents.
    pub digest: [u8; 32],
}

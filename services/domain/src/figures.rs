//! What figures are told by: policies, thresholds of hotlines, groups of hotlines, and the targets that were promised.
//!
//! A document of the rules ([`crate::rulebook::FIGURES`]); without one the built-in sample holds.

mod written;

use std::collections::BTreeMap;
use std::fmt;

use crate::ids::HotlineName;
use crate::policy::{PolicyVariant, ServiceLevelPolicy};

/// The built-in document: the promise of the service centre, over all hotlines.
pub const SAMPLE: &str = include_str!("../../../schemas/sample/figures.toml");

/// What is wrong with the document, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiguresFault {
    /// The key that is wrong, with what it belongs to.
    pub key: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for FiguresFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.remedy)
    }
}

/// The checked document.
#[derive(Clone, Debug, PartialEq)]
pub struct FiguresRules {
    default_policy: String,
    policies: Vec<ServiceLevelPolicy>,
    thresholds: BTreeMap<HotlineName, i64>,
    groups: Vec<HotlineGroup>,
    targets: Vec<Target>,
}

/// Hotlines that are looked at as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotlineGroup {
    /// Its name; no hotline has it.
    pub name: String,
    /// Its hotlines. A hotline is in one group at most, so that groups add up to the total.
    pub hotlines: Vec<HotlineName>,
}

/// What was promised, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Whose figures are held to it.
    pub scope: TargetScope,
    /// The service level to reach.
    pub service_level: Option<ServiceLevelTarget>,
    /// The share of answered visits that need no ticket.
    pub first_contact: Option<f64>,
    /// The share of tickets that are answered by their due time.
    pub answers: Option<f64>,
}

/// A service level that was promised.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceLevelTarget {
    /// The share of visits, 0 to 1.
    pub share: f64,
    /// The policy that counts them, by name; the default policy unless it is given.
    pub policy: Option<String>,
    /// Its threshold in seconds, whatever policy and hotline have.
    pub within_seconds: Option<i64>,
}

/// Whose figures are held to a target: as one sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetScope {
    /// All hotlines together.
    All,
    /// A group, by its name.
    Group(String),
    /// A hotline.
    Hotline(HotlineName),
}

impl TargetScope {
    /// What it is: all, group or hotline.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Group(_) => "group",
            Self::Hotline(_) => "hotline",
        }
    }

    /// The name of the group or hotline; empty for all.
    pub fn name(&self) -> &str {
        match self {
            Self::All => "",
            Self::Group(name) => name,
            Self::Hotline(hotline) => hotline.as_str(),
        }
    }
}

impl Default for FiguresRules {
    /// What the built-in document says.
    fn default() -> Self {
        Self::read(SAMPLE).expect("the built-in document is sound; a test reads it")
    }
}

impl FiguresRules {
    /// Reads a document.
    ///
    /// # Errors
    /// Every fault of it.
    pub fn read(text: &str) -> Result<Self, Vec<FiguresFault>> {
        written::read(text)
    }

    /// The policy of a name, or the default one. Built-in policies have the thresholds of `base`, that of the configuration.
    ///
    /// # Errors
    /// The names to choose from.
    pub fn policy(
        &self,
        name: Option<&str>,
        base: &ServiceLevelPolicy,
    ) -> Result<ServiceLevelPolicy, Vec<String>> {
        let name = name.unwrap_or(&self.default_policy);
        let own = self.policies.iter().find(|policy| policy.name == name);
        own.cloned()
            .or_else(|| built_in(name).map(|variant| base.of_variant(variant)))
            .ok_or_else(|| self.policy_names())
    }

    /// Every policy that can be asked for.
    pub fn policy_names(&self) -> Vec<String> {
        let built_in = PolicyVariant::ALL.iter().map(|variant| variant.policy_name());
        built_in
            .chain(self.policies.iter().map(|policy| policy.name.clone()))
            .collect()
    }

    /// Hotlines with a threshold of their own, in seconds: it takes the place of that of a policy.
    pub fn thresholds(&self) -> &BTreeMap<HotlineName, i64> {
        &self.thresholds
    }

    /// Groups, in their order.
    pub fn groups(&self) -> &[HotlineGroup] {
        &self.groups
    }

    /// The group that a hotline is in.
    pub fn group_of(&self, hotline: &HotlineName) -> Option<&HotlineGroup> {
        self.groups.iter().find(|group| group.hotlines.contains(hotline))
    }

    /// The hotlines that a target looks at; none for all.
    pub fn hotlines_of(&self, scope: &TargetScope) -> Option<Vec<HotlineName>> {
        match scope {
            TargetScope::All => None,
            TargetScope::Hotline(hotline) => Some(vec![hotline.clone()]),
            TargetScope::Group(name) => {
                let group = self.groups.iter().find(|group| group.name == *name);
                Some(group.map(|group| group.hotlines.clone()).unwrap_or_default())
            }
        }
    }

    /// Targets, in their order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Every hotline that is named, with what names it.
    pub fn named_hotlines(&self) -> impl Iterator<Item = (String, &HotlineName)> {
        let thresholds = self
            .thresholds
            .keys()
            .map(|hotline| ("hotline".to_owned(), hotline));
        let groups = self.groups.iter().flat_map(|group| {
            let key = format!("group `{}`", group.name);
            group.hotlines.iter().map(move |hotline| (key.clone(), hotline))
        });
        let targets = self.targets.iter().filter_map(|target| match &target.scope {
            TargetScope::Hotline(hotline) => Some(("target".to_owned(), hotline)),
            _ => None,
        });
        thresholds.chain(groups).chain(targets)
    }
}

fn built_in(name: &str) -> Option<PolicyVariant> {
    PolicyVariant::ALL
        .iter()
        .copied()
        .find(|variant| variant.policy_name() == name)
}

#[cfg(test)]
mod tests;

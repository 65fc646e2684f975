//! Routing: which department a concern is handed to, and why.
//!
//! Rules are tried in their order; the first one that decides wins, else the clearing department gets the concern.
//! Where a postal code spans several municipalities, a rule decides only if it names one department for all of
//! them; nobody guesses where the citizen lives. Faults of the rules are found when they are loaded.

mod check;
mod choice;
mod config;
mod explain;
mod keywords;
mod reachability;
mod times;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::counting::CountingSources;
use crate::ids::{DepartmentId, HotlineName};
use crate::offers::Offers;
use crate::personal::Personal;
use crate::places::{Municipality, MunicipalityKey, Places};
use crate::service_time::ServiceCalendar;
use crate::text::{self, folded};
pub use check::RoutingFault;
pub use choice::without_reason;
pub use config::{Department, DepartmentMail, Hotline, MailContent, PlaceLevel, RoutingConfig, Rule};
use explain::PostalCode;
use keywords::Keyword;
use times::Times;

/// The id of a routing rule, as configuration names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct RuleId(String);

impl From<String> for RuleId {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl RuleId {
    /// Wraps the text, trimmed of surrounding white space.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of a concern when it is routed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingRequest {
    /// The hotline that the concern came in on.
    pub hotline: HotlineName,
    /// What it is about, as the agent chose it.
    pub category: Option<String>,
    /// The citizen's postal code, as it was written.
    pub postal_code: Option<String>,
    /// What the citizen wants, in words; empty if it is not known.
    pub concern: Personal,
    /// When it came in.
    pub at: DateTime<Utc>,
}

/// Where a concern goes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutingDecision {
    /// The department that is responsible.
    pub department: DepartmentId,
    /// The rule that decided; absent if none did and the clearing department was taken.
    pub rule: Option<RuleId>,
    /// The reason in German, for agents and departments.
    pub because: String,
    /// The municipalities of the postal code, whatever rule decided.
    pub municipalities: Vec<Municipality>,
    /// Whether the postal code spans several municipalities.
    pub ambiguous: bool,
}

/// The checked rules of an installation.
#[derive(Clone, Debug)]
pub struct RoutingTable {
    departments: Vec<Department>,
    hotlines: Vec<Hotline>,
    clearing: Department,
    known_hotlines: HashMap<String, HotlineName>,
    hotline_names: HashSet<HotlineName>,
    counting: Arc<CountingSources>,
    rules: Vec<CheckedRule>,
    topics: Vec<Topics>,
    times: Times,
    offers: Offers,
}

/// The categories of a rule as they were written, and the hotlines that it is for; none for any.
#[derive(Clone, Debug)]
struct Topics {
    hotlines: Vec<HotlineName>,
    categories: Vec<String>,
}

impl RoutingTable {
    /// Checks the rules; gives all their faults at once.
    pub fn new(config: RoutingConfig) -> Result<Self, Vec<RoutingFault>> {
        check::checked(config, Places::nrw())
    }

    /// All departments, as configured.
    pub fn departments(&self) -> &[Department] {
        &self.departments
    }

    /// A department by its id.
    pub fn department(&self, id: &DepartmentId) -> Option<&Department> {
        self.departments.iter().find(|department| department.id == *id)
    }

    /// What people can register for.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// All hotlines, as configured.
    pub fn hotlines(&self) -> &[Hotline] {
        &self.hotlines
    }

    /// Whether a hotline of exactly this name is configured.
    pub fn has_hotline(&self, name: &HotlineName) -> bool {
        self.hotline_names.contains(name)
    }

    /// The categories that rules know for a hotline, each once, in the order of the rules.
    pub fn categories(&self, hotline: &HotlineName) -> impl Iterator<Item = &str> {
        let hotline = folded(hotline.as_str());
        let is_for = move |topics: &&Topics| {
            let mut hotlines = topics.hotlines.iter();
            topics.hotlines.is_empty() || hotlines.any(|it| folded(it.as_str()) == hotline)
        };
        let mut told = HashSet::new();
        let categories = self.topics.iter().filter(is_for).flat_map(|it| &it.categories);
        categories
            .filter(move |category| told.insert(folded(category)))
            .map(String::as_str)
    }

    /// Which feed counts for a hotline.
    pub fn counting_sources(&self) -> Arc<CountingSources> {
        Arc::clone(&self.counting)
    }

    /// The department that gets what no rule decides.
    pub fn clearing(&self) -> &Department {
        &self.clearing
    }

    /// Decides which department is responsible. The calendar says whether it was service time then.
    pub fn route(&self, request: &RoutingRequest, calendar: &ServiceCalendar) -> RoutingDecision {
        let hotline = self.known_hotlines.get(&folded(request.hotline.as_str()));
        let category = request
            .category
            .as_deref()
            .map(folded)
            .filter(|category| !category.is_empty());
        let concern = text::words(request.concern.reveal());
        let is_open = calendar.is_open(request.at);
        let postal_code = PostalCode::of(request.postal_code.as_deref(), Places::nrw());
        let keys: Vec<MunicipalityKey> = postal_code.municipalities().iter().map(|it| it.key).collect();

        let hotline_folded = hotline.map(|hotline| folded(hotline.as_str()));
        let candidates: Vec<&CheckedRule> = self
            .rules
            .iter()
            .filter(|rule| {
                rule.is_for_hotline(hotline_folded.as_deref())
                    && rule.is_for_category(category.as_deref())
                    && rule.is_for_concern(&concern)
                    && rule.holds_while(is_open)
            })
            .collect();
        let verdict = decide(&candidates, &keys);

        let because = explain::Explanation {
            hotline: hotline.ok_or(&request.hotline),
            category: request.category.as_deref(),
            concern: &concern,
            postal_code: &postal_code,
            place_would_help: candidates
                .iter()
                .any(|rule| matches!(rule.reach, Reach::Places(_))),
            verdict: &verdict,
            clearing: &self.clearing,
        }
        .to_string();
        RoutingDecision {
            department: verdict
                .winner
                .map_or(&self.clearing.id, |(_, department)| department)
                .clone(),
            rule: verdict.winner.map(|(rule, _)| rule.id.clone()),
            because,
            municipalities: postal_code.municipalities().to_vec(),
            ambiguous: keys.len() > 1,
        }
    }
}

/// A rule with its names resolved.
#[derive(Clone, Debug)]
struct CheckedRule {
    id: RuleId,
    /// Folded names; empty for any hotline, also an unknown one.
    hotlines: HashSet<String>,
    /// Folded names; empty for any category, and for none.
    categories: HashSet<String>,
    /// Empty for any concern.
    keywords: Vec<Keyword>,
    /// Whether it holds only within service time, or only outside.
    open: Option<bool>,
    reach: Reach,
}

/// Where a rule holds, and which department it names there.
#[derive(Clone, Debug)]
enum Reach {
    Everywhere(DepartmentId),
    Places(HashMap<MunicipalityKey, DepartmentId>),
}

impl CheckedRule {
    fn is_for_hotline(&self, hotline: Option<&str>) -> bool {
        is_wanted(&self.hotlines, hotline)
    }

    fn is_for_category(&self, category: Option<&str>) -> bool {
        is_wanted(&self.categories, category)
    }

    fn is_for_concern(&self, words: &[String]) -> bool {
        self.keywords.is_empty() || self.keyword_in(words).is_some()
    }

    fn keyword_in(&self, words: &[String]) -> Option<&Keyword> {
        self.keywords.iter().find(|keyword| keyword.is_in(words))
    }

    fn holds_while(&self, is_open: bool) -> bool {
        self.open.is_none_or(|open| open == is_open)
    }
}

/// Whether a folded name is among those that are wanted; any is if none are.
fn is_wanted(wanted: &HashSet<String>, given: Option<&str>) -> bool {
    wanted.is_empty() || given.is_some_and(|given| wanted.contains(given))
}

/// What came of trying rules in their order.
struct Verdict<'r> {
    /// The deciding rule and the department that it names.
    winner: Option<(&'r CheckedRule, &'r DepartmentId)>,
    /// Rules before it that hold for some of the municipalities only, or name several departments for them.
    split: Vec<&'r CheckedRule>,
}

/// Tries rules in their order for the municipalities of one postal code (none if it is absent or unknown).
///
/// A rule decides if it names the same department for all of them; or if with it the first rules of each
/// municipality turn out to name the same department.
fn decide<'r>(rules: &[&'r CheckedRule], municipalities: &[MunicipalityKey]) -> Verdict<'r> {
    let mut first_of_each: Vec<Option<&DepartmentId>> = vec![None; municipalities.len()];
    let mut split = Vec::new();
    for rule in rules.iter().copied() {
        let departments = match &rule.reach {
            Reach::Everywhere(department) => {
                return Verdict {
                    winner: Some((rule, department)),
                    split,
                };
            }
            Reach::Places(departments) => departments,
        };
        let named: Vec<Option<&DepartmentId>> = municipalities
            .iter()
            .map(|municipality| departments.get(municipality))
            .collect();
        if let Some(department) = agreed(&named) {
            return Verdict {
                winner: Some((rule, department)),
                split,
            };
        }
        if named.iter().all(Option::is_none) {
            continue;
        }
        for (first, named) in first_of_each.iter_mut().zip(named) {
            *first = first.or(named);
        }
        if let Some(department) = agreed(&first_of_each) {
            return Verdict {
                winner: Some((rule, department)),
                split: Vec::new(),
            };
        }
        split.push(rule);
    }
    Verdict { winner: None, split }
}

/// The department that all municipalities have, if there is one.
fn agreed<'r>(departments: &[Option<&'r DepartmentId>]) -> Option<&'r DepartmentId> {
    let first = (*departments.first()?)?;
    departments
        .iter()
        .all(|department| *department == Some(first))
        .then_some(first)
}

#[cfg(test)]
mod tests;

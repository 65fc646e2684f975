//! Rules that decide nothing, whatever comes in.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::keywords::Keyword;
use super::{CheckedRule, Reach, RoutingFault, RuleId, decide};
use crate::ids::HotlineName;
use crate::places::{MunicipalityKey, Places};

/// For each rule whether one condition of it holds.
type Holding = Vec<bool>;

/// Rules that can never decide. Every kind of request there can be is tried; of concerns those without a keyword,
/// with a single one, and with all of them.
pub(super) fn unreachable(
    rules: &[CheckedRule],
    known_hotlines: &HashMap<String, HotlineName>,
    places: &Places,
) -> Vec<RoutingFault> {
    let place_sets: HashSet<Vec<MunicipalityKey>> = places
        .postal_codes()
        .map(|(_, municipalities)| municipalities.iter().map(|it| it.key).collect())
        .chain([Vec::new()])
        .collect();
    let mut deciding: HashSet<&RuleId> = HashSet::new();
    let mut decided_before: HashMap<&RuleId, BTreeSet<usize>> = HashMap::new();
    let position: HashMap<&RuleId, usize> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| (&rule.id, index))
        .collect();
    for holding in candidate_sets(rules, known_hotlines) {
        let candidates: Vec<&CheckedRule> = rules
            .iter()
            .zip(&holding)
            .filter(|(_, holds)| **holds)
            .map(|(rule, _)| rule)
            .collect();
        for place_set in &place_sets {
            let Some((winner, _)) = decide(&candidates, place_set).winner else {
                continue;
            };
            deciding.insert(&winner.id);
            for rule in candidates.iter().filter(|rule| rule.holds_somewhere(place_set)) {
                decided_before
                    .entry(&rule.id)
                    .or_default()
                    .insert(position[&winner.id]);
            }
        }
    }
    rules
        .iter()
        .filter(|rule| !deciding.contains(&rule.id))
        .map(|rule| RoutingFault::Unreachable {
            rule: rule.id.clone(),
            covered_by: decided_before
                .remove(&rule.id)
                .into_iter()
                .flatten()
                .map(|index| rules[index].id.clone())
                .collect(),
        })
        .collect()
}

/// Which rules come into question together. Each condition is tried by itself first: most values of one make no
/// difference, so that few combinations are left.
fn candidate_sets(rules: &[CheckedRule], known_hotlines: &HashMap<String, HotlineName>) -> HashSet<Holding> {
    let holding = |holds: &dyn Fn(&CheckedRule) -> bool| -> Holding { rules.iter().map(holds).collect() };
    let hotlines = known_hotlines.keys().map(|it| Some(it.as_str())).chain([None]);
    let categories = rules
        .iter()
        .flat_map(|rule| &rule.categories)
        .map(|it| Some(it.as_str()).filter(|it| !it.is_empty()))
        .chain([None]);
    let single = || {
        rules
            .iter()
            .flat_map(|rule| &rule.keywords)
            .map(Keyword::least_concern)
    };
    let concerns = single().chain([Vec::new(), single().flatten().collect()]);
    let conditions: [HashSet<Holding>; 4] = [
        hotlines
            .map(|hotline| holding(&|rule| rule.is_for_hotline(hotline)))
            .collect(),
        categories
            .map(|category| holding(&|rule| rule.is_for_category(category)))
            .collect(),
        concerns
            .map(|concern| holding(&|rule| rule.is_for_concern(&concern)))
            .collect(),
        [true, false]
            .map(|open| holding(&|rule| rule.holds_while(open)))
            .into(),
    ];
    let all = HashSet::from([vec![true; rules.len()]]);
    conditions.iter().fold(all, |sets, condition| {
        sets.iter()
            .flat_map(|set| {
                condition
                    .iter()
                    .map(move |other| set.iter().zip(other).map(|(one, other)| *one && *other).collect())
            })
            .collect()
    })
}

impl CheckedRule {
    fn holds_somewhere(&self, municipalities: &[MunicipalityKey]) -> bool {
        match &self.reach {
            Reach::Everywhere(_) => true,
            Reach::Places(departments) => municipalities.iter().any(|key| departments.contains_key(key)),
        }
    }
}

//! Checks of routing rules when they are loaded: what can be known to be wrong is refused before it routes anything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use thiserror::Error;

use super::config::{Department, Hotline, PlaceLevel, RoutingConfig, Rule};
use super::keywords::Keyword;
use super::reachability::unreachable;
use super::times::Times;
use super::{CheckedRule, Reach, RoutingTable, RuleId, Topics};
use crate::counting::CountingSources;
use crate::ids::{DepartmentId, HotlineName};
use crate::offers::{OfferFault, Offered, Offers};
use crate::places::{MunicipalityKey, Places};
use crate::procedure::is_email;
use crate::service_time::OpeningHoursFault;
use crate::text::folded;

/// What is wrong with configured rules, departments or hotlines.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RoutingFault {
    /// An id that cannot be part of a topic's name.
    #[error("department `{department}`: an id has lower-case letters, digits and hyphens only")]
    InvalidDepartmentId {
        /// The id.
        department: DepartmentId,
    },
    /// Two departments with one id.
    #[error("department `{department}` is given twice")]
    DuplicateDepartment {
        /// The id.
        department: DepartmentId,
    },
    /// A principal that would be nobody, or everybody.
    #[error(
        "department `{department}`: kafka_principal is TYPE:NAME, such as User:{department}, and names one user"
    )]
    InvalidPrincipal {
        /// The id.
        department: DepartmentId,
    },
    /// A mail address that cannot be one.
    #[error("department `{department}`: mail.address is one address in ASCII, such as auskunft@example.org")]
    InvalidMailAddress {
        /// The id.
        department: DepartmentId,
    },
    /// Two hotlines whose names do not differ but in case.
    #[error("hotline `{hotline}` is given twice")]
    DuplicateHotline {
        /// The name.
        hotline: HotlineName,
    },
    /// Two rules with one id.
    #[error("rule `{rule}` is given twice")]
    DuplicateRule {
        /// The id.
        rule: RuleId,
    },
    /// A rule without an id.
    #[error("a rule has an empty id")]
    EmptyRuleId,
    /// The clearing department does not exist.
    #[error("clearing: there is no department `{department}`")]
    UnknownClearing {
        /// The id.
        department: DepartmentId,
    },
    /// A rule names a department that does not exist.
    #[error("rule `{rule}`: there is no department `{department}`")]
    UnknownDepartment {
        /// The rule.
        rule: RuleId,
        /// The id.
        department: DepartmentId,
    },
    /// A rule names a hotline that does not exist.
    #[error("rule `{rule}`: there is no hotline `{hotline}`")]
    UnknownHotline {
        /// The rule.
        rule: RuleId,
        /// The name.
        hotline: HotlineName,
    },
    /// A rule names a place that does not exist at that level.
    #[error("rule `{rule}`: `{place}` is no {level} of North Rhine-Westphalia, neither by key nor by name")]
    UnknownPlace {
        /// The rule.
        rule: RuleId,
        /// What was written.
        place: String,
        /// The level at which it was looked for.
        level: &'static str,
    },
    /// A rule names a place twice (by key and by name), with a department each.
    #[error("rule `{rule}`: `{place}` is given twice in `departments`")]
    DuplicatePlace {
        /// The rule.
        rule: RuleId,
        /// What was written second.
        place: String,
    },
    /// A keyword that is none.
    #[error(
        "rule `{rule}`: `{keyword}` is no keyword; write one word or several, with * behind the last for all that \
         begins so"
    )]
    UnreadableKeyword {
        /// The rule.
        rule: RuleId,
        /// What was written.
        keyword: String,
    },
    /// A rule that would take everything.
    #[error("rule `{rule}` has no condition; what no rule decides goes to `clearing`")]
    NoCondition {
        /// The rule.
        rule: RuleId,
    },
    /// A rule that names no department.
    #[error("rule `{rule}`: give `department`, or `department_by` with `departments`")]
    NoDepartment {
        /// The rule.
        rule: RuleId,
    },
    /// A rule that names its departments in two ways.
    #[error(
        "rule `{rule}`: `department_by` with `departments` stands for `department`, `municipalities`, \
         `districts` and `governments`; give one or the other"
    )]
    Contradiction {
        /// The rule.
        rule: RuleId,
    },
    /// Slots that cannot be offered.
    #[error("booking {number} (`{service}` of `{department}`): {fault}")]
    Booking {
        /// Its place among the bookings, from 1.
        number: usize,
        /// What the slots are for.
        service: String,
        /// Whose they are.
        department: DepartmentId,
        /// What is wrong.
        fault: String,
    },
    /// An offer that cannot be one.
    #[error(transparent)]
    Offer(#[from] OfferFault),
    /// Service time that is none.
    #[error("service_time: {0}")]
    ServiceTime(#[from] OpeningHoursFault),
    /// A policy of escalation that cannot be followed.
    #[error("escalation: {0}")]
    Escalation(String),
    /// A rule that can never decide, because rules before it always do.
    #[error("rule `{rule}` can never decide: {}", covered(.covered_by))]
    Unreachable {
        /// The rule.
        rule: RuleId,
        /// The rules that decide all its cases.
        covered_by: Vec<RuleId>,
    },
}

fn covered(by: &[RuleId]) -> String {
    let rules: Vec<String> = by.iter().map(|rule| format!("`{rule}`")).collect();
    if rules.is_empty() {
        "nothing meets its conditions".to_owned()
    } else {
        format!("all its cases go to {}", rules.join(", "))
    }
}

pub(super) fn checked(config: RoutingConfig, places: &Places) -> Result<RoutingTable, Vec<RoutingFault>> {
    let mut faults = duplicates(&config);
    faults.extend(config.departments.iter().filter_map(principal_fault));
    faults.extend(config.departments.iter().filter_map(mail_fault));
    let departments: HashSet<&DepartmentId> = config.departments.iter().map(|it| &it.id).collect();
    let times = Times::checked(&config, &departments, &mut faults);
    let offered = Offered {
        newsletters: config.newsletters.clone(),
        events: config.events.clone(),
        brochures: config.brochures.clone(),
    };
    let offers = Offers::checked(offered, &departments);
    let offers = offers.unwrap_or_else(|found| {
        faults.extend(found.into_iter().map(RoutingFault::Offer));
        Offers::default()
    });
    let known_hotlines: HashMap<String, HotlineName> = config
        .hotlines
        .iter()
        .map(|it| (folded(it.name.as_str()), it.name.clone()))
        .collect();
    let clearing = config
        .departments
        .iter()
        .find(|department| department.id == config.clearing)
        .cloned();
    if clearing.is_none() {
        faults.push(RoutingFault::UnknownClearing {
            department: config.clearing.clone(),
        });
    }
    let mut rules = Vec::with_capacity(config.rules.len());
    for rule in &config.rules {
        let check = RuleCheck {
            rule,
            places,
            departments: &departments,
            known_hotlines: &known_hotlines,
        };
        match check.resolved() {
            Ok(resolved) => rules.push(resolved),
            Err(found) => faults.extend(found),
        }
    }
    if rules.len() == config.rules.len() {
        faults.extend(unreachable(&rules, &known_hotlines, places));
    }
    match clearing {
        Some(clearing) if faults.is_empty() => {
            let topics = |rule: &Rule| Topics {
                hotlines: rule.hotlines.clone(),
                categories: rule.categories.clone(),
            };
            let topics = config.rules.iter().map(topics).collect();
            let RoutingConfig {
                departments,
                hotlines,
                ..
            } = config;
            let counting = |it: &Hotline| Some((it.name.clone(), it.counting_source.clone()?));
            let counting = CountingSources::new(hotlines.iter().filter_map(counting));
            Ok(RoutingTable {
                hotline_names: hotlines.iter().map(|it| it.name.clone()).collect(),
                counting: Arc::new(counting),
                departments,
                hotlines,
                clearing,
                known_hotlines,
                rules,
                topics,
                times,
                offers,
            })
        }
        _ => Err(faults),
    }
}

fn duplicates(config: &RoutingConfig) -> Vec<RoutingFault> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    for department in config.departments.iter().map(|it| &it.id) {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if department.as_str().is_empty() || !department.as_str().bytes().all(allowed) {
            faults.push(RoutingFault::InvalidDepartmentId {
                department: department.clone(),
            });
        }
        if !seen.insert(department) {
            faults.push(RoutingFault::DuplicateDepartment {
                department: department.clone(),
            });
        }
    }
    let mut seen = HashSet::new();
    for hotline in config.hotlines.iter().map(|it| &it.name) {
        if !seen.insert(folded(hotline.as_str())) {
            faults.push(RoutingFault::DuplicateHotline {
                hotline: hotline.clone(),
            });
        }
    }
    let mut seen = HashSet::new();
    for rule in config.rules.iter().map(|it| &it.id) {
        if rule.as_str().is_empty() {
            faults.push(RoutingFault::EmptyRuleId);
        } else if !seen.insert(rule) {
            faults.push(RoutingFault::DuplicateRule { rule: rule.clone() });
        }
    }
    faults
}

fn principal_fault(department: &Department) -> Option<RoutingFault> {
    let principal = department.principal();
    let names_one = principal.split_once(':').is_some_and(|(kind, name)| {
        !kind.is_empty()
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !name.trim().is_empty()
            && name != "*"
            && !name.chars().any(char::is_control)
    });
    (!names_one).then(|| RoutingFault::InvalidPrincipal {
        department: department.id.clone(),
    })
}

fn mail_fault(department: &Department) -> Option<RoutingFault> {
    let address = &department.mail.as_ref()?.address;
    (!address.is_ascii() || !is_email(address)).then(|| RoutingFault::InvalidMailAddress {
        department: department.id.clone(),
    })
}

/// One rule, and what its names are looked up in.
struct RuleCheck<'c> {
    rule: &'c Rule,
    places: &'c Places,
    departments: &'c HashSet<&'c DepartmentId>,
    known_hotlines: &'c HashMap<String, HotlineName>,
}

impl RuleCheck<'_> {
    fn resolved(&self) -> Result<CheckedRule, Vec<RoutingFault>> {
        let rule = self.rule;
        let mut faults = self.unknown_names();
        let reach = self.reach(&mut faults);
        let keywords = self.keywords(&mut faults);
        let has_condition = !rule.hotlines.is_empty()
            || !rule.categories.is_empty()
            || !rule.keywords.is_empty()
            || rule.open.is_some();
        if matches!(reach, Some(Reach::Everywhere(_))) && !has_condition {
            faults.push(RoutingFault::NoCondition {
                rule: rule.id.clone(),
            });
        }
        match reach {
            Some(reach) if faults.is_empty() => Ok(CheckedRule {
                id: rule.id.clone(),
                hotlines: rule
                    .hotlines
                    .iter()
                    .map(|hotline| folded(hotline.as_str()))
                    .collect(),
                categories: rule.categories.iter().map(|category| folded(category)).collect(),
                keywords,
                open: rule.open,
                reach,
            }),
            _ => Err(faults),
        }
    }

    fn keywords(&self, faults: &mut Vec<RoutingFault>) -> Vec<Keyword> {
        let mut keywords = Vec::with_capacity(self.rule.keywords.len());
        for written in &self.rule.keywords {
            match Keyword::read(written) {
                Some(keyword) => keywords.push(keyword),
                None => faults.push(RoutingFault::UnreadableKeyword {
                    rule: self.rule.id.clone(),
                    keyword: written.clone(),
                }),
            }
        }
        keywords
    }

    fn unknown_names(&self) -> Vec<RoutingFault> {
        let rule = self.rule;
        let unknown_hotlines = rule
            .hotlines
            .iter()
            .filter(|hotline| !self.known_hotlines.contains_key(&folded(hotline.as_str())));
        let unknown_departments = rule
            .department
            .iter()
            .chain(rule.departments.values())
            .filter(|department| !self.departments.contains(department));
        unknown_hotlines
            .map(|hotline| RoutingFault::UnknownHotline {
                rule: rule.id.clone(),
                hotline: hotline.clone(),
            })
            .chain(
                unknown_departments.map(|department| RoutingFault::UnknownDepartment {
                    rule: rule.id.clone(),
                    department: department.clone(),
                }),
            )
            .collect()
    }

    fn reach(&self, faults: &mut Vec<RoutingFault>) -> Option<Reach> {
        let rule = self.rule;
        let listed = [
            (PlaceLevel::Municipality, &rule.municipalities),
            (PlaceLevel::District, &rule.districts),
            (PlaceLevel::Government, &rule.governments),
        ];
        let lists_places = listed.iter().any(|(_, places)| !places.is_empty());
        match (&rule.department, rule.department_by) {
            (Some(department), None) if rule.departments.is_empty() => {
                if !lists_places {
                    return Some(Reach::Everywhere(department.clone()));
                }
                let mut departments = HashMap::new();
                for (level, place) in listed
                    .iter()
                    .flat_map(|(level, list)| list.iter().map(|it| (*level, it)))
                {
                    let keys = self.municipalities_of(level, place, faults);
                    departments.extend(keys.into_iter().map(|key| (key, department.clone())));
                }
                Some(Reach::Places(departments))
            }
            (None, Some(level)) if !rule.departments.is_empty() && !lists_places => {
                let mut departments = HashMap::new();
                for (place, department) in &rule.departments {
                    for key in self.municipalities_of(level, place, faults) {
                        if departments.insert(key, department.clone()).is_some() {
                            faults.push(RoutingFault::DuplicatePlace {
                                rule: rule.id.clone(),
                                place: place.clone(),
                            });
                            break;
                        }
                    }
                }
                Some(Reach::Places(departments))
            }
            (None, Some(_)) if lists_places => {
                faults.push(RoutingFault::Contradiction {
                    rule: rule.id.clone(),
                });
                None
            }
            (None, _) => {
                faults.push(RoutingFault::NoDepartment {
                    rule: rule.id.clone(),
                });
                None
            }
            (Some(_), _) => {
                faults.push(RoutingFault::Contradiction {
                    rule: rule.id.clone(),
                });
                None
            }
        }
    }

    fn municipalities_of(
        &self,
        level: PlaceLevel,
        place: &str,
        faults: &mut Vec<RoutingFault>,
    ) -> Vec<MunicipalityKey> {
        let all = || self.places.municipalities().iter().map(|it| it.key);
        let found: Option<Vec<MunicipalityKey>> = match level {
            PlaceLevel::Municipality => self.places.municipality(place).map(|it| vec![it.key]),
            PlaceLevel::District => self
                .places
                .district(place)
                .map(|district| all().filter(|key| key.district() == district.key).collect()),
            PlaceLevel::Government => self
                .places
                .government(place)
                .map(|government| all().filter(|key| key.government() == government.key).collect()),
        };
        found.unwrap_or_else(|| {
            let level = match level {
                PlaceLevel::Municipality => "municipality",
                PlaceLevel::District => "district",
                PlaceLevel::Government => "district government",
            };
            faults.push(RoutingFault::UnknownPlace {
                rule: self.rule.id.clone(),
                place: place.to_owned(),
                level,
            });
            Vec::new()
        })
    }
}

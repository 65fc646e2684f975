//! The document as it is written, and its checks.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{FiguresFault, FiguresRules, HotlineGroup, ServiceLevelTarget, Target, TargetScope, built_in};
use crate::counts::Bin;
use crate::ids::HotlineName;
use crate::policy::{PolicyVariant, ServiceLevelPolicy};

/// Groups, policies and targets at most, each.
const MOST: usize = 1000;
const NAME_CHARACTERS_MAX: usize = 100;
const EDGES: &str =
    "use 0 to 120, 135, 150, 180, 240, 300, 420, 600, 900, 1800 or 3600 seconds: others have no exact answer";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    default_policy: Option<String>,
    #[serde(default, rename = "policy")]
    policies: Vec<Policy>,
    #[serde(default, rename = "hotline")]
    hotlines: Vec<Hotline>,
    #[serde(default, rename = "group")]
    groups: Vec<Group>,
    #[serde(default, rename = "target")]
    targets: Vec<WrittenTarget>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    name: String,
    version: u32,
    variant: PolicyVariant,
    threshold_s: i64,
    short_abandon_s: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hotline {
    name: HotlineName,
    threshold_s: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    hotlines: Vec<HotlineName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTarget {
    hotline: Option<HotlineName>,
    group: Option<String>,
    all: Option<bool>,
    service_level: Option<f64>,
    within_s: Option<i64>,
    policy: Option<String>,
    first_contact: Option<f64>,
    answers: Option<f64>,
}

/// Reads a document; gives every fault of it.
pub(super) fn read(text: &str) -> Result<FiguresRules, Vec<FiguresFault>> {
    let document: Document = toml::from_str(text).map_err(|error| {
        vec![FiguresFault {
            key: "document".to_owned(),
            remedy: error.to_string().trim_end().to_owned(),
        }]
    })?;
    let mut checks = Checks::default();
    let rules = checks.rules(document);
    match checks.faults.is_empty() {
        true => Ok(rules),
        false => Err(checks.faults),
    }
}

#[derive(Default)]
struct Checks {
    faults: Vec<FiguresFault>,
}

impl Checks {
    fn fault(&mut self, key: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(FiguresFault {
            key: key.into(),
            remedy: remedy.into(),
        });
    }

    fn rules(&mut self, document: Document) -> FiguresRules {
        for (key, count) in [
            ("policy", document.policies.len()),
            ("group", document.groups.len()),
            ("target", document.targets.len()),
        ] {
            if count > MOST {
                self.fault(key, format!("too many; use {MOST} at most"));
            }
        }
        let policies = self.policies(document.policies);
        let default_policy = document
            .default_policy
            .unwrap_or_else(|| PolicyVariant::OfOffered.policy_name());
        self.known_policy("default_policy", &default_policy, &policies);
        let mut thresholds = std::collections::BTreeMap::new();
        for Hotline { name, threshold_s } in document.hotlines {
            let key = format!("hotline `{name}`");
            self.edge(&format!("{key}: threshold_s"), threshold_s);
            if thresholds.insert(name, threshold_s).is_some() {
                self.fault(key, "is given twice");
            }
        }
        let groups = self.groups(document.groups);
        let targets = self.targets(document.targets, &groups, &policies);
        FiguresRules {
            default_policy,
            policies,
            thresholds,
            groups,
            targets,
        }
    }

    fn policies(&mut self, written: Vec<Policy>) -> Vec<ServiceLevelPolicy> {
        let mut policies: Vec<ServiceLevelPolicy> = Vec::new();
        for policy in written {
            let key = format!("policy `{}`", policy.name);
            let is_name =
                |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            if policy.name.is_empty()
                || policy.name.len() > NAME_CHARACTERS_MAX
                || !policy.name.chars().all(is_name)
            {
                self.fault(&key, "name: use lower-case letters, digits and hyphens");
            }
            if built_in(&policy.name).is_some() {
                self.fault(&key, "name: a built-in policy has it; choose another one");
            }
            if policies.iter().any(|other| other.name == policy.name) {
                self.fault(&key, "is given twice");
            }
            if policy.version == 0 {
                self.fault(&key, "version: use 1 or more; raise it when the meaning changes");
            }
            self.edge(&format!("{key}: threshold_s"), policy.threshold_s);
            self.edge(&format!("{key}: short_abandon_s"), policy.short_abandon_s);
            policies.push(ServiceLevelPolicy {
                name: policy.name,
                version: policy.version,
                variant: policy.variant,
                threshold_seconds: policy.threshold_s,
                short_abandon_seconds: policy.short_abandon_s,
            });
        }
        policies
    }

    fn groups(&mut self, written: Vec<Group>) -> Vec<HotlineGroup> {
        let mut names = BTreeSet::new();
        let mut taken = BTreeSet::new();
        let mut groups = Vec::new();
        for Group { name, hotlines } in written {
            let key = format!("group `{name}`");
            let is_long = name.chars().count() > NAME_CHARACTERS_MAX;
            if name.trim().is_empty() || name.trim() != name || is_long || name.chars().any(char::is_control)
            {
                self.fault(
                    &key,
                    "name: use one line of 1 to 100 characters, without blanks around it",
                );
            }
            if !names.insert(name.clone()) {
                self.fault(&key, "is given twice");
            }
            if hotlines.is_empty() {
                self.fault(&key, "hotlines: name at least one");
            }
            for hotline in &hotlines {
                if !taken.insert(hotline.clone()) {
                    let remedy = format!(
                        "hotlines: `{hotline}` is in a group already; a hotline has one group at most"
                    );
                    self.fault(&key, remedy);
                }
            }
            groups.push(HotlineGroup { name, hotlines });
        }
        for group in &groups {
            if taken.contains(&HotlineName::new(&group.name)) {
                self.fault(
                    format!("group `{}`", group.name),
                    "name: a hotline has it; choose another one",
                );
            }
        }
        groups
    }

    fn targets(
        &mut self,
        written: Vec<WrittenTarget>,
        groups: &[HotlineGroup],
        policies: &[ServiceLevelPolicy],
    ) -> Vec<Target> {
        let mut has_all = false;
        let mut held = BTreeSet::new();
        let mut targets = Vec::new();
        for (place, written) in written.into_iter().enumerate() {
            let Some(scope) = self.scope(place + 1, &written) else {
                continue;
            };
            let key = match &scope {
                TargetScope::All => "target of all".to_owned(),
                scope => format!("target of `{}`", scope.name()),
            };
            let hotlines = match &scope {
                TargetScope::All => {
                    if std::mem::replace(&mut has_all, true) {
                        self.fault(&key, "is given twice");
                    }
                    Vec::new()
                }
                TargetScope::Hotline(hotline) => vec![hotline.clone()],
                TargetScope::Group(name) => match groups.iter().find(|group| group.name == *name) {
                    Some(group) => group.hotlines.clone(),
                    None => {
                        self.fault(
                            &key,
                            "group: there is no such group; add a [[group]] of this name",
                        );
                        Vec::new()
                    }
                },
            };
            for hotline in hotlines {
                if !held.insert(hotline.clone()) {
                    self.fault(
                        &key,
                        format!("`{hotline}` has a target already; a hotline has one at most"),
                    );
                }
            }
            targets.extend(self.target(&key, scope, written, policies));
        }
        targets
    }

    /// Whom a target is for: exactly one of three.
    fn scope(&mut self, place: usize, written: &WrittenTarget) -> Option<TargetScope> {
        let hotline = written.hotline.clone().map(TargetScope::Hotline);
        let group = written.group.clone().map(TargetScope::Group);
        let all = (written.all == Some(true)).then_some(TargetScope::All);
        let mut given = [hotline, group, all].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(scope), None) => Some(scope),
            _ => {
                self.fault(
                    format!("target {place}"),
                    "give one of hotline, group, or all = true",
                );
                None
            }
        }
    }

    fn target(
        &mut self,
        key: &str,
        scope: TargetScope,
        written: WrittenTarget,
        policies: &[ServiceLevelPolicy],
    ) -> Option<Target> {
        let WrittenTarget {
            service_level,
            within_s,
            policy,
            first_contact,
            answers,
            ..
        } = written;
        for (name, share) in [
            ("service_level", service_level),
            ("first_contact", first_contact),
            ("answers", answers),
        ] {
            if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                self.fault(
                    format!("{key}: {name}"),
                    "use a share from 0 to 1, as 0.75 for 75 %",
                );
            }
        }
        if service_level.is_none() && first_contact.is_none() && answers.is_none() {
            self.fault(
                key,
                "promises nothing; give service_level, first_contact or answers",
            );
        }
        if service_level.is_none() && (within_s.is_some() || policy.is_some()) {
            self.fault(
                key,
                "within_s and policy belong to a service_level; give one, or leave them out",
            );
        }
        if let Some(seconds) = within_s {
            self.edge(&format!("{key}: within_s"), seconds);
        }
        if let Some(policy) = &policy {
            self.known_policy(&format!("{key}: policy"), policy, policies);
        }
        Some(Target {
            scope,
            service_level: service_level.map(|share| ServiceLevelTarget {
                share,
                policy,
                within_seconds: within_s,
            }),
            first_contact,
            answers,
        })
    }

    fn edge(&mut self, key: &str, seconds: i64) {
        if Bin::at_edge(seconds).is_none() {
            self.fault(key, EDGES);
        }
    }

    fn known_policy(&mut self, key: &str, name: &str, own: &[ServiceLevelPolicy]) {
        if built_in(name).is_some() || own.iter().any(|policy| policy.name == name) {
            return;
        }
        let built_in = PolicyVariant::ALL.iter().map(|variant| variant.policy_name());
        let names: Vec<String> = built_in
            .chain(own.iter().map(|policy| policy.name.clone()))
            .collect();
        self.fault(
            key,
            format!("there is no policy `{name}`; use {}", names.join(", ")),
        );
    }
}

//! Departments, hotlines and routing rules, as configuration writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::RuleId;
use crate::booking::BookingRule;
use crate::brochures::Brochure;
use crate::ids::{DepartmentId, HotlineName, SourceName};
use crate::offers::{Event, Newsletter};
use crate::service_time::ServiceTime;
use crate::ticket::EscalationPolicy;

/// Everything that routing is configured by. Unchecked; [`super::RoutingTable::new`] checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingConfig {
    /// The department that gets what no rule decides.
    pub clearing: DepartmentId,
    /// All departments.
    #[serde(rename = "department", default)]
    pub departments: Vec<Department>,
    /// All hotlines that are known.
    #[serde(rename = "hotline", default)]
    pub hotlines: Vec<Hotline>,
    /// The rules, in the order in which they are tried.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Rule>,
    /// Slots that can be booked with departments.
    #[serde(rename = "booking", default, skip_serializing_if = "Vec::is_empty")]
    pub bookings: Vec<BookingRule>,
    /// Brochures that can be ordered.
    #[serde(rename = "brochure", default, skip_serializing_if = "Vec::is_empty")]
    pub brochures: Vec<Brochure>,
    /// Newsletters that can be subscribed to.
    #[serde(rename = "newsletter", default, skip_serializing_if = "Vec::is_empty")]
    pub newsletters: Vec<Newsletter>,
    /// Events that media are accredited to.
    #[serde(rename = "event", default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// When the hotline is open.
    #[serde(default)]
    pub service_time: ServiceTime,
    /// Warnings before an answer is due, and escalation after.
    #[serde(default)]
    pub escalation: EscalationPolicy,
}

impl RoutingConfig {
    /// Departments alone, the clearing department among them.
    pub fn of(clearing: DepartmentId, departments: Vec<Department>) -> Self {
        Self {
            clearing,
            departments,
            hotlines: Vec::new(),
            rules: Vec::new(),
            bookings: Vec::new(),
            brochures: Vec::new(),
            newsletters: Vec::new(),
            events: Vec::new(),
            service_time: ServiceTime::default(),
            escalation: EscalationPolicy::default(),
        }
    }
}

/// A department ("fachlich zuständige Stelle").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: DepartmentId,
    /// Its name, as agents and citizens say it.
    pub name: String,
    /// Who it is for a Kafka cluster that enforces ACLs, as `User:NAME`; by default the user named like its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka_principal: Option<String>,
    /// How it is told of its tickets by mail; a department with a client of its own needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<DepartmentMail>,
}

/// How a department is told of its tickets by mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentMail {
    /// Its address.
    pub address: String,
    /// How much a mail says.
    pub content: MailContent,
}

/// How much a mail says of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailContent {
    /// That there is one: number, hotline, due time and a link; nothing about the citizen.
    Notice,
    /// All that the department needs to answer.
    Whole,
}

impl Department {
    /// A department of which no more is configured.
    pub fn new(id: DepartmentId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            kafka_principal: None,
            mail: None,
        }
    }

    /// Who it is for a Kafka cluster that enforces ACLs.
    pub fn principal(&self) -> String {
        self.kafka_principal
            .clone()
            .unwrap_or_else(|| format!("User:{}", self.id))
    }
}

/// A hotline of the service centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hotline {
    /// Its name, as the telephone system writes it.
    pub name: HotlineName,
    /// The feed that counts for it; without one, every feed counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counting_source: Option<SourceName>,
}

/// A routing rule. All conditions that are given must hold; at least one must be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id, shown with every decision.
    pub id: RuleId,
    /// Hotlines that it is for (`hotline = "…"` or `hotlines = ["…", "…"]`); none for any.
    #[serde(
        alias = "hotline",
        deserialize_with = "one_or_many",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub hotlines: Vec<HotlineName>,
    /// Categories that it is for (`category` or `categories`); none for any.
    #[serde(
        alias = "category",
        deserialize_with = "one_or_many",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub categories: Vec<String>,
    /// Words of the concern that it is for (`keyword` or `keywords`), any of them; `steuer*` for all that begins so.
    #[serde(
        alias = "keyword",
        deserialize_with = "one_or_many",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub keywords: Vec<String>,
    /// Whether it holds only within service time (`true`), or only outside (`false`); at any time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Municipalities that it is for, by key (8 digits) or name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub municipalities: Vec<String>,
    /// Districts that it is for, by key (5 digits) or name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub districts: Vec<String>,
    /// District governments that it is for, by key (3 digits) or name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub governments: Vec<String>,
    /// The responsible department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// Instead of `department`: it depends on the place, as `departments` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_by: Option<PlaceLevel>,
    /// With `department_by`: place (key or name) to department. Elsewhere the rule does not hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub departments: BTreeMap<String, DepartmentId>,
}

/// A level of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceLevel {
    /// Towns and municipalities.
    Municipality,
    /// Districts and independent cities.
    District,
    /// District governments.
    Government,
}

fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        One(T),
        Many(Vec<T>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

//! The reason for a routing decision, in German: agents and departments read it.

use std::fmt;

use super::{Department, Reach, Verdict};
use crate::ids::HotlineName;
use crate::places::{Municipality, Places};

/// What a postal code turned out to be.
pub(super) enum PostalCode<'p> {
    Absent,
    Malformed,
    Elsewhere(String),
    In(String, &'p [Municipality]),
}

impl<'p> PostalCode<'p> {
    pub(super) fn of(text: Option<&str>, places: &'p Places) -> Self {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Self::Absent;
        };
        if text.len() != 5 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Malformed;
        }
        match places.by_postal_code(text) {
            [] => Self::Elsewhere(text.to_owned()),
            municipalities => Self::In(text.to_owned(), municipalities),
        }
    }

    pub(super) fn municipalities(&self) -> &'p [Municipality] {
        match self {
            Self::In(_, municipalities) => municipalities,
            Self::Absent | Self::Malformed | Self::Elsewhere(_) => &[],
        }
    }
}

/// Everything that a decision is explained by.
pub(super) struct Explanation<'e> {
    /// The hotline as configured, or as it was said if nobody knows it.
    pub(super) hotline: Result<&'e HotlineName, &'e HotlineName>,
    pub(super) category: Option<&'e str>,
    /// The words of the concern.
    pub(super) concern: &'e [String],
    pub(super) postal_code: &'e PostalCode<'e>,
    /// Whether rules for this hotline depend on the place.
    pub(super) place_would_help: bool,
    pub(super) verdict: &'e Verdict<'e>,
    pub(super) clearing: &'e Department,
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sentences = Vec::new();
        sentences.extend(self.deciding_rule());
        sentences.extend(
            self.hotline
                .err()
                .filter(|hotline| !hotline.as_str().is_empty())
                .map(|hotline| format!("Hotline „{hotline}“ ist nicht bekannt.")),
        );
        sentences.extend(self.note_on_place());
        if self.verdict.winner.is_none() {
            sentences.push(format!(
                "Keine Regel trifft zu, daher an „{}“.",
                self.clearing.name
            ));
        }
        f.write_str(&sentences.join(" "))
    }
}

impl Explanation<'_> {
    fn deciding_rule(&self) -> Option<String> {
        let (rule, _) = self.verdict.winner?;
        let hotline = self.hotline.ok().filter(|_| !rule.hotlines.is_empty());
        let category = self.category.filter(|_| !rule.categories.is_empty());
        // The keyword as the rule has it: a reason holds nothing of what the citizen said.
        let keyword = rule.keyword_in(self.concern);
        let conditions: Vec<String> = [
            hotline.map(|hotline| format!("Hotline „{hotline}“")),
            category.map(|category| format!("Kategorie „{}“", category.trim())),
            keyword.map(|keyword| format!("Stichwort „{}“", keyword.as_written())),
            rule.open.map(|open| match open {
                true => "innerhalb der Servicezeit".to_owned(),
                false => "außerhalb der Servicezeit".to_owned(),
            }),
            self.place_that_decided(),
        ]
        .into_iter()
        .flatten()
        .collect();
        Some(format!("Regel „{}“: {}.", rule.id, conditions.join(", ")))
    }

    fn place_that_decided(&self) -> Option<String> {
        let (rule, _) = self.verdict.winner?;
        match (&rule.reach, self.postal_code) {
            (Reach::Places(_), PostalCode::In(code, municipalities)) => {
                let located: Vec<String> = municipalities.iter().map(located).collect();
                Some(format!(
                    "Postleitzahl {code} gehört zu {}",
                    located.join(" und zu ")
                ))
            }
            _ => None,
        }
    }

    fn note_on_place(&self) -> Option<String> {
        match self.postal_code {
            PostalCode::Absent => (self.verdict.winner.is_none() && self.place_would_help)
                .then(|| "Eine Postleitzahl ist nicht angegeben.".to_owned()),
            PostalCode::Malformed => {
                Some("Die Postleitzahl ist ungültig (fünf Ziffern erwartet).".to_owned())
            }
            PostalCode::Elsewhere(code) => Some(format!(
                "Postleitzahl {code} gehört zu keiner Gemeinde in Nordrhein-Westfalen."
            )),
            PostalCode::In(_, [_]) => None,
            PostalCode::In(code, municipalities) => self.note_on_several(code, municipalities),
        }
    }

    fn note_on_several(&self, code: &str, municipalities: &[Municipality]) -> Option<String> {
        let split = &self.verdict.split;
        if split.is_empty() && self.place_that_decided().is_some() {
            return None;
        }
        let names: Vec<&str> = municipalities
            .iter()
            .map(|municipality| municipality.name)
            .collect();
        let several = format!(
            "Postleitzahl {code} gehört zu mehreren Gemeinden ({})",
            names.join(", ")
        );
        let rules: Vec<String> = split.iter().map(|rule| format!("„{}“", rule.id)).collect();
        Some(match rules.as_slice() {
            [] => format!("{several}."),
            [rule] => format!("{several}; Regel {rule} ist dafür nicht eindeutig."),
            rules => format!(
                "{several}; die Regeln {} sind dafür nicht eindeutig.",
                rules.join(", ")
            ),
        })
    }
}

/// A municipality with what it lies in: `Siegburg (Rhein-Sieg-Kreis, Regierungsbezirk Köln)`.
fn located(municipality: &Municipality) -> String {
    let Municipality {
        name,
        district,
        government,
        ..
    } = municipality;
    if municipality.is_independent_city() {
        format!("{name} (Regierungsbezirk {government})")
    } else {
        format!("{name} ({district}, Regierungsbezirk {government})")
    }
}

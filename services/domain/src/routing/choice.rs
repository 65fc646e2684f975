//! A department that somebody chose, against what routing would have found.

use super::RoutingDecision;
use crate::ids::DepartmentId;

/// Stands before the reason.
const CHOSEN: &str = " gewählt: ";

impl RoutingDecision {
    /// For the department that somebody chose for a reason; no rule decided. What is known of the place stays.
    pub fn chosen(self, department: DepartmentId, by: &str, reason: &str) -> Self {
        let by = match by.trim() {
            "" => "Hand",
            by => by,
        };
        Self {
            department,
            rule: None,
            because: format!("Von {by}{CHOSEN}{}", reason.trim()),
            ..self
        }
    }
}

/// The reason of a decision without what somebody wrote who chose the department: that may say something about the citizen.
pub fn without_reason(because: &str) -> &str {
    let chosen = because.find(CHOSEN).filter(|_| because.starts_with("Von "));
    chosen.map_or(because, |at| &because[..at + CHOSEN.len() - ": ".len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision() -> RoutingDecision {
        RoutingDecision {
            department: DepartmentId::new("clearing"),
            rule: None,
            because: "Regel „r“.".to_owned(),
            municipalities: Vec::new(),
            ambiguous: false,
        }
    }

    #[test]
    fn a_choice_says_who_and_why_and_the_why_can_be_left_out() {
        let chosen = decision().chosen(DepartmentId::new("a"), "anna", " Frau Groß kennt das Amt ");
        assert_eq!((chosen.department.as_str(), chosen.rule), ("a", None));
        assert_eq!(chosen.because, "Von anna gewählt: Frau Groß kennt das Amt");
        assert_eq!(without_reason(&chosen.because), "Von anna gewählt");
        let nobody = decision().chosen(DepartmentId::new("a"), "", "so");
        assert_eq!(nobody.because, "Von Hand gewählt: so");
    }

    #[test]
    fn what_a_rule_or_a_rerouting_says_stays_whole() {
        for because in ["Regel „r“.", "Von Hand von a an b weitergeleitet."] {
            assert_eq!(without_reason(because), because);
        }
    }
}

//! The times that the rules set: service time, bookable slots, and when due times are warned of.

use std::collections::HashSet;

use super::RoutingTable;
use super::check::RoutingFault;
use super::config::RoutingConfig;
use crate::booking::Bookable;
use crate::ids::DepartmentId;
use crate::service_time::ServiceCalendar;
use crate::ticket::{ALARM_MINUTES_MAX, EscalationPolicy};

/// The checked times of an installation.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    calendar: ServiceCalendar,
    bookings: Vec<Bookable>,
    escalation: EscalationPolicy,
}

impl Times {
    pub(super) fn checked(
        config: &RoutingConfig,
        departments: &HashSet<&DepartmentId>,
        faults: &mut Vec<RoutingFault>,
    ) -> Self {
        let calendar = config.service_time.calendar().unwrap_or_else(|fault| {
            faults.push(fault.into());
            ServiceCalendar::default()
        });
        check_escalation(&config.escalation, departments, faults);
        Self {
            calendar,
            bookings: bookings(config, departments, faults),
            escalation: config.escalation.clone(),
        }
    }
}

fn check_escalation(
    policy: &EscalationPolicy,
    departments: &HashSet<&DepartmentId>,
    faults: &mut Vec<RoutingFault>,
) {
    if let Some(to) = policy.to.as_ref().filter(|to| !departments.contains(to)) {
        faults.push(RoutingFault::Escalation(format!(
            "to: there is no department `{to}`"
        )));
    }
    for (key, minutes) in [
        ("warn_before_minutes", policy.warn_before_minutes),
        ("escalate_after_minutes", policy.escalate_after_minutes),
    ] {
        if minutes > ALARM_MINUTES_MAX {
            faults.push(RoutingFault::Escalation(format!(
                "{key}: use 0 to {ALARM_MINUTES_MAX}"
            )));
        }
    }
}

fn bookings(
    config: &RoutingConfig,
    departments: &HashSet<&DepartmentId>,
    faults: &mut Vec<RoutingFault>,
) -> Vec<Bookable> {
    let mut bookings: Vec<Bookable> = Vec::new();
    for (index, rule) in config.bookings.iter().enumerate() {
        let mut faulty = |fault: String| {
            faults.push(RoutingFault::Booking {
                number: index + 1,
                service: rule.service.clone(),
                department: rule.department.clone(),
                fault,
            });
        };
        if !departments.contains(&rule.department) {
            faulty("there is no such department".to_owned());
        }
        match Bookable::new(rule.clone(), &config.service_time.closed_days) {
            Ok(bookable) => {
                let same =
                    |it: &Bookable| it.department == bookable.department && it.is_service(&bookable.service);
                if bookings.iter().any(same) {
                    faulty("the service is given twice; give one [[booking]] all its hours".to_owned());
                }
                bookings.push(bookable);
            }
            Err(fault) => faulty(fault.to_string()),
        }
    }
    bookings
}

impl RoutingTable {
    /// When the hotline is open.
    pub fn calendar(&self) -> &ServiceCalendar {
        &self.times.calendar
    }

    /// All slots that can be booked, by department and service, as configured.
    pub fn bookings(&self) -> &[Bookable] {
        &self.times.bookings
    }

    /// The slots of a service of a department.
    pub fn bookable(&self, department: &DepartmentId, service: &str) -> Option<&Bookable> {
        let mut bookings = self.times.bookings.iter();
        bookings.find(|it| it.department == *department && it.is_service(service))
    }

    /// When due times are warned of, and who is told when they are past.
    pub fn escalation(&self) -> &EscalationPolicy {
        &self.times.escalation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        clearing = "clearing"
        department = [{ id = "clearing", name = "Klärungsstelle" }, { id = "a", name = "A" }]
    "#;

    fn table(more: &str) -> Result<RoutingTable, String> {
        let config: RoutingConfig =
            toml::from_str(&format!("{RULES}\n{more}")).map_err(|error| error.to_string())?;
        RoutingTable::new(config).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            faults.join("\n")
        })
    }

    #[test]
    fn times_are_read_from_the_rules() {
        let table = table(
            r#"
            [service_time]
            hours = { saturday = ["10:00-12:00"] }
            closed_days = ["12-24"]
            [escalation]
            warn_before_minutes = 30
            to = "a"
            [[booking]]
            department = "a"
            service = "Beratung"
            hours = { monday = ["09:00-12:00"] }
            capacity = 2
            "#,
        )
        .unwrap();
        let open = |at: &str| table.calendar().is_open(at.parse().unwrap());
        assert!(open("2026-11-21T10:00:00Z") && !open("2026-12-24T10:00:00Z"));
        let escalation = table.escalation();
        assert_eq!(
            (escalation.warn_before_minutes, escalation.escalate_after_minutes),
            (30, 0)
        );
        assert!(table.bookable(&DepartmentId::new("a"), " beratung").is_some());
        assert!(
            table
                .bookable(&DepartmentId::new("clearing"), "Beratung")
                .is_none()
        );
    }

    #[test]
    fn faulty_times_are_named_with_the_remedy() {
        let booking = |department: &str| {
            format!(
                "[[booking]]\ndepartment = {department:?}\nservice = \"Beratung\"\n\
                 hours = {{ monday = [\"09:00-12:00\"] }}\ncapacity = 1\n"
            )
        };
        for (text, said) in [
            ("[escalation]\nto = \"b\"".to_owned(), "no department `b`"),
            (
                "[escalation]\nwarn_before_minutes = 999999".to_owned(),
                "warn_before_minutes: use 0 to",
            ),
            (
                "[service_time]\nclosed_days = [\"24.12.\"]".to_owned(),
                "12-24 for every year",
            ),
            (
                "[service_time]\nhours = { monday = [\"10:00-12:00\", \"11:00-13:00\"] }".to_owned(),
                "service_time: the periods",
            ),
            (booking("b"), "no such department"),
            (booking("a") + &booking("a"), "given twice"),
            (booking("a").replace("monday", "montag"), "unknown field `montag`"),
        ] {
            let fault = table(&text).expect_err(said);
            assert!(fault.contains(said), "{said} in {fault}");
        }
    }
}

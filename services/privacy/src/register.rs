//! The gRPC service `nrwdirekt.privacy.v1.Register`: the register of processing activities, by the rules in force.

use domain::privacy::inventory::Inventory;
use domain::procedure::{Kind, Party, Period, Procedure, Register};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use crate::CurrentRules;

/// Tells the register.
#[derive(Clone)]
pub struct RegisterService {
    rules: CurrentRules,
}

impl RegisterService {
    /// By the rules that are in force.
    pub fn new(rules: CurrentRules) -> Self {
        Self { rules }
    }
}

#[tonic::async_trait]
impl proto::register_server::Register for RegisterService {
    async fn get_register(
        &self,
        request: Request<proto::GetRegisterRequest>,
    ) -> Result<Response<proto::ProcessingRegister>, Status> {
        principal(&request)?;
        let book = (self.rules)();
        Ok(Response::new(proto::ProcessingRegister {
            rules_version: Some(book.version.0),
            ..processing_register(&book.register)
        }))
    }
}

/// The register as it is told; of no version of the rules.
pub fn processing_register(register: &Register) -> proto::ProcessingRegister {
    let head = register.head();
    let inventory = Inventory::built_in();
    proto::ProcessingRegister {
        rules_version: None,
        controller: Some(party(&head.controller)),
        data_protection_officer: Some(party(&head.data_protection_officer)),
        processors: head.processors.iter().map(party).collect(),
        measures: head.measures.clone(),
        third_countries: head.third_countries.clone(),
        activities: register
            .procedures()
            .iter()
            .map(|procedure| activity(procedure, &inventory))
            .collect(),
    }
}

fn party(party: &Party) -> proto::Party {
    proto::Party {
        name: party.name.clone(),
        address: party.address.clone(),
        contact: party.contact.clone(),
        task: party.task.clone(),
    }
}

fn activity(procedure: &Procedure, inventory: &Inventory) -> proto::ProcessingActivity {
    let id = procedure.id.as_str();
    let is_ticket = matches!(procedure.kind, Kind::Ticket(_));
    let mut places = inventory.places(id);
    if is_ticket {
        places.extend(inventory.places("tickets"));
    }
    let (unit, period) = match procedure.retention.period {
        Period::Days(days) => ("days", days),
        Period::Months(months) => ("months", months),
        Period::Years(years) => ("years", years),
    };
    proto::ProcessingActivity {
        id: id.to_owned(),
        title: procedure.title.clone(),
        kind: procedure.kind.name().to_owned(),
        purpose: procedure.purpose.clone(),
        legal_basis: procedure.legal_basis.clone(),
        persons: procedure.persons.clone(),
        recipients: procedure.recipients.clone(),
        processors: procedure.processors.clone(),
        retention: Some(proto::RegisteredRetention {
            after: procedure.retention.after.name().to_owned(),
            unit: unit.to_owned(),
            period,
            text: procedure.retention.text.clone(),
        }),
        fields: procedure
            .fields
            .iter()
            .map(|field| proto::RegisterField {
                id: field.id.to_string(),
                title: field.title.clone(),
                r#type: field.kind.name().to_owned(),
                required: field.required,
                from_system: field.from_system,
                places: match is_ticket {
                    true => inventory.places_of_requests(),
                    false => inventory.places_of(id, field.id.as_str()),
                },
            })
            .collect(),
        places,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_activity_says_what_for_by_which_law_how_long_and_where() {
        let told = processing_register(&Register::built_in());
        assert!(
            told.controller
                .is_some_and(|controller| !controller.name.is_empty())
        );
        assert!(!told.measures.is_empty() && !told.processors.is_empty());
        for activity in &told.activities {
            let id = &activity.id;
            assert!(
                !activity.purpose.is_empty() && !activity.legal_basis.is_empty(),
                "{id}"
            );
            assert!(
                activity.retention.as_ref().is_some_and(|it| !it.text.is_empty()),
                "{id}"
            );
            assert!(!activity.fields.is_empty(), "{id}");
        }
        let stored = |id: &str| {
            let activity = told.activities.iter().find(|activity| activity.id == id).unwrap();
            activity.fields.iter().all(|field| !field.places.is_empty()) && !activity.places.is_empty()
        };
        for id in ["callback", "call-records", "access-logs", "users", "audit-trail"] {
            assert!(stored(id), "{id}");
        }
    }
}

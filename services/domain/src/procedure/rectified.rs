//! A request whose fields are put right.

use super::{CheckedRequest, FaultCode, FieldFault, FieldId, Fields, Procedure, SLOTS, written};
use crate::personal::Personal;

impl Procedure {
    /// A request with some fields as they are right, and which of them are others now; an empty text takes a field away.
    /// The rules are asked about these fields and about what is missing then, not about what was accepted long ago.
    ///
    /// # Errors
    /// Every faulty field; also if the system alone knows the field.
    pub fn rectified(
        &self,
        request: &CheckedRequest,
        changes: &[(FieldId, Personal)],
    ) -> Result<(CheckedRequest, Vec<FieldId>), Vec<FieldFault>> {
        let before = request.fields();
        let mut right = request.clone();
        for (id, text) in changes {
            right.set(id.clone(), text.clone());
        }
        let is_other = |id: &FieldId| right.fields().get(id.as_str()) != before.get(id.as_str());
        let mut fields: Vec<FieldId> = changes.iter().map(|(id, _)| id.clone()).collect();
        fields.sort_unstable();
        fields.dedup();
        let faults = self.faults_of(&fields, right.fields());
        fields.retain(is_other);
        match faults.is_empty() {
            true => Ok((right, fields)),
            false => Err(faults),
        }
    }

    fn faults_of(&self, changed: &[FieldId], fields: &Fields) -> Vec<FieldFault> {
        if let Some(slots) = changed.iter().find(|id| id.as_str() == SLOTS) {
            let remedy = "leave it out: slots are moved by rebooking (ticket rebook)";
            return vec![FieldFault::of(slots.as_str(), FaultCode::FromSystem, remedy)];
        }
        // What the system added stays, and is not asked for.
        let entered: Fields = fields
            .iter()
            .filter(|(id, _)| {
                let from_system = self.field(id.as_str()).is_some_and(|rule| rule.from_system);
                !from_system || changed.contains(id)
            })
            .map(|(id, text)| (id.clone(), text.clone()))
            .collect();
        let concerns = |fault: &FieldFault| {
            let is_changed = changed.iter().any(|id| id.as_str() == fault.field);
            // A name that can be no field's is not repeated in the fault.
            let is_no_name = fault.code == FaultCode::Undeclared
                && changed.iter().any(|id| !written::is_field_id(id.as_str()));
            is_changed || is_no_name || fault.code == FaultCode::RequiredWith
        };
        match self.checked(entered) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().filter(concerns).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedure::Register;

    fn put_right(changes: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
        let register = Register::built_in();
        let callback = register.procedure("callback").unwrap();
        let fields = Fields::of([("name", "Gross"), ("phone", "0221 4710123"), ("concern", "x")]);
        let request = callback.checked(fields).unwrap();
        let changes: Vec<(FieldId, Personal)> = changes
            .iter()
            .map(|(id, text)| (FieldId::new(id), Personal::new(text)))
            .collect();
        let right = callback.rectified(&request, &changes);
        right
            .map(|(_, fields)| fields.iter().map(ToString::to_string).collect())
            .map_err(|faults| faults.into_iter().map(|fault| fault.field).collect())
    }

    #[test]
    fn only_what_is_other_now_was_put_right() {
        assert_eq!(
            put_right(&[("name", "Groß"), ("phone", "0221 4710123")]),
            Ok(vec!["name".to_owned()])
        );
        assert_eq!(put_right(&[("name", "Gross")]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_right_follows_the_rules_too() {
        assert_eq!(
            put_right(&[("postal_code", "K")]),
            Err(vec!["postal_code".to_owned()])
        );
        assert_eq!(put_right(&[("concern", "")]), Err(vec!["concern".to_owned()]));
        assert_eq!(put_right(&[("phone", "")]), Err(vec!["phone".to_owned()]));
        assert_eq!(put_right(&[("colour", "rot")]), Err(vec!["colour".to_owned()]));
        assert_eq!(put_right(&[("Gru.n", "x")]), Err(vec!["fields".to_owned()]));
    }
}

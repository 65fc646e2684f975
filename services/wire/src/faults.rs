//! Faulty fields on the wire: in answers, and in the details of a status.

use domain::procedure::{FaultCode, FieldFault};
use tonic::{Code, Status};
use tonic_types::{BadRequest, ErrorDetails, FieldViolation, StatusExt as _};

use crate::v1::tickets as wire;

/// A refusal that names faulty fields for programs too: `google.rpc.BadRequest`, the code of each fault as its reason.
pub fn refusal(code: Code, message: impl Into<String>, faults: &[FieldFault]) -> Status {
    let violation = |fault: &FieldFault| {
        let mut violation = FieldViolation::new(&fault.field, &fault.remedy);
        violation.reason = fault.code.name().to_ascii_uppercase();
        violation
    };
    let violations = BadRequest::new(faults.iter().map(violation).collect::<Vec<_>>());
    let mut details = ErrorDetails::new();
    details.set_bad_request(violations.field_violations);
    Status::with_error_details(code, message, details)
}

/// The faulty fields that a status names; empty if it names none.
pub fn faults(status: &Status) -> Vec<FieldFault> {
    let violations = status
        .get_details_bad_request()
        .map(|bad_request| bad_request.field_violations)
        .unwrap_or_default();
    let fault = |it: FieldViolation| read(&it.field, &it.reason.to_ascii_lowercase(), it.description);
    violations.into_iter().map(fault).collect()
}

/// Faults for an answer.
pub fn faults_to_wire(faults: &[FieldFault]) -> Vec<wire::FieldFault> {
    let fault = |fault: &FieldFault| wire::FieldFault {
        field: fault.field.clone(),
        code: fault.code.name().to_owned(),
        message: fault.remedy.clone(),
    };
    faults.iter().map(fault).collect()
}

/// Faults of an answer. A code that is not known here is `unusable`.
pub fn faults_from_wire(faults: Vec<wire::FieldFault>) -> Vec<FieldFault> {
    let fault = |it: wire::FieldFault| read(&it.field, &it.code, it.message);
    faults.into_iter().map(fault).collect()
}

fn read(field: &str, code: &str, remedy: String) -> FieldFault {
    let code = FaultCode::from_name(code).unwrap_or(FaultCode::Unusable);
    FieldFault::of(field, code, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_the_faults_that_it_was_made_of() {
        let given = [
            FieldFault::of("email", FaultCode::NoEmail, "enter an address"),
            FieldFault::new("hotline", "name it"),
        ];
        let status = refusal(Code::InvalidArgument, "email: …", &given);
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, "email: …")
        );
        assert_eq!(faults(&status), given);
        assert_eq!(faults(&Status::unavailable("try again")), []);
    }

    #[test]
    fn an_unknown_code_is_unusable() {
        let sent = wire::FieldFault {
            field: "email".to_owned(),
            code: "of_a_later_version".to_owned(),
            message: String::new(),
        };
        assert_eq!(faults_from_wire(vec![sent])[0].code, FaultCode::Unusable);
    }
}

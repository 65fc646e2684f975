//! Why the server makes no report, in the words of the command line: servers name fields, people give options.

use tonic::{Code, Status};

use crate::exit::Failure;

/// A report that was refused.
pub(super) fn refused(status: Status) -> anyhow::Error {
    Failure::of_status(&translated(status, option))
}

/// The same of the period to compare with.
pub(super) fn refused_beside(status: Status) -> anyhow::Error {
    let option = |field: &str| match field {
        "from" => Some("--with-from"),
        "to" => Some("--with-to"),
        _ => option(field),
    };
    Failure::of_status(&translated(status, option))
}

/// The option by which a field of a request is given.
fn option(field: &str) -> Option<&'static str> {
    Some(match field {
        "as_of" => "--since",
        "by" => "--by",
        "days" => "--days",
        "from" => "--from",
        "hotlines" => "--hotline",
        "id" => "--id",
        "interval" => "--interval",
        "max_occupancy" => "--max-occupancy",
        "per_cents" => "--percentiles",
        "policy" => "--policy",
        "reason" => "--reason",
        "shrinkage" => "--shrinkage",
        "target" => "--target",
        "task_types" => "--task-type",
        "to" => "--to",
        "weeks" => "--weeks",
        "within" | "within_seconds" => "--within",
        "zone" => "--zone",
        _ => return None,
    })
}

/// Messages begin with the fields that are wrong; others are named between backticks.
fn translated(status: Status, option: impl Fn(&str) -> Option<&'static str>) -> Status {
    let is_about_the_request = matches!(
        status.code(),
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition
    );
    let Some((fields, remedy)) = status.message().split_once(": ") else {
        return status;
    };
    let options: Option<Vec<&str>> = fields.split(", ").map(&option).collect();
    let Some(options) = options.filter(|_| is_about_the_request) else {
        return status;
    };
    let named = remedy.split('`').enumerate().map(|(place, part)| {
        let is_named = place % 2 == 1;
        option(part).filter(|_| is_named).unwrap_or(part)
    });
    let remedy = named.collect::<Vec<_>>().join("`");
    Status::new(status.code(), format!("{}: {remedy}", options.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        let told = refused(Status::invalid_argument(message)).to_string();
        assert_eq!(told, expected);
    }

    #[test]
    fn fields_are_told_as_options() {
        check("policy: use of-offered", "--policy: use of-offered");
        check(
            "to: give a day after `from`; it is exclusive",
            "--to: give a day after `--from`; it is exclusive",
        );
        check("from, to: name fewer days", "--from, --to: name fewer days");
        check(
            "hotlines: use a name as `report totals --by hotline` shows it",
            "--hotline: use a name as `report totals --by hotline` shows it",
        );
    }

    #[test]
    fn whatever_is_no_field_stays() {
        check("from beyond: no", "from beyond: no");
        check("nothing of it", "nothing of it");
        let broken = Status::internal("from: the disk is gone");
        assert_eq!(refused(broken).to_string(), "from: the disk is gone");
    }

    #[test]
    fn the_other_period_has_options_of_its_own() {
        let told = refused_beside(Status::invalid_argument(
            "to: give a day after `from`; it is exclusive",
        ));
        assert_eq!(
            told.to_string(),
            "--with-to: give a day after `--with-from`; it is exclusive"
        );
    }
}

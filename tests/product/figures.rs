//! Figures, and how they are compared.

use serde_json::{Map, Value};
use testkit::TestNode;
use testkit::export::INVENTED_DAYS;
use wire::v1::reporting::{Totals, TotalsResponse};

/// `report totals --json` by hotline, of a range of local days; without the version of the figures, which differs between
/// stores of the same calls.
pub(crate) async fn report(node: &TestNode, days: (&str, &str)) -> Value {
    let (from, to) = days;
    let arguments = [
        "report", "totals", "--from", from, "--to", to, "--by", "hotline", "--json",
    ];
    let mut told = node.run(&arguments).await.exits(0).json();
    told.as_object_mut().expect("an object").remove("as_of");
    told
}

/// The same of the week that the invented rows lie in.
pub(crate) async fn of_the_invented_week(node: &TestNode) -> Value {
    report(node, INVENTED_DAYS).await
}

/// Fails unless every figure that `expected` has is equal in `told`; `told` may hold more.
#[track_caller]
pub(crate) fn check(told: &Value, expected: &Value) {
    let mut differences = Vec::new();
    compare("", told, expected, &mut differences);
    assert!(differences.is_empty(), "{}\nin {told:#}", differences.join("\n"));
}

fn compare(path: &str, told: &Value, expected: &Value, differences: &mut Vec<String>) {
    match (told, expected) {
        (Value::Object(told), Value::Object(expected)) => {
            for (key, expected) in expected {
                compare(&format!("{path}/{key}"), member(told, key), expected, differences);
            }
        }
        (Value::Array(told), Value::Array(expected)) if told.len() == expected.len() => {
            for (index, (told, expected)) in told.iter().zip(expected).enumerate() {
                compare(&format!("{path}/{index}"), told, expected, differences);
            }
        }
        _ if told == expected => {}
        _ => differences.push(format!("{path} is {told}, not {expected}")),
    }
}

fn member<'a>(object: &'a Map<String, Value>, key: &str) -> &'a Value {
    object.get(key).unwrap_or(&Value::Null)
}

/// The figures of all hotlines.
#[track_caller]
pub(crate) fn total(totals: &TotalsResponse) -> &Totals {
    totals.total.as_ref().expect("totals have a total")
}

/// The figures of a hotline.
#[track_caller]
pub(crate) fn group<'a>(totals: &'a TotalsResponse, hotline: &str) -> &'a Totals {
    let group = totals.groups.iter().find(|group| group.group == hotline);
    group.unwrap_or_else(|| panic!("{hotline} has no figures: {totals:#?}"))
}

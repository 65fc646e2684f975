//! Brochures that can be ordered, and what an order may hold: an account only where something is to be paid.

use serde::{Deserialize, Serialize};

use crate::ids::OfferId;
use crate::procedure::{FaultCode, FieldFault, Fields, Procedure};
use crate::text::folded;

/// The field that says what is ordered, one brochure a line.
pub const BROCHURES: &str = "brochures";
/// The field that makes an order a direct debit; others come only with it.
const ACCOUNT: &str = "iban";
/// Copies of one brochure in an order at most.
const COPIES_MAX: u32 = 999;

/// A brochure of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brochure {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: OfferId,
    /// Its name for people, in German.
    pub title: String,
    /// What a copy costs, in cents; free unless it is given.
    #[serde(default)]
    pub price_cents: u32,
}

/// What an order costs, in cents; `None` where a line names no brochure.
pub fn cost(brochures: &[Brochure], order: &str) -> Option<u64> {
    let lines = order.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (copies, name) = copies(line)?;
            let name = folded(name);
            let ordered = brochures
                .iter()
                .find(|it| folded(it.id.as_str()) == name || folded(&it.title) == name)?;
            Some(u64::from(copies) * u64::from(ordered.price_cents))
        })
        .sum()
}

/// How many copies of what: `2 x wegweiser`, `2 × Wegweiser`, `Wegweiser`.
fn copies(line: &str) -> Option<(u32, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (count, rest) = line.split_at(digits);
    let times = rest.trim_start();
    let times = times.strip_prefix(['x', 'X', '×']);
    match (count, times) {
        ("", _) => Some((1, line)),
        (count, Some(name)) => {
            let count: u32 = count.parse().ok()?;
            (1..=COPIES_MAX).contains(&count).then_some((count, name.trim()))
        }
        // A title may begin with a number.
        (_, None) => Some((1, line)),
    }
}

/// What is wrong with an order, where the rules list brochures: without a list an order is free text.
pub fn order_faults(procedure: &Procedure, brochures: &[Brochure], fields: &Fields) -> Vec<FieldFault> {
    let Some(order) = fields.get(BROCHURES).filter(|_| !brochures.is_empty()) else {
        return Vec::new();
    };
    if procedure.field(BROCHURES).is_none() {
        return Vec::new();
    }
    match cost(brochures, order.reveal()) {
        None => {
            let known: Vec<&str> = brochures.iter().map(|it| it.id.as_str()).collect();
            let remedy = format!(
                "write one a line, with 1 to {COPIES_MAX} copies, such as `2 x {}`; there are {}",
                known[0],
                known.join(", ")
            );
            vec![FieldFault::of(BROCHURES, FaultCode::NoOption, remedy)]
        }
        Some(0) => {
            let of_the_account = |id: &str| {
                let is_with_it = |other: &crate::procedure::FieldRule| {
                    other
                        .only_with
                        .as_ref()
                        .is_some_and(|with| with.as_str() == ACCOUNT)
                };
                id == ACCOUNT || procedure.field(id).is_some_and(is_with_it)
            };
            let given = fields.iter().filter(|(id, _)| of_the_account(id.as_str()));
            let remedy = "leave it empty: what is ordered is free";
            given
                .map(|(id, _)| FieldFault::of(id.as_str(), FaultCode::NothingToPay, remedy))
                .collect()
        }
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedure::Register;

    fn brochures() -> [Brochure; 2] {
        [
            ("wegweiser", "Wegweiser für Neubürger", 0),
            ("atlas", "Atlas NRW", 750),
        ]
        .map(|(id, title, price_cents)| Brochure {
            id: OfferId::new(id),
            title: title.to_owned(),
            price_cents,
        })
    }

    #[test]
    fn an_order_is_read_by_id_or_title_and_count() {
        for (order, cents) in [
            ("wegweiser", Some(0)),
            ("2 x atlas", Some(1_500)),
            ("1 × Atlas NRW\n3x WEGWEISER für Neubürger\n", Some(750)),
            ("atlas\n1 × Landesplan", None),
            ("0 x atlas", None),
            ("1000 x atlas", None),
        ] {
            assert_eq!(cost(&brochures(), order), cents, "{order}");
        }
    }

    #[test]
    fn an_account_is_only_for_what_is_to_be_paid() {
        let register = Register::built_in();
        let procedure = register.procedure("brochure-order").unwrap();
        let faults = |order: &str, brochures: &[Brochure]| {
            let fields = Fields::of([
                ("brochures", order),
                ("iban", "DE02120300000000202051"),
                ("account_holder", "Erika Groß"),
            ]);
            let faults = order_faults(procedure, brochures, &fields);
            let told: Vec<String> = faults
                .iter()
                .map(|it| format!("{} {}", it.field, it.code.name()))
                .collect();
            told
        };
        assert_eq!(faults("1 x atlas\nwegweiser", &brochures()), [""; 0]);
        assert_eq!(
            faults("wegweiser", &brochures()),
            ["account_holder nothing_to_pay", "iban nothing_to_pay"]
        );
        assert_eq!(faults("Landesplan", &brochures()), ["brochures no_option"]);
        assert_eq!(
            faults("Landesplan", &[]),
            [""; 0],
            "without a list an order is free text"
        );
    }
}

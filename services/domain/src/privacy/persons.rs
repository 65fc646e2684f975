//! Which tickets are of the same person: two names on one number are two persons.

use std::collections::{BTreeMap, BTreeSet};

use super::marks::PHONES;
use crate::numbers::Number;
use crate::personal::Personal;
use crate::procedure::name_key;
use crate::ticket::Ticket;

/// A person, as tickets tell of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The family name; absent where the tickets name nobody.
    pub name: Option<Personal>,
    /// The first name, if one is known.
    pub first_name: Option<Personal>,
    /// The tickets, as they came.
    pub tickets: Vec<Ticket>,
}

impl Person {
    /// Whether another group of tickets may be of the same person: the same family name, and the same first name as far as
    /// both are known.
    pub fn may_be(&self, other: &Self) -> bool {
        let key = |name: &Option<Personal>| name.as_ref().map(|name| name_key(name.reveal()));
        let (first, others_first) = (key(&self.first_name), key(&other.first_name));
        key(&self.name) == key(&other.name)
            && (first == others_first || first.is_none() || others_first.is_none())
    }
}

/// Groups tickets by person. A ticket without a first name belongs to the one first name that there is under the family
/// name; where there are several, nobody knows whose it is, and it stands apart. So do tickets without any name.
pub fn persons(tickets: Vec<Ticket>) -> Vec<Person> {
    let keys = |ticket: &Ticket| {
        let fields = ticket.request.fields();
        let first = fields.get("first_name").map(|name| name_key(name.reveal()));
        (fields.name_key(), first)
    };
    let mut first_names: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
    for ticket in &tickets {
        let (name, first) = keys(ticket);
        first_names.entry(name).or_default().extend(first);
    }
    let mut groups: BTreeMap<(Option<String>, Option<String>), Person> = BTreeMap::new();
    for ticket in tickets {
        let (name, first) = keys(&ticket);
        let known = &first_names[&name];
        let first = match known.len() {
            1 => known.first().cloned(),
            _ => first,
        };
        let person = groups.entry((name, first)).or_default();
        let fields = ticket.request.fields();
        person.name = person.name.take().or_else(|| fields.get("name").cloned());
        person.first_name = person
            .first_name
            .take()
            .or_else(|| fields.get("first_name").cloned());
        person.tickets.push(ticket);
    }
    // Those whose name is known come first.
    let (named, unnamed): (Vec<_>, Vec<_>) = groups.into_values().partition(|person| person.name.is_some());
    named.into_iter().chain(unnamed).collect()
}

/// Every telephone number of a ticket, by its key: personal.
pub fn phones_of(ticket: &Ticket) -> BTreeSet<String> {
    let fields = ticket.request.fields();
    PHONES
        .iter()
        .filter_map(|field| fields.get(field))
        .chain(ticket.added.iter().filter_map(|added| added.phone.as_ref()))
        .map(|phone| Number::read(phone.reveal()).key().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TicketId;
    use crate::procedure::{Fields, Register};
    use crate::routing::RoutingDecision;
    use crate::ticket::{Actor, Opening, open};

    fn ticket(number: u8, name: &str, first_name: &str) -> Ticket {
        let register = Register::built_in();
        let procedure = register.procedure("callback").unwrap();
        let fields = Fields::of([
            ("phone", "0221 4710123"),
            ("name", name),
            ("first_name", first_name),
            ("concern", "x"),
        ]);
        let opening = Opening {
            id: TicketId::new(format!("T-{number}")),
            procedure: procedure.id.clone(),
            request: procedure.checked(fields).unwrap(),
            hotline: None,
            category: None,
            call: None,
            actor: Actor::System,
            decision: RoutingDecision {
                department: crate::ids::DepartmentId::new("a"),
                because: String::new(),
                rule: None,
                municipalities: Vec::new(),
                ambiguous: false,
            },
            rules: None,
            at: chrono::DateTime::UNIX_EPOCH,
            due_at: chrono::DateTime::UNIX_EPOCH,
        };
        open(opening).ticket
    }

    fn grouped(tickets: &[(&str, &str)]) -> Vec<usize> {
        let tickets = tickets
            .iter()
            .zip(1_u8..)
            .map(|((name, first_name), number)| ticket(number, name, first_name));
        persons(tickets.collect())
            .iter()
            .map(|person| person.tickets.len())
            .collect()
    }

    #[test]
    fn two_names_on_one_number_are_two_persons() {
        assert_eq!(grouped(&[("Groß", "Erika"), ("Klein", "Max")]), [1, 1]);
        assert_eq!(grouped(&[("Groß", "Erika"), ("Groß", "Max")]), [1, 1]);
    }

    #[test]
    fn spelling_and_a_missing_first_name_make_no_other_person() {
        assert_eq!(
            grouped(&[("Groß", "Erika"), ("GROSS", ""), (" groß ", "ERIKA")]),
            [3]
        );
    }

    #[test]
    fn what_may_be_either_stands_apart() {
        assert_eq!(
            grouped(&[("Groß", "Erika"), ("Groß", "Max"), ("Groß", ""), ("", "")]).len(),
            4
        );
    }
}

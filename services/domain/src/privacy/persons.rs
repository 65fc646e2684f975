//! Which tickets and entries are of the same person: two names on one number are two persons.

use std::collections::{BTreeMap, BTreeSet};

use super::marks::{MarkKind, PHONES, email_key};
use crate::numbers::Number;
use crate::personal::Personal;
use crate::procedure::{Fields, name_key};
use crate::registration::{EMAIL, Entry};
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
    /// What the person has registered for, as it came.
    pub entries: Vec<Entry>,
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

    /// Whether both have the same family name and the same first name, as far as it is said.
    fn is_called_as(&self, other: &Self) -> bool {
        self.may_be(other) && self.first_name.is_some() == other.first_name.is_some()
    }

    /// Adds what was found by a number or an address of this person and is of the same name, where only one first name comes into
    /// question, and what names nobody and was registered for: that is of whoever has the address.
    pub fn add_same(&mut self, tickets: Vec<Ticket>, entries: Vec<Entry>) {
        let (named, unnamed): (Vec<Entry>, Vec<Entry>) = entries
            .into_iter()
            .partition(|entry| entry.fields.name_key().is_some());
        self.entries.extend(unnamed);
        if self.name.is_none() {
            return;
        }
        let mut found = persons(tickets, named);
        found.retain(|other| self.may_be(other));
        if found.len() > 1 {
            found.retain(|other| self.is_called_as(other));
        }
        for same in found {
            self.tickets.extend(same.tickets);
            self.entries.extend(same.entries);
            self.first_name = self.first_name.take().or(same.first_name);
        }
    }
}

/// What a ticket or an entry calls a person: keys of family name and first name. Personal.
type NameKeys = (Option<String>, Option<String>);

fn name_keys(fields: &Fields) -> NameKeys {
    let first = fields.get("first_name").map(|name| name_key(name.reveal()));
    (fields.name_key(), first)
}

/// Groups tickets and entries by person. A ticket without a first name belongs to the one first name that there is under the family
/// name; where there are several, nobody knows whose it is, and it stands apart. So do tickets without any name.
/// An entry without any, such as a subscription, belongs to the one person that there is.
pub fn persons(tickets: Vec<Ticket>, entries: Vec<Entry>) -> Vec<Person> {
    let (named, unnamed): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| entry.fields.name_key().is_some());
    let mut groups = Groups::default();
    let of_tickets = tickets.iter().map(|ticket| ticket.request.fields());
    groups.know(of_tickets.chain(named.iter().map(|entry| &entry.fields)));
    for ticket in tickets {
        groups.person(ticket.request.fields()).tickets.push(ticket);
    }
    for entry in named {
        groups.person(&entry.fields).entries.push(entry);
    }
    let mut groups = groups.persons;
    if !unnamed.is_empty() {
        let person = match groups.len() {
            1 => groups.values_mut().next(),
            _ => Some(groups.entry((None, None)).or_default()),
        };
        person
            .into_iter()
            .for_each(|person| person.entries.extend(unnamed.iter().cloned()));
    }
    // Those whose name is known come first.
    let (named, unnamed): (Vec<_>, Vec<_>) = groups.into_values().partition(|person| person.name.is_some());
    named.into_iter().chain(unnamed).collect()
}

/// Persons by what they are called.
#[derive(Default)]
struct Groups {
    first_names: BTreeMap<Option<String>, BTreeSet<String>>,
    persons: BTreeMap<NameKeys, Person>,
}

impl Groups {
    /// Learns which first names there are.
    fn know<'f>(&mut self, all: impl Iterator<Item = &'f Fields>) {
        for (name, first) in all.map(name_keys) {
            self.first_names.entry(name).or_default().extend(first);
        }
    }

    /// Whoever is named so.
    fn person(&mut self, fields: &Fields) -> &mut Person {
        let (name, first) = name_keys(fields);
        let first = match self.first_names.get(&name) {
            Some(known) if known.len() == 1 => known.first().cloned(),
            _ => first,
        };
        let person = self.persons.entry((name, first)).or_default();
        person.name = person.name.take().or_else(|| fields.get("name").cloned());
        person.first_name = person
            .first_name
            .take()
            .or_else(|| fields.get("first_name").cloned());
        person
    }
}

/// Parts those who have nothing but the name in common: tickets and entries are of the same person as far as numbers, addresses of
/// mail or homes connect them; what has none of these stands apart.
pub fn apart_by_contact(person: &Person) -> Vec<Person> {
    let of_tickets = person.tickets.iter().map(contacts_of_ticket);
    let of_entries = person.entries.iter().map(|entry| contacts_of(&entry.fields));
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for mut contacts in of_tickets.chain(of_entries) {
        let (same, others) = circles
            .into_iter()
            .partition::<Vec<_>, _>(|circle| !circle.is_disjoint(&contacts));
        contacts.extend(same.into_iter().flatten());
        circles = others;
        circles.push(contacts);
    }
    circles.retain(|circle| !circle.is_empty());
    let circle_of = |contacts: &BTreeSet<String>| {
        let known = contacts.first()?;
        circles.iter().position(|circle| circle.contains(known))
    };
    let mut parts: BTreeMap<(usize, usize), Person> = BTreeMap::new();
    // Without any contact each is alone: behind those who have one.
    let mut alone = 0..;
    let mut part = |contacts: &BTreeSet<String>| match circle_of(contacts) {
        Some(circle) => (0, circle),
        None => (1, alone.next().unwrap_or_default()),
    };
    let named = || Person {
        name: person.name.clone(),
        first_name: person.first_name.clone(),
        ..Person::default()
    };
    for ticket in &person.tickets {
        let at = part(&contacts_of_ticket(ticket));
        parts.entry(at).or_insert_with(named).tickets.push(ticket.clone());
    }
    for entry in &person.entries {
        let at = part(&contacts_of(&entry.fields));
        parts.entry(at).or_insert_with(named).entries.push(entry.clone());
    }
    parts.into_values().collect()
}

/// By what one can reach whoever sent this: personal.
fn contacts_of(fields: &Fields) -> BTreeSet<String> {
    let numbers = PHONES.iter().filter_map(|field| fields.get(field));
    let mut contacts: BTreeSet<String> = numbers
        .map(|phone| Number::read(phone.reveal()).key().to_owned())
        .collect();
    contacts.extend(fields.get(EMAIL).map(|email| email_key(email.reveal())));
    let house = fields.text("house_number");
    let street = name_key(fields.text("street"));
    // The number of the house may stand behind the street; a street without one is nobody's home.
    let in_street = street.split_whitespace().next_back();
    let has_number = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit());
    if let Some(postal_code) = fields.get("postal_code")
        && !street.is_empty()
        && (!house.is_empty() || in_street.is_some_and(has_number))
    {
        let home: String = format!("{street} {}", name_key(house))
            .split_whitespace()
            .collect();
        contacts.insert(format!("{} {home}", postal_code.reveal()));
    }
    contacts
}

fn contacts_of_ticket(ticket: &Ticket) -> BTreeSet<String> {
    let mut contacts = contacts_of(ticket.request.fields());
    contacts.extend(phones_of(ticket));
    let emails = ticket.added.iter().filter_map(|added| added.email.as_ref());
    contacts.extend(emails.map(|email| email_key(email.reveal())));
    contacts
}

/// Every e-mail address of a person, by its key: personal.
pub fn emails_of(person: &Person) -> BTreeSet<String> {
    let of_tickets = person.tickets.iter().flat_map(|ticket| {
        let of_request = ticket.request.fields().get(EMAIL);
        of_request
            .into_iter()
            .chain(ticket.added.iter().filter_map(|added| added.email.as_ref()))
    });
    let of_entries = person.entries.iter().filter_map(|entry| entry.fields.get(EMAIL));
    of_tickets
        .chain(of_entries)
        .map(|email| email_key(email.reveal()))
        .collect()
}

/// Every number and address of a person, to look for more of the same one: personal.
pub fn contact_keys(person: &Person) -> BTreeSet<(MarkKind, String)> {
    let of_entries = person.entries.iter().filter_map(|entry| entry.fields.phone_key());
    let phones = person.tickets.iter().flat_map(phones_of).chain(of_entries);
    let emails = emails_of(person)
        .into_iter()
        .map(|address| (MarkKind::Email, address));
    phones
        .map(|number| (MarkKind::Phone, number))
        .chain(emails)
        .collect()
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
        persons(tickets.collect(), Vec::new())
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
    fn a_name_alone_makes_nobody_the_same_person() {
        let with = |number: u8, phone: &str, email: &str| {
            let mut ticket = ticket(number, "Schmidt", "Eva");
            let fields = Fields::of([
                ("phone", phone),
                ("email", email),
                ("name", "Schmidt"),
                ("first_name", "Eva"),
                ("concern", "x"),
            ]);
            let register = Register::built_in();
            let procedure = register.procedure("callback").unwrap();
            ticket.request = procedure.checked(fields).unwrap();
            ticket
        };
        let tickets = vec![
            with(1, "0211 1110011", ""),
            with(2, "0251 1110012", ""),
            with(3, "+49 211 1110011", "eva@example.org"),
            with(4, "0251 1110013", "Eva@example.org"),
        ];
        let [together] = persons(tickets, Vec::new()).try_into().unwrap();
        let apart = apart_by_contact(&together);
        let numbers: Vec<Vec<&str>> = apart
            .iter()
            .map(|person| person.tickets.iter().map(|it| it.id.as_str()).collect())
            .collect();
        assert_eq!(numbers, [vec!["T-2"], vec!["T-1", "T-3", "T-4"]]);
        assert!(
            apart
                .iter()
                .all(|person| person.name == Some(Personal::new("Schmidt")))
        );
    }

    #[test]
    fn what_is_found_by_a_further_number_is_added_where_it_can_be_of_one_person_only() {
        let named = |name: &str, first_name: &str| {
            let [person] = persons(vec![ticket(1, name, first_name)], Vec::new())
                .try_into()
                .unwrap();
            person
        };
        let after = |mut person: Person, found: &[(&str, &str)]| -> Vec<String> {
            let found = found.iter().zip(2_u8..);
            let found = found.map(|((name, first), number)| ticket(number, name, first));
            person.add_same(found.collect(), Vec::new());
            person.tickets.iter().map(|it| it.id.to_string()).collect()
        };
        let erika = || named("Groß", "Erika");
        assert_eq!(after(erika(), &[("GROSS", "erika")]), ["T-1", "T-2"]);
        assert_eq!(after(erika(), &[("Groß", "")]), ["T-1", "T-2"]);
        assert_eq!(after(erika(), &[("Groß", "Max"), ("Klein", "Erika")]), ["T-1"]);
        // Whose the ticket without a first name is, nobody knows.
        let either = [("Groß", "Max"), ("Groß", "Erika"), ("Groß", "")];
        assert_eq!(after(erika(), &either), ["T-1", "T-3"]);
        assert_eq!(after(named("Groß", ""), &either), ["T-1", "T-4"]);
        assert_eq!(after(named("", ""), &[("", "")]), ["T-1"]);
    }

    #[test]
    fn a_street_alone_is_no_home() {
        let at = |number: u8, street: &str, house_number: &str| {
            let mut ticket = ticket(number, "Schmidt", "Eva");
            let phone = format!("0221 123000{number}");
            let fields = Fields::of([
                ("phone", phone.as_str()),
                ("name", "Schmidt"),
                ("first_name", "Eva"),
                ("street", street),
                ("house_number", house_number),
                ("postal_code", "50672"),
                ("concern", "x"),
            ]);
            let register = Register::built_in();
            let procedure = register.procedure("callback").unwrap();
            ticket.request = procedure.checked(fields).unwrap();
            ticket
        };
        let tickets = vec![
            at(1, "Venloer Straße", "1"),
            at(2, "Venloer Straße", "409"),
            at(3, "Venloer Straße 409", ""),
            at(4, "Venloer Straße", ""),
            at(5, "Venloer Straße", ""),
            at(6, "Straße des 17. Juni", ""),
            at(7, "Straße des 17. Juni", ""),
        ];
        let [together] = persons(tickets, Vec::new()).try_into().unwrap();
        let apart = apart_by_contact(&together);
        let mut counts: Vec<usize> = apart.iter().map(|person| person.tickets.len()).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 1, 1, 1, 1, 2]);
    }

    #[test]
    fn spelling_and_a_missing_first_name_make_no_other_person() {
        assert_eq!(
            grouped(&[("Groß", "Erika"), ("GROSS", ""), (" groß ", "ERIKA")]),
            [3]
        );
    }

    /// Somebody's entry for an offer; without a name a subscription.
    fn entry(name: &str, first_name: &str) -> Entry {
        Entry {
            id: crate::ids::EntryId::new(format!("{first_name}{name}")),
            registration: crate::ids::RegistrationId::new("r"),
            procedure: crate::procedure::ProcedureId::new("newsletter"),
            offer: crate::ids::OfferId::new("o"),
            state: crate::registration::EntryState::Confirmed,
            fields: Fields::of([
                ("name", name),
                ("first_name", first_name),
                ("email", "E@example.org"),
            ]),
            consented_at: chrono::DateTime::UNIX_EPOCH,
            confirmed_at: None,
            restricted_at: None,
        }
    }

    #[test]
    fn a_subscription_belongs_to_the_one_person_that_there_is() {
        let counts = |entries: Vec<Entry>| -> Vec<(usize, usize)> {
            let found = persons(vec![ticket(1, "Groß", "Erika")], entries);
            found
                .iter()
                .map(|person| (person.tickets.len(), person.entries.len()))
                .collect()
        };
        assert_eq!(counts(vec![entry("", ""), entry("GROSS", "Erika")]), [(1, 2)]);
        assert_eq!(
            counts(vec![entry("", ""), entry("Groß", "Max")]),
            [(1, 0), (0, 1), (0, 1)]
        );
        let alone = persons(Vec::new(), vec![entry("", "")]);
        assert_eq!(emails_of(&alone[0]), ["e@example.org".to_owned()].into());
        assert_eq!((alone.len(), alone[0].name.as_ref()), (1, None));
    }

    #[test]
    fn what_may_be_either_stands_apart() {
        assert_eq!(
            grouped(&[("Groß", "Erika"), ("Groß", "Max"), ("Groß", ""), ("", "")]).len(),
            4
        );
    }
}

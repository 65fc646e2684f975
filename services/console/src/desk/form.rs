//! The form of a procedure, made from the register.

use domain::brochures::{BROCHURES, Brochure, cost};
use domain::ids::OfferId;
use domain::procedure::{FaultCode, FieldFault};
use wire::v1::tickets as proto;

use super::entered::{Entered, FIELD};
use super::{Offer, faults};
use crate::trouble::Trouble;

/// The form with what was entered and what is wrong with it.
pub(super) struct Form {
    pub(super) title: String,
    pub(super) procedures: Vec<Choice>,
    pub(super) by_phone: bool,
    pub(super) groups: Vec<Group>,
    pub(super) hotlines: Vec<Choice>,
    /// Empty where no rule asks for one.
    pub(super) categories: Vec<Topic>,
    pub(super) departments: Vec<Choice>,
    /// Whether the citizen may wish for a time to be called back.
    pub(super) wishes: bool,
    /// What can be ordered.
    pub(super) brochures: Vec<ShownBrochure>,
    /// Whether an account is asked for.
    pub(super) pays: bool,
    pub(super) entered: Entered,
    faults: Vec<(String, String)>,
    /// Faults that belong to no input.
    pub(super) general: Vec<String>,
}

/// An option of a list.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) name: String,
    pub(super) chosen: bool,
}

/// A brochure that can be ordered.
pub(super) struct ShownBrochure {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) price: String,
}

/// A category with the hotlines that it is for.
pub(super) struct Topic {
    pub(super) name: String,
    /// Names with a line break between them.
    pub(super) hotlines: String,
    pub(super) chosen: bool,
}

/// Fields that belong together.
pub(super) struct Group {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What holds for the whole group.
    pub(super) hint: &'static str,
    pub(super) fields: Vec<Input>,
}

/// A field as an input.
pub(super) struct Input {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) fault: String,
    pub(super) required: bool,
    pub(super) longest: u32,
    /// Its share of the line, in twelfths.
    pub(super) width: u8,
}

/// What kind of input it is.
pub(super) enum Kind {
    /// A line, with its `type` and `inputmode`.
    Line(&'static str, &'static str),
    /// Several lines.
    Text,
    /// Yes or nothing.
    Tick,
    /// One of a list.
    Choice(Vec<String>),
    /// Slots with a department.
    Slots,
}

/// The groups, in their order.
const GROUPS: [(&str, &str); 6] = [
    ("person", "Person"),
    ("anschrift", "Anschrift"),
    ("kontakt", "Kontakt"),
    ("zahlung", "Zahlung"),
    ("weiteres", "Weiteres"),
    ("anliegen", "Anliegen"),
];

/// The group that a field belongs to.
fn group_of(rule: &proto::FieldRule, procedure: &proto::Procedure) -> &'static str {
    let is_concern = procedure.concern.contains(&rule.id);
    match (rule.id.as_str(), rule.r#type.as_str()) {
        _ if is_concern => "anliegen",
        ("slots" | "service" | "subject" | "message", _) => "anliegen",
        ("salutation" | "name" | "first_name" | "last_name" | "company", _) => "person",
        (
            "street" | "house_number" | "postal_code" | "town" | "address_supplement" | "state" | "country",
            _,
        ) => "anschrift",
        (_, "phone" | "email") => "kontakt",
        (_, "iban" | "bic") => "zahlung",
        _ if rule.only_with == "iban" => "zahlung",
        _ => "weiteres",
    }
}

fn width_of(rule: &proto::FieldRule) -> u8 {
    match (rule.id.as_str(), rule.r#type.as_str()) {
        (_, "text") => 12,
        ("salutation" | "house_number", _) => 2,
        ("postal_code" | "town", _) => 3,
        ("name" | "first_name" | "company", _) => 5,
        (_, "phone" | "email" | "iban") => 6,
        ("street" | "address_supplement" | "state" | "country", _) => 4,
        ("service" | "subject", _) => 12,
        _ => 6,
    }
}

fn kind_of(rule: &proto::FieldRule, offer: &Offer) -> Kind {
    let services = &offer.routing.services;
    match (rule.id.as_str(), rule.r#type.as_str()) {
        ("slots", "text") if !services.is_empty() => Kind::Slots,
        ("service", _) if !services.is_empty() => {
            let mut names: Vec<String> = services.iter().map(|it| it.service.clone()).collect();
            names.sort_unstable();
            names.dedup();
            Kind::Choice(names)
        }
        (_, "text") => Kind::Text,
        (_, "boolean") => Kind::Tick,
        (_, "choice") => Kind::Choice(rule.options.clone()),
        (_, "email") => Kind::Line("email", "email"),
        (_, "phone") => Kind::Line("tel", "tel"),
        (_, "postal_code" | "number") => Kind::Line("text", "numeric"),
        (_, "date") => Kind::Line("date", "text"),
        _ => Kind::Line("text", "text"),
    }
}

impl Form {
    /// The form of the procedure that was chosen.
    ///
    /// # Errors
    /// If nothing can be asked for at all.
    pub(super) fn new(offer: &Offer, entered: &Entered, found: &[FieldFault]) -> Result<Self, Trouble> {
        let procedure = offer.procedure(&entered.procedure)?;
        let (faults, general) = placed(found, procedure);
        let mut entered = entered.clone();
        if found.iter().any(|fault| fault.code == FaultCode::KeyTaken) {
            entered.key = uuid::Uuid::new_v4().to_string();
        }
        let mut form = Self {
            title: procedure.title.clone(),
            procedures: offer
                .procedures
                .iter()
                .map(|it| choice(&it.id, &it.title, &procedure.id))
                .collect(),
            by_phone: procedure.by_phone,
            groups: Vec::new(),
            hotlines: hotlines(offer, &entered.hotline),
            categories: topics(offer, &entered.category),
            departments: offer
                .routing
                .departments
                .iter()
                .map(|it| choice(&it.id, &it.name, &entered.department))
                .collect(),
            wishes: procedure.by_phone && procedure.fields.iter().all(|rule| rule.id != "slots"),
            brochures: offer.routing.brochures.iter().map(shown_brochure).collect(),
            pays: pays(offer, &entered),
            entered,
            faults,
            general,
        };
        form.groups = form.grouped(offer, procedure);
        Ok(form)
    }

    fn grouped(&self, offer: &Offer, procedure: &proto::Procedure) -> Vec<Group> {
        let shown: Vec<&proto::FieldRule> = procedure.fields.iter().filter(|it| !it.from_system).collect();
        let of_group = |(id, title): (&'static str, &'static str)| {
            let rules = shown.iter().filter(|rule| group_of(rule, procedure) == id);
            let fields: Vec<Input> = rules.map(|rule| self.input(rule, offer)).collect();
            let hint = match id {
                "kontakt" if procedure.reachable_by.len() > 1 => "eins ist Pflicht",
                _ => "",
            };
            Group {
                id,
                title,
                hint,
                fields,
            }
        };
        let groups = GROUPS.into_iter().map(of_group);
        groups.filter(|group| !group.fields.is_empty()).collect()
    }

    fn input(&self, rule: &proto::FieldRule, offer: &Offer) -> Input {
        let name = format!("{FIELD}{}", rule.id);
        Input {
            id: rule.id.clone(),
            title: rule.title.clone(),
            kind: kind_of(rule, offer),
            value: self.entered.field(&rule.id).to_owned(),
            fault: self.fault(&name).to_owned(),
            required: rule.required,
            longest: rule.longest,
            width: width_of(rule),
            name,
        }
    }

    /// What is wrong with an input; empty if nothing is.
    pub(super) fn fault(&self, name: &str) -> &str {
        let found = self.faults.iter().find(|(input, _)| input == name);
        found.map_or("", |(_, text)| text)
    }

    /// Whether anything is.
    pub(super) fn is_faulty(&self) -> bool {
        !self.faults.is_empty() || !self.general.is_empty()
    }

    /// Whether another department was chosen.
    pub(super) fn is_redirected(&self) -> bool {
        !self.entered.department.is_empty() || !self.entered.department_reason.is_empty()
    }

    /// What every input has to say, for those that are on a page already; empty where nothing is wrong.
    pub(super) fn verdicts(&self) -> Vec<(&str, &str)> {
        let fixed = [
            "hotline",
            "kategorie",
            "wunsch.von",
            "wunsch.bis",
            "stelle",
            "stelle.grund",
            "zu_vorgang",
        ];
        let fields = self
            .groups
            .iter()
            .flat_map(|group| &group.fields)
            .map(|it| it.name.as_str());
        let is_here = |name: &&str| match *name {
            "kategorie" => !self.categories.is_empty(),
            "wunsch.von" | "wunsch.bis" => self.wishes,
            _ => true,
        };
        fields
            .chain(fixed.into_iter().filter(is_here))
            .map(|name| (name, self.fault(name)))
            .collect()
    }
}

/// Faults by the input that they are shown at, one each, and those without.
fn placed(found: &[FieldFault], procedure: &proto::Procedure) -> (Vec<(String, String)>, Vec<String>) {
    let (mut placed, mut general) = (Vec::new(), Vec::new());
    for fault in found {
        let text = faults::text(fault, Some(procedure));
        match faults::input(fault, procedure) {
            Some(input) => placed.push((input, text)),
            None => general.push(text),
        }
    }
    (placed, general)
}

fn shown_brochure(brochure: &proto::Brochure) -> ShownBrochure {
    let (euros, cents) = (brochure.price_cents / 100, brochure.price_cents % 100);
    ShownBrochure {
        id: brochure.id.clone(),
        title: brochure.title.clone(),
        price: match brochure.price_cents {
            0 => "kostenlos".to_owned(),
            _ => format!("{euros},{cents:02} €"),
        },
    }
}

/// Whether an account may belong to what was entered: where something is to be paid, or was entered already.
fn pays(offer: &Offer, entered: &Entered) -> bool {
    let brochure = |it: &proto::Brochure| Brochure {
        id: OfferId::new(&it.id),
        title: it.title.clone(),
        price_cents: it.price_cents,
    };
    let brochures: Vec<Brochure> = offer.routing.brochures.iter().map(brochure).collect();
    let is_free =
        !brochures.is_empty() && cost(&brochures, entered.field(BROCHURES)).is_none_or(|cost| cost == 0);
    let is_given = ["iban", "bic", "account_holder", "bank"]
        .iter()
        .any(|id| !entered.field(id).is_empty());
    !is_free || is_given
}

fn choice(value: &str, name: &str, chosen: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        name: name.to_owned(),
        chosen: value == chosen,
    }
}

/// Those of the rules, and the one that was chosen or called where the rules do not know it.
fn hotlines(offer: &Offer, chosen: &str) -> Vec<Choice> {
    let mut hotlines: Vec<Choice> = offer
        .routing
        .hotlines
        .iter()
        .map(|it| choice(&it.hotline, &it.hotline, chosen))
        .collect();
    if !chosen.is_empty() && hotlines.iter().all(|it| !it.chosen) {
        hotlines.push(choice(chosen, chosen, chosen));
    }
    hotlines
}

/// Each category once, with all hotlines that it is for.
fn topics(offer: &Offer, chosen: &str) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for hotline in &offer.routing.hotlines {
        for category in &hotline.categories {
            match topics.iter_mut().find(|topic| topic.name == *category) {
                Some(topic) => {
                    topic.hotlines.push('\n');
                    topic.hotlines.push_str(&hotline.hotline);
                }
                None => topics.push(Topic {
                    name: category.clone(),
                    hotlines: hotline.hotline.clone(),
                    chosen: category == chosen,
                }),
            }
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use domain::procedure::Register;
    use wire::tickets::procedure_to_wire;

    use super::*;

    fn offer() -> Offer {
        let register = Register::built_in();
        let tickets = register
            .procedures()
            .iter()
            .filter(|it| it.ticket_rules().is_some());
        Offer {
            procedures: tickets.map(procedure_to_wire).collect(),
            routing: proto::DescribeRoutingResponse::default(),
        }
    }

    fn form(procedure: &str, faults: &[FieldFault]) -> Form {
        let entered = Entered {
            procedure: procedure.to_owned(),
            ..Entered::default()
        };
        Form::new(&offer(), &entered, faults).expect("a form")
    }

    fn ids(form: &Form) -> Vec<(&str, Vec<&str>)> {
        form.groups
            .iter()
            .map(|group| {
                (
                    group.title,
                    group.fields.iter().map(|it| it.id.as_str()).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn a_callback_has_its_ten_fields_in_four_groups() {
        assert_eq!(
            ids(&form("callback", &[])),
            [
                ("Person", vec!["salutation", "name", "first_name"]),
                ("Anschrift", vec!["street", "house_number", "postal_code", "town"]),
                ("Kontakt", vec!["email", "phone"]),
                ("Anliegen", vec!["concern"]),
            ]
        );
    }

    #[test]
    fn every_procedure_shows_its_fields_each_once_and_none_of_the_system() {
        for procedure in offer().procedures {
            let form = form(&procedure.id, &[]);
            let mut shown: Vec<String> = form
                .groups
                .iter()
                .flat_map(|group| &group.fields)
                .map(|it| it.id.clone())
                .collect();
            let mut declared: Vec<String> = procedure
                .fields
                .iter()
                .filter(|it| !it.from_system)
                .map(|it| it.id.clone())
                .collect();
            shown.sort();
            declared.sort();
            assert_eq!(shown, declared, "{}", procedure.id);
        }
    }

    #[test]
    fn a_fault_stands_at_its_input_and_one_without_an_input_above() {
        let faults = [
            FieldFault::of("concern", FaultCode::Required, ""),
            FieldFault::of("call", FaultCode::NoCall, ""),
        ];
        let form = form("callback", &faults);
        assert_eq!(form.fault("feld.concern"), "Bitte ausfüllen.");
        assert_eq!(form.fault("feld.phone"), "");
        assert_eq!(form.general.len(), 1);
        assert_eq!(
            form.verdicts()
                .iter()
                .filter(|(_, text)| !text.is_empty())
                .count(),
            1
        );
    }

    #[test]
    fn a_key_that_was_used_for_something_else_is_made_anew() {
        let entered = Entered {
            key: "k".to_owned(),
            ..Entered::default()
        };
        let faults = [FieldFault::of("idempotency_key", FaultCode::KeyTaken, "")];
        let form = Form::new(&offer(), &entered, &faults).expect("a form");
        assert_ne!(form.entered.key, "k");
    }
}

//! The register of processing activities in its forms: JSON, text, and a German document that stands by itself.

use std::fmt::Write as _;

use serde_json::{Value, json};
use wire::v1::privacy as proto;

/// Its stable form.
pub fn json(register: &proto::ProcessingRegister) -> Value {
    json!({
        "rules_version": register.rules_version,
        "controller": register.controller.as_ref().map(party),
        "data_protection_officer": register.data_protection_officer.as_ref().map(party),
        "processors": register.processors.iter().map(party).collect::<Vec<_>>(),
        "measures": register.measures,
        "third_countries": register.third_countries,
        "activities": register.activities.iter().map(activity).collect::<Vec<_>>(),
    })
}

fn party(party: &proto::Party) -> Value {
    json!({ "name": party.name, "address": party.address, "contact": party.contact, "task": party.task })
}

fn activity(activity: &proto::ProcessingActivity) -> Value {
    let field = |field: &proto::RegisterField| {
        json!({
            "id": field.id,
            "title": field.title,
            "type": field.r#type,
            "required": field.required,
            "from_system": field.from_system,
            "stored": field.places,
        })
    };
    let retention = activity.retention.as_ref().map(|retention| {
        let mut told = json!({ "after": retention.after, "text": retention.text });
        told[retention.unit.as_str()] = json!(retention.period);
        told
    });
    json!({
        "id": activity.id,
        "title": activity.title,
        "kind": activity.kind,
        "purpose": activity.purpose,
        "legal_basis": activity.legal_basis,
        "persons": activity.persons,
        "recipients": activity.recipients,
        "processors": activity.processors,
        "retention": retention,
        "fields": activity.fields.iter().map(field).collect::<Vec<_>>(),
        "places": activity.places,
    })
}

/// In German, for a terminal.
pub fn text(register: &proto::ProcessingRegister) -> String {
    let mut text = format!("{TITLE}\n\n");
    for (name, party) in parties(register) {
        let _ = writeln!(text, "{name}: {}", one_line(party));
    }
    let _ = writeln!(text, "Drittländer: {}", register.third_countries);
    text.push_str("\nTechnische und organisatorische Maßnahmen\n");
    for measure in &register.measures {
        let _ = writeln!(text, "  - {measure}");
    }
    for activity in &register.activities {
        let _ = writeln!(text, "\n{} ({})", activity.title, activity.id);
        for (name, values) in facts(activity) {
            for value in values {
                let _ = writeln!(text, "  {name}: {value}");
            }
        }
        text.push_str("  Datenkategorien:\n");
        for field in &activity.fields {
            let _ = writeln!(text, "    {}", field.title);
        }
    }
    text
}

const TITLE: &str = "Verzeichnis der Verarbeitungstätigkeiten";

const STYLE: &str = "body{font:11pt/1.45 'Source Sans 3','Segoe UI',system-ui,sans-serif;color:#1a1a1a;max-width:60em;\
margin:2em auto;padding:0 1em}h1{font-size:1.7em}h2{font-size:1.25em;border-top:2px solid #555;padding-top:.8em;\
margin-top:2em}table{border-collapse:collapse;width:100%;margin:.6em 0}th,td{border:1px solid #999;padding:.3em .5em;\
text-align:left;vertical-align:top}th{background:#eee}dt{font-weight:600;margin-top:.5em}dd{margin:0 0 0 1.2em}\
code{font-size:.85em}nav ol{columns:2}small{color:#444}\
@media print{body{margin:0;max-width:none;font-size:9.5pt}nav{display:none}section{break-inside:auto}\
h2{break-after:avoid}tr{break-inside:avoid}}";

/// A page that stands by itself, to be read and printed. `at`: when it was made, as people read it.
pub fn html(register: &proto::ProcessingRegister, at: &str) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"de\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{TITLE}</h1>\n<p>nach Artikel 30 der Datenschutz-Grundverordnung, Stand {}{}</p>\n",
        escaped(at),
        register
            .rules_version
            .map(|version| format!(", Version {version} der Regeln"))
            .unwrap_or_default(),
    );
    page.push_str("<dl>\n");
    for (name, party) in parties(register) {
        let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", escaped(&one_line(party)));
    }
    let _ = writeln!(
        page,
        "<dt>Übermittlung an Drittländer</dt><dd>{}</dd>\n</dl>",
        escaped(&register.third_countries)
    );
    page.push_str("<nav aria-label=\"Tätigkeiten\"><ol>\n");
    for activity in &register.activities {
        let (id, title) = (escaped(&activity.id), escaped(&activity.title));
        let _ = writeln!(page, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    page.push_str("</ol></nav>\n<h2>Technische und organisatorische Maßnahmen (Art. 32)</h2>\n<ul>\n");
    for measure in &register.measures {
        let _ = writeln!(page, "<li>{}</li>", escaped(measure));
    }
    page.push_str("</ul>\n");
    for activity in &register.activities {
        section(&mut page, activity);
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn section(page: &mut String, activity: &proto::ProcessingActivity) {
    let (id, title) = (escaped(&activity.id), escaped(&activity.title));
    let _ = writeln!(page, "<section id=\"{id}\">\n<h2>{title}</h2>\n<dl>");
    for (name, values) in facts(activity)
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
    {
        let _ = write!(page, "<dt>{name}</dt>");
        for value in values {
            let _ = write!(page, "<dd>{}</dd>", escaped(&value));
        }
        page.push('\n');
    }
    page.push_str(
        "</dl>\n<table>\n<thead><tr><th scope=\"col\">Datenkategorie</th><th scope=\"col\">Angabe</th><th scope=\"col\">\
         Gespeichert in</th></tr></thead>\n<tbody>\n",
    );
    for field in &activity.fields {
        let given = match (field.from_system, field.required) {
            (true, _) => "vom System",
            (_, true) => "erforderlich",
            (..) if activity.kind == "ticket" => "freiwillig",
            (..) => "",
        };
        let places: Vec<String> = field
            .places
            .iter()
            .map(|place| format!("<code>{}</code>", escaped(place)))
            .collect();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{given}</td><td>{}</td></tr>",
            escaped(&field.title),
            places.join("<br>")
        );
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn parties(register: &proto::ProcessingRegister) -> Vec<(&'static str, &proto::Party)> {
    let controller = register.controller.iter().map(|party| ("Verantwortlich", party));
    let officer = register
        .data_protection_officer
        .iter()
        .map(|party| ("Datenschutz", party));
    let processors = register
        .processors
        .iter()
        .map(|party| ("Auftragsverarbeitung", party));
    controller.chain(officer).chain(processors).collect()
}

fn one_line(party: &proto::Party) -> String {
    let parts = [&party.name, &party.address, &party.contact, &party.task];
    let given: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    given.join(", ")
}

/// What is said of an activity beside its fields, under German names.
fn facts(activity: &proto::ProcessingActivity) -> Vec<(&'static str, Vec<String>)> {
    let kept = activity.retention.iter().map(|retention| retention.text.clone());
    vec![
        ("Zweck", vec![activity.purpose.clone()]),
        ("Rechtsgrundlage", activity.legal_basis.clone()),
        ("Betroffene Personen", activity.persons.clone()),
        ("Empfänger", activity.recipients.clone()),
        ("Auftragsverarbeitung", activity.processors.clone()),
        ("Löschfrist", kept.collect()),
        ("Gespeichert in", activity.places.clone()),
    ]
}

/// A text as HTML takes it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            sign => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_takes_any_text_and_needs_nothing_else() {
        let register = proto::ProcessingRegister {
            measures: vec!["<script>Übung & \"Zitat\"</script>".to_owned()],
            activities: vec![proto::ProcessingActivity {
                id: "callback".to_owned(),
                title: "Rückrufbitte".to_owned(),
                ..proto::ProcessingActivity::default()
            }],
            ..proto::ProcessingRegister::default()
        };
        let page = html(&register, "heute");
        assert!(page.contains("&lt;script&gt;Übung &amp; &quot;Zitat&quot;"));
        assert!(page.contains("Rückrufbitte") && page.contains("<meta charset=\"utf-8\">"));
        for outside in ["http:", "https:", "<script", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

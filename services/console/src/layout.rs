//! What all pages have around them: title, navigation, who is signed in.

use domain::access::Role::{self, Administrator, Agent, DataProtection, Department, Supervisor};

use crate::assets;
use crate::visitor::Visitor;

/// The frame of a page.
pub(crate) struct Layout {
    /// The title, without the product's name.
    pub(crate) title: String,
    /// Who is signed in, as people read it.
    pub(crate) user: Option<String>,
    /// What the user is, in German.
    pub(crate) roles: String,
    /// Where one can go.
    pub(crate) navigation: Vec<Link>,
    /// An installation for trying out: every page says so.
    pub(crate) demo: bool,
    /// Nothing around the page: for a big screen.
    pub(crate) bare: bool,
    /// Light or dark, whatever the browser prefers: `hell` or `dunkel`.
    pub(crate) theme: Option<&'static str>,
    /// Scripts beside those that every page has.
    pub(crate) scripts: Vec<String>,
    /// Style sheets beside that of every page.
    pub(crate) styles: Vec<String>,
}

/// A place in the navigation.
pub(crate) struct Link {
    /// Where it leads.
    pub(crate) path: &'static str,
    /// What it is called.
    pub(crate) name: &'static str,
    /// It is the page that is shown.
    pub(crate) here: bool,
}

/// The navigation: path, name, and for whom.
const PLACES: &[(&str, &str, &[Role])] = &[
    ("/platz", "Anrufplatz", &[Agent]),
    ("/eingang", "Eingang", &[Department]),
    ("/akkreditierungen", "Akkreditierungen", &[Department]),
    ("/warteschlangen", "Live", &[Supervisor]),
    ("/verlauf", "Verlauf", &[Supervisor]),
    ("/anrufe", "Anrufe", &[Supervisor, DataProtection]),
    ("/agenten", "Team", &[Supervisor]),
    ("/personalbedarf", "Personalbedarf", &[Supervisor]),
    ("/vorgaenge", "Vorgänge", &[Supervisor, DataProtection]),
    ("/benutzer", "Benutzer", &[Administrator]),
    ("/regeln", "Regeln", &[Administrator]),
    ("/newsletters", "Newsletter", &[Department, Administrator]),
    (
        "/abgewiesen",
        "Abgewiesenes",
        &[Supervisor, Administrator, DataProtection],
    ),
    ("/aufbewahrung", "Aufbewahrung", &[DataProtection]),
    ("/betroffene", "Betroffene", &[DataProtection]),
    ("/antraege", "Anträge", &[DataProtection]),
    ("/empfaenger", "Empfänger", &[DataProtection]),
    ("/protokoll", "Protokoll", &[DataProtection]),
    ("/verzeichnis", "Verzeichnis", &[DataProtection, Administrator]),
    ("/zugriffe", "Zugriffe", &[Administrator]),
];

/// What a role is called.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Agent => "Agentin/Agent",
        Supervisor => "Supervision",
        Department => "Fachstelle",
        DataProtection => "Datenschutz",
        Administrator => "Administration",
        Role::Feed => "Zulieferung",
        Role::Monitoring => "Überwachung",
        Role::Operator => "Betrieb",
    }
}

#[allow(dead_code, reason = "pages use what they need")]
impl Layout {
    /// Of a page for whoever comes.
    pub(crate) fn open(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            user: None,
            roles: String::new(),
            navigation: Vec::new(),
            demo: false,
            bare: false,
            theme: None,
            scripts: Vec::new(),
            styles: Vec::new(),
        }
    }

    /// Of a page for somebody; `here` is its place in the navigation.
    pub(crate) fn of(visitor: &Visitor, title: &str, here: &str) -> Self {
        let principal = &visitor.principal;
        let roles: Vec<&str> = principal.roles.iter().map(|role| role_name(*role)).collect();
        let places = PLACES.iter().filter(|(_, _, roles)| principal.is_any(roles));
        Self {
            user: Some(principal.shown_name.clone()),
            roles: roles.join(", "),
            demo: visitor.is_demo,
            navigation: places
                .map(|(path, name, _)| Link {
                    path,
                    name,
                    here: *path == here,
                })
                .collect(),
            ..Self::open(title)
        }
    }

    /// With a script of its own.
    pub(crate) fn with_script(mut self, name: &str) -> Self {
        self.scripts.push(assets::url(name));
        self
    }

    /// With a style sheet of its own.
    pub(crate) fn with_style(mut self, name: &str) -> Self {
        self.styles.push(assets::url(name));
        self
    }

    /// Without anything around it.
    pub(crate) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Light or dark, whatever the browser prefers.
    pub(crate) fn with_theme(mut self, theme: &'static str) -> Self {
        self.theme = Some(theme);
        self
    }

    /// The address of an asset, for templates.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::url(name)
    }
}

/// Where somebody begins: the first place of the navigation that is for him or her.
pub(crate) fn home(visitor: &Visitor) -> Option<&'static str> {
    PLACES
        .iter()
        .find(|(_, _, roles)| visitor.principal.is_any(roles))
        .map(|(path, ..)| *path)
}

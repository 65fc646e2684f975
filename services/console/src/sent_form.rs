//! Which form of a page was sent, and what is at fault: pages have several forms, and what was entered stays in the one.

/// The form that was sent; none on a page that is new.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentForm {
    /// Which it was.
    pub(crate) name: String,
    /// Why it was not done.
    pub(crate) fault: Option<String>,
}

impl SentForm {
    /// An entry of the form that was sent; nothing in the others.
    pub(crate) fn kept<'a>(&self, form: &str, value: &'a str) -> &'a str {
        if self.name == form { value } else { "" }
    }

    /// What is at fault, at the form that was sent.
    pub(crate) fn fault_at(&self, form: &str) -> &str {
        self.kept(form, self.fault.as_deref().unwrap_or_default())
    }
}

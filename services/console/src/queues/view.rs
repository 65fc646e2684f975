//! What somebody wants to see of the queues.

use serde::Deserialize;
use wire::v1::reporting as proto;

/// What the address says. Nothing in it is about citizens.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// `gruppe`, else hotlines.
    #[serde(default)]
    nach: String,
    /// The service level policy of the figures.
    #[serde(default)]
    regel: String,
    /// `hell` or `dunkel`, for a screen that nobody sits at.
    #[serde(default)]
    darstellung: String,
}

impl Asked {
    /// The theme of a big screen: dark, unless asked otherwise.
    pub(super) fn theme(&self) -> &'static str {
        match self.darstellung.as_str() {
            "hell" => "hell",
            _ => "dunkel",
        }
    }
}

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// For a desk, with links.
    Tiles,
    /// For a big screen.
    Wall,
}

/// What is shown; all who look at the same share one picture. It does not depend on who looks: only supervisors do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) by_group: bool,
    pub(super) policy: String,
    pub(super) shape: Shape,
}

impl View {
    pub(super) fn of(asked: Asked, shape: Shape) -> Self {
        Self {
            by_group: asked.nach == "gruppe",
            policy: asked.regel,
            shape,
        }
    }

    /// The address of a page or stream of this view.
    pub(super) fn address(&self, path: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.by_group {
            query.append_pair("nach", "gruppe");
        }
        if !self.policy.is_empty() {
            query.append_pair("regel", &self.policy);
        }
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// What the service is asked for.
    pub(super) fn request(&self) -> proto::WatchRequest {
        let by = match self.by_group {
            true => proto::Grouping::Group,
            false => proto::Grouping::Hotline,
        };
        proto::WatchRequest {
            by: by.into(),
            policy: self.policy.clone(),
            ..proto::WatchRequest::default()
        }
    }
}

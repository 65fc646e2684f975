//! `nrwdirekt config`.

use super::rules;
use crate::cli::ConfigAction;
use crate::config;
use crate::output::say;

/// Shows or checks the configuration, prints a sample, or applies and shows rules.
pub(crate) async fn run(action: ConfigAction) -> anyhow::Result<()> {
    match action {
        ConfigAction::Show { source, json } => {
            let mut written = config::written(&source)?;
            written.store.url = without_password(&written.store.url);
            for (property, value) in &mut written.bus.kafka {
                if property.contains("password")
                    || property.contains("secret")
                    || property.contains("key.pem")
                {
                    "***".clone_into(value);
                }
            }
            if json {
                say!("{}", serde_json::to_string_pretty(&written)?);
            } else {
                say!("{}", toml::to_string_pretty(&written)?.trim_end());
            }
        }
        ConfigAction::Check { source } => {
            let config = config::read(&source)?;
            let departments = config.routing.departments().len();
            say!(
                "the configuration is sound: {departments} departments, {} hotlines, {} procedures",
                config.routing.hotlines().len(),
                config.register.procedures().len()
            );
        }
        ConfigAction::Apply(arguments) => rules::apply(arguments).await?,
        ConfigAction::Rules {
            version,
            write,
            json,
            server,
        } => rules::show(version, write, json, &server).await?,
        ConfigAction::History { json, server } => rules::history(json, &server).await?,
        ConfigAction::Sample { routing, figures } => {
            let sample = match (routing, figures) {
                (true, _) => config::SAMPLE_ROUTING,
                (_, true) => domain::figures::SAMPLE,
                _ => config::SAMPLE,
            };
            say!("{}", sample.trim_end());
        }
    }
    Ok(())
}

/// The URL with its password masked.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.split_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:***@{host}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://a:b@c:1/d"), "postgres://a:***@c:1/d");
        assert_eq!(without_password("postgres://a@c:1/d"), "postgres://a@c:1/d");
        assert_eq!(without_password("sqlite"), "sqlite");
    }
}

//! What can be chosen: hotlines, groups and policies of the rules in force.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::rulebook::{Documents, Rulebook, RulesVersion};
use tonic::Status;
use wire::v1::tickets as rules_proto;

use crate::backend::Services;

/// Rules that are new may be chosen from after this time.
const FRESH: Duration = Duration::from_secs(20);

/// What can be chosen.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    version: u32,
    pub(crate) hotlines: Vec<String>,
    /// Groups with their hotlines.
    pub(crate) groups: Vec<(String, Vec<String>)>,
    pub(crate) policies: Vec<String>,
}

impl Choices {
    /// The hotlines of a group.
    pub(crate) fn group(&self, name: &str) -> Option<&[String]> {
        let group = self.groups.iter().find(|(group, _)| group == name);
        group.map(|(_, hotlines)| hotlines.as_slice())
    }

    fn of(answer: rules_proto::GetRulesResponse) -> Result<Self, Status> {
        let version = answer.entry.map_or(0, |entry| entry.version);
        let documents: Documents = answer.documents.into_iter().collect();
        let book = Rulebook::read(RulesVersion(version), &documents)
            .map_err(|_| Status::internal("the rules of a newer version cannot be read"))?;
        let names =
            |hotlines: &[domain::ids::HotlineName]| hotlines.iter().map(ToString::to_string).collect();
        let hotlines = book.routing.hotlines().iter();
        let mut hotlines: Vec<String> = hotlines.map(|hotline| hotline.name.to_string()).collect();
        hotlines.sort();
        Ok(Self {
            version,
            hotlines,
            groups: book
                .figures
                .groups()
                .iter()
                .map(|group| (group.name.clone(), names(&group.hotlines)))
                .collect(),
            policies: book.figures.policy_names(),
        })
    }
}

/// The choices that were read last: they are the same for everybody who may ask.
#[derive(Default)]
pub(crate) struct KnownChoices(Mutex<Option<(Instant, Arc<Choices>)>>);

impl KnownChoices {
    /// The choices of the rules in force.
    pub(crate) async fn get(&self, services: &Services) -> Result<Arc<Choices>, Status> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().clone();
        if let Some((read_at, choices)) = &known
            && read_at.elapsed() < FRESH
        {
            return Ok(Arc::clone(choices));
        }
        let request = rules_proto::GetRulesRequest { version: 0 };
        let answer = services.rules().get_rules(request).await?.into_inner();
        let version = answer.entry.as_ref().map_or(0, |entry| entry.version);
        let choices = match known {
            Some((_, choices)) if choices.version == version => choices,
            _ => Arc::new(Choices::of(answer)?),
        };
        *lock() = Some((Instant::now(), Arc::clone(&choices)));
        Ok(choices)
    }
}

//! `nrwdirekt department acls`: who may do what on Apache Kafka, as commands for its own tool.

use bus::topics;
use domain::ids::DepartmentId;
use domain::routing::{Department, RoutingTable};
use serde_json::{Value, json};

use crate::cli::AclsArguments;
use crate::config::{self, BusChoice, Config};
use crate::exit::Failure;
use crate::output::say;

/// Prints the commands.
pub(crate) fn print(arguments: &AclsArguments) -> anyhow::Result<()> {
    let config = config::read(&arguments.config)?;
    let servers = servers(arguments, &config)?;
    let departments = chosen(&config.routing, arguments.department.as_deref())?;
    let mut rules = Vec::new();
    if let Some(principal) = &arguments.own_principal {
        rules.extend(of_the_node(principal, &departments, &config.topic_prefix));
    }
    for department in departments {
        rules.extend(of_department(department, &config.topic_prefix));
    }
    if arguments.json {
        let commands: Vec<Value> = rules.iter().map(|rule| rule.json(&servers)).collect();
        say!("{}", json!({ "commands": commands }));
        return Ok(());
    }
    for rule in rules {
        say!("# {}: {}", rule.principal, rule.purpose);
        let words: Vec<String> = rule.arguments(&servers).iter().map(|word| quoted(word)).collect();
        say!("{} {}", arguments.tool, words.join(" "));
    }
    Ok(())
}

fn servers(arguments: &AclsArguments, config: &Config) -> anyhow::Result<String> {
    match (&arguments.bootstrap_server, &config.bus) {
        (Some(given), _) => Ok(given.clone()),
        (None, BusChoice::Kafka(servers)) => Ok(servers.clone()),
        (None, BusChoice::Embedded) => Err(Failure::usage(
            "--bootstrap-server: give HOST:PORT of a broker; bus.url names none",
        )),
    }
}

fn chosen<'c>(routing: &'c RoutingTable, id: Option<&str>) -> anyhow::Result<Vec<&'c Department>> {
    let Some(id) = id else {
        return Ok(routing.departments().iter().collect());
    };
    match routing.department(&DepartmentId::new(id)) {
        Some(department) => Ok(vec![department]),
        None => Err(Failure::usage(format!(
            "--department {id}: there is no department with this id"
        ))),
    }
}

/// What a principal may do with some resources of one kind.
struct Rule {
    principal: String,
    purpose: String,
    operations: &'static [&'static str],
    resources: Resources,
}

enum Resources {
    Cluster,
    Topics(Vec<String>),
    Group(String),
    GroupsWithPrefix(String),
    PublishersWithPrefix(String),
}

impl Rule {
    /// The arguments of the command that allows it.
    fn arguments(&self, servers: &str) -> Vec<String> {
        let mut words = vec!["--bootstrap-server", servers, "--add"];
        words.extend(["--allow-principal", &self.principal]);
        for operation in self.operations {
            words.extend(["--operation", operation]);
        }
        match &self.resources {
            Resources::Topics(names) => {
                for name in names {
                    words.extend(["--topic", name]);
                }
            }
            Resources::Cluster => words.push("--cluster"),
            Resources::Group(name) => words.extend(["--group", name]),
            Resources::GroupsWithPrefix(prefix) => {
                words.extend(["--resource-pattern-type", "prefixed", "--group", prefix]);
            }
            Resources::PublishersWithPrefix(prefix) => {
                words.extend([
                    "--resource-pattern-type",
                    "prefixed",
                    "--transactional-id",
                    prefix,
                ]);
            }
        }
        words.into_iter().map(str::to_owned).collect()
    }

    fn json(&self, servers: &str) -> Value {
        json!({
            "principal": self.principal,
            "purpose": self.purpose,
            "arguments": self.arguments(servers),
        })
    }
}

/// A department reads its tickets and the results of its replies, and writes its replies. No id of a department holds
/// a dot, so no prefix of groups is the beginning of another's.
fn of_department(department: &Department, prefix: &str) -> Vec<Rule> {
    let id = &department.id;
    let topic = |name: String| format!("{prefix}{name}");
    let rule = |what: &str, operations, resources| Rule {
        principal: department.principal(),
        purpose: format!("department {id} {what}"),
        operations,
        resources,
    };
    let read = vec![
        topic(topics::tickets(id)),
        topic(topics::ticket_reply_results(id)),
    ];
    vec![
        rule(
            "reads its tickets and the results of its replies",
            &["Read", "Describe"],
            Resources::Topics(read),
        ),
        rule(
            "reads in groups of its own",
            &["Read", "Describe"],
            Resources::GroupsWithPrefix(format!("{prefix}{id}.")),
        ),
        // Kafka 3.0 and later ask for no right on the cluster for idempotent writing.
        rule(
            "writes its replies",
            &["Write", "Describe"],
            Resources::Topics(vec![topic(topics::ticket_replies(id))]),
        ),
    ]
}

/// What the roles of a node need, and what `up` and `topics apply` do before.
fn of_the_node(principal: &str, departments: &[&Department], prefix: &str) -> Vec<Rule> {
    let topic = |name: String| format!("{prefix}{name}");
    let of_all = |name: fn(&DepartmentId) -> String| {
        departments
            .iter()
            .map(move |department| topic(name(&department.id)))
    };
    let rule = |purpose: &str, operations, resources| Rule {
        principal: principal.to_owned(),
        purpose: purpose.to_owned(),
        operations,
        resources,
    };
    let mut both = vec![topic(topics::CALLS.to_owned())];
    both.extend(of_all(topics::tickets));
    both.extend(of_all(topics::ticket_replies));
    // Of intervals it looks for those that its store does not know.
    both.push(topic(topics::INTERVALS.to_owned()));
    let written: Vec<String> = of_all(topics::ticket_reply_results).collect();
    let mut read_once = vec![topic(topics::CALLS.to_owned())];
    read_once.extend(of_all(topics::ticket_replies));
    let all = both.iter().chain(&written).cloned().collect();
    vec![
        rule(
            "nrwdirekt reads and writes calls, tickets, replies, and the figures of intervals",
            &["Read", "Write", "Describe"],
            Resources::Topics(both),
        ),
        rule(
            "nrwdirekt writes the results of replies",
            &["Write", "Describe"],
            Resources::Topics(written),
        ),
        rule(
            "the ledger reads in its group",
            &["Read", "Describe"],
            Resources::Group(format!("{prefix}{}", ledger::GROUP)),
        ),
        // librdkafka asks who coordinates a group before it reads anything, also where nobody joins it.
        rule(
            "handover reads replies alone, and the ledger intervals",
            &["Describe"],
            Resources::GroupsWithPrefix(bus::kafka::ALONE_PREFIX.to_owned()),
        ),
        rule(
            "handover publishes in transactions",
            &["Write", "Describe"],
            Resources::PublishersWithPrefix(format!("{prefix}{}", handover::PUBLISHER_PREFIX)),
        ),
        rule(
            "the ledger publishes intervals in transactions",
            &["Write", "Describe"],
            Resources::PublishersWithPrefix(format!("{prefix}{}", ledger::INTERVALS_PUBLISHER)),
        ),
        rule(
            "an erasure deletes the beginning of topics that are read once",
            &["Delete"],
            Resources::Topics(read_once),
        ),
        rule(
            "an erasure tells by the times of brokers until when bytes stay",
            &["DescribeConfigs"],
            Resources::Cluster,
        ),
        rule(
            "topics are checked at every start",
            &["DescribeConfigs"],
            Resources::Topics(Vec::clone(&all)),
        ),
        rule(
            "`up` and `topics apply` make topics and set their policies",
            &["Create", "AlterConfigs"],
            Resources::Topics(all),
        ),
    ]
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/@=+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_department_gets_nothing_of_another_whose_id_begins_alike() {
        let department = |id: &str| Department::new(DepartmentId::new(id), id);
        let words = |id: &str| -> Vec<String> {
            let rules = of_department(&department(id), "p.");
            rules.iter().flat_map(|rule| rule.arguments("k:1")).collect()
        };
        let (short, long) = (words("amt"), words("amt-koeln"));
        let group = |words: &[String]| {
            let at = words.iter().position(|word| word == "--group");
            at.map(|at| words[at + 1].clone())
        };
        assert_eq!(group(&short).as_deref(), Some("p.amt."));
        assert_eq!(group(&long).as_deref(), Some("p.amt-koeln."));
        assert!(short.contains(&"p.nrwdirekt.tickets.amt.v1".to_owned()));
        assert!(!short.iter().any(|word| word.contains("koeln")));
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("User:finanzamt-koeln"), "User:finanzamt-koeln");
        assert_eq!(quoted("User:CN=Amt O'Hara"), r"'User:CN=Amt O'\''Hara'");
    }
}

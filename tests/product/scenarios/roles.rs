//! Who may call what, and what of it: every method with every role, and departments beside each other.

mod departments;
mod methods;
mod reveals;

use testkit::{Backend, Builder, Connection, TestNode, Token, connect};

/// What programs can be, by a letter: Agent, Supervisor, Department, data Protection, adMinistrator, Feed, mOnitoring.
const ROLES: [(char, &str); 7] = [
    ('A', "agent"),
    ('S', "supervisor"),
    ('D', "department"),
    ('P', "data_protection"),
    ('M', "administrator"),
    ('F', "feed"),
    ('O', "monitoring"),
];
/// Two departments of the sample, and the tokens of their members.
const SCHOOLS: &str = "ministerium-schule";
const CHANCELLERY: &str = "staatskanzlei";

/// The entry of a token, which is its name, in the configuration.
fn token(name: &str, role: &str, department: Option<&str>) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(name.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let department = department.map(|id| format!(", department = \"{id}\""));
    let department = department.unwrap_or_default();
    format!("{{ name = \"{name}\", sha256 = \"{hash}\", roles = [\"{role}\"]{department} }}")
}

/// A node that knows a token of each role, and one of each of the two departments.
async fn node(backend: Backend) -> TestNode {
    node_with(backend, |builder| builder).await
}

/// The same, with settings of its own.
async fn node_with(backend: Backend, settings: impl FnOnce(Builder) -> Builder) -> TestNode {
    let of_role = |(_, role): (char, &str)| token(role, role, (role == "department").then_some(SCHOOLS));
    let mut tokens: Vec<String> = ROLES.map(of_role).into();
    for department in [SCHOOLS, CHANCELLERY] {
        tokens.push(token(department, "department", Some(department)));
    }
    let tokens = format!("[{}]", tokens.join(", "));
    settings(Builder::on(backend).set("token", &tokens)).start().await
}

/// A connection with a token.
fn by(node: &TestNode, token: &str) -> Connection {
    connect(&node.url(), Token::of(token))
}

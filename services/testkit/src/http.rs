use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The answer to a request for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The lines of the head behind the status.
    pub head: String,
    /// The page.
    pub body: String,
}

impl Answer {
    /// A header, by its name in small letters; the first one of several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A request for a page.
pub(crate) struct Asked<'a> {
    /// What is asked for.
    pub(crate) path: &'a str,
    /// Further headers.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// A form to be sent by POST, already encoded; `None` only asks.
    pub(crate) form: Option<&'a str>,
}

/// Asks for a page over HTTP/1.1, with a token if there is one.
///
/// # Errors
/// No server, or no answer.
pub(crate) async fn get(port: u16, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = authorization
        .iter()
        .map(|value| ("Authorization", value.as_str()))
        .collect();
    let asked = Asked {
        path,
        headers: &headers,
        form: None,
    };
    ask(port, &asked).await
}

/// Asks for a page, or sends a form, over HTTP/1.1. Of a stream of events only the head is read.
///
/// # Errors
/// No server, or no answer.
pub(crate) async fn ask(port: u16, asked: &Asked<'_>) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let method = if asked.form.is_some() { "POST" } else { "GET" };
    let mut request = format!(
        "{method} {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n",
        asked.path
    );
    for (name, value) in asked.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(form) = asked.form {
        request.push_str(&format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        ));
    }
    request.push_str("\r\n");
    request.push_str(asked.form.unwrap_or_default());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A stream of events has no end: its head is the answer.
    while !is_stream(&answer) && stream.read_buf(&mut answer).await? > 0 {}
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| anyhow::anyhow!("no HTTP answer: {answer:?}"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or_else(|| anyhow::anyhow!("no status: {head:?}"))?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

fn is_stream(answer: &[u8]) -> bool {
    let head = String::from_utf8_lossy(answer);
    let head = head.split_once("\r\n\r\n").map(|(head, _)| head);
    head.is_some_and(|head| head.contains("text/event-stream"))
}

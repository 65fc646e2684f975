//! Rooms on a video server: nobody finds one who was not told.

use uuid::Uuid;

/// A Jitsi server, which makes a room of any name that somebody goes to.
#[derive(Clone, Debug)]
pub struct VideoServer {
    url: String,
}

impl VideoServer {
    /// The server at an address without a slash at its end.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    /// A new room: more than 128 random bits.
    pub(crate) fn room(&self) -> String {
        let (one, other) = (Uuid::new_v4().simple(), Uuid::new_v4().simple());
        format!("{}/nrwdirekt-{one}{other}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rooms_are_the_same_and_each_fits_into_its_field() {
        let server = VideoServer::at("https://meet.example.org");
        let (one, other) = (server.room(), server.room());
        assert_ne!(one, other);
        assert!(one.starts_with("https://meet.example.org/nrwdirekt-"));
        assert!(one.len() < 200);
    }
}

//! Where an attempt to sign in, or a form of whoever comes, is sent from.

use std::net::IpAddr;

use tonic::Request;
use tonic::transport::server::TcpConnectInfo;
use wire::access::WithinProcess;

/// The address of the other side, or the one that the console tells of the browser, which is believed within the process
/// alone.
pub fn of<T>(request: &Request<T>, told: impl Fn(&T) -> &String) -> String {
    let extensions = request.extensions();
    let address = if extensions.get::<WithinProcess>().is_some() {
        told(request.get_ref()).parse().ok()
    } else {
        let connection = extensions.get::<TcpConnectInfo>();
        connection
            .and_then(|connection| connection.remote_addr)
            .map(|address| address.ip())
    };
    address.map_or_else(|| "unknown".to_owned(), counted_as)
}

/// Of version 6 whoever has an address has a whole network of them: it counts as one.
fn counted_as(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str, told: &str, is_within: bool) -> String {
        let mut request = Request::new(told.to_owned());
        request.extensions_mut().insert(TcpConnectInfo {
            local_addr: None,
            remote_addr: Some((text.parse::<IpAddr>().unwrap(), 1).into()),
        });
        if is_within {
            request.extensions_mut().insert(WithinProcess);
        }
        of(&request, |told| told)
    }

    #[test]
    fn what_a_program_outside_says_of_the_client_is_not_believed() {
        assert_eq!(from("192.0.2.1", "198.51.100.7", false), "192.0.2.1");
        assert_eq!(from("192.0.2.1", "198.51.100.7", true), "198.51.100.7");
        assert_eq!(from("192.0.2.1", "nonsense", true), "unknown");
    }

    #[test]
    fn a_network_of_version_6_counts_as_one() {
        let one = from("2001:db8:1:2::1", "", false);
        assert_eq!(one, from("2001:db8:1:2:ffff::9", "", false));
        assert_ne!(one, from("2001:db8:1:3::1", "", false));
        assert_eq!(from("::ffff:192.0.2.1", "", false), "192.0.2.1");
    }
}

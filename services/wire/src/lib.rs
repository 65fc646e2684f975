//! The generated gRPC types, and the way between them and the domain.
//!
//! Owns conversions and what they refuse; generated types go no further than this crate and the edge of a role.

pub mod access;
pub mod calls;
pub mod faults;
pub mod tickets;

/// Generated from `proto/nrwdirekt`, in the modules of its packages.
mod generated {
    #![expect(missing_docs, reason = "documented in the .proto files")]
    #![allow(clippy::all, unreachable_pub, unused_qualifications, reason = "generated")]

    pub mod access {
        pub mod v1 {
            tonic::include_proto!("nrwdirekt.access.v1");
        }
    }
    pub mod calls {
        pub mod v1 {
            tonic::include_proto!("nrwdirekt.calls.v1");
        }
    }
    pub mod privacy {
        pub mod v1 {
            tonic::include_proto!("nrwdirekt.privacy.v1");
        }
    }
    pub mod reporting {
        pub mod v1 {
            tonic::include_proto!("nrwdirekt.reporting.v1");
        }
    }
    pub mod tickets {
        pub mod v1 {
            tonic::include_proto!("nrwdirekt.tickets.v1");
        }
    }
}

/// Version 1 of the interfaces.
pub mod v1 {
    pub use super::generated::access::v1 as access;
    pub use super::generated::calls::v1 as calls;
    pub use super::generated::privacy::v1 as privacy;
    pub use super::generated::reporting::v1 as reporting;
    pub use super::generated::tickets::v1 as tickets;
}

/// The descriptors of every service, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Milliseconds since 1970 as a time.
pub fn time(unix_ms: i64) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp_millis(unix_ms)
}

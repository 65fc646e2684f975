//! Generates the gRPC types from `proto/`, without a `protoc` on the machine.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = [
        "access/v1/access",
        "calls/v1/calls",
        "privacy/v1/access_log",
        "privacy/v1/audit",
        "privacy/v1/backup",
        "privacy/v1/register",
        "privacy/v1/rights",
        "privacy/v1/erasure",
        "privacy/v1/retention",
        "reporting/v1/figures",
        "reporting/v1/live",
        "reporting/v1/records",
        "reporting/v1/rejected",
        "reporting/v1/reporting",
        "tickets/v1/mails",
        "tickets/v1/registrations",
        "tickets/v1/tickets",
    ]
    .map(|file| format!("nrwdirekt/{file}.proto"));
    println!("cargo:rerun-if-changed=../../proto");
    let descriptors = protox::compile(&protos, ["../../proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptors.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    tonic_prost_build::configure()
        .btree_map(".nrwdirekt.privacy.v1.RectifyTicketRequest.fields")
        .btree_map(".nrwdirekt.tickets.v1.LogCallbackRequest.fields")
        .btree_map(".nrwdirekt.tickets.v1.Ticket.fields")
        .btree_map(".nrwdirekt.tickets.v1.RegisterRequest.fields")
        .btree_map(".nrwdirekt.tickets.v1.RegisteredEntry.fields")
        .btree_map(".nrwdirekt.tickets.v1.RegisterFiles.files")
        .btree_map(".nrwdirekt.tickets.v1.GetRulesResponse.documents")
        .btree_map(".nrwdirekt.reporting.v1.FigureChange.difference")
        .btree_map(".nrwdirekt.reporting.v1.Policy.hotline_threshold_seconds")
        .compile_fds(descriptors)?;
    Ok(())
}

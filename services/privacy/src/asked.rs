//! What requests say as text.

use chrono::{DateTime, Utc};
use domain::local_time;
use tonic::Status;

/// What a field says; none where it is empty.
pub(crate) fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A local day or a time; none where the field is empty.
///
/// # Errors
/// `INVALID_ARGUMENT` that names the field.
pub(crate) fn time(field: &str, text: &str) -> Result<Option<DateTime<Utc>>, Status> {
    let read = |text: String| {
        local_time::instant(&text).ok_or_else(|| {
            Status::invalid_argument(format!(
                "{field}: give a day as YYYY-MM-DD, or a time as 2024-10-27T02:30:00+02:00"
            ))
        })
    };
    given(text).map(read).transpose()
}

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::ids::DepartmentId;
use tokio::sync::watch;

/// Tells the lines of handover in this process that there is work, so that they need not wait for their next look.
/// Each department is told of its own work only.
#[derive(Debug, Default)]
pub struct Wake {
    departments: Mutex<HashMap<DepartmentId, watch::Sender<u64>>>,
    notices: watch::Sender<u64>,
}

impl Wake {
    /// There is something for a department, and perhaps a notice for the topic of calls.
    pub fn raise(&self, department: &DepartmentId) {
        let departments = self.departments.lock().unwrap_or_else(PoisonError::into_inner);
        // Who does not listen yet looks when it begins to.
        if let Some(raised) = departments.get(department) {
            raise(raised);
        }
        raise(&self.notices);
    }

    /// Listens for the work of a department.
    pub(crate) fn of(&self, department: &DepartmentId) -> watch::Receiver<u64> {
        let mut departments = self.departments.lock().unwrap_or_else(PoisonError::into_inner);
        departments.entry(department.clone()).or_default().subscribe()
    }

    /// Listens for notices.
    pub(crate) fn of_notices(&self) -> watch::Receiver<u64> {
        self.notices.subscribe()
    }
}

fn raise(raised: &watch::Sender<u64>) {
    raised.send_modify(|times| *times += 1);
}

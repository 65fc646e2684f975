//! Taking out of a report who called. What is counted stays as it is.

use crate::event::{CallEvent, EventKind};
use crate::personal::Personal;
use crate::record::{CallRecord, TaskType};
use crate::report::ReportBody;

impl CallRecord {
    /// Takes out the caller, the number that the house dialled, and values as they were delivered: a column too few puts
    /// anything there.
    pub(crate) fn take_out_person(&mut self) {
        if self.is_outbound() {
            self.dialled_address = None;
        }
        self.caller = None;
        for doubt in &mut self.doubts {
            doubt.raw = Personal::default();
        }
    }
}

impl CallEvent {
    /// What the house dialled, where it made the call.
    pub(crate) fn dialled_by_house(&self) -> Option<&str> {
        let EventKind::Arrived {
            task_type,
            dialled_address,
            inbound_contact,
            out_cc_contact,
            ..
        } = &self.kind
        else {
            return None;
        };
        let called_back = *task_type == TaskType::Callback && *inbound_contact != Some(true);
        let is_outbound =
            *task_type == TaskType::OutboundCall || called_back || *out_cc_contact == Some(true);
        dialled_address.as_deref().filter(|_| is_outbound)
    }

    /// Takes out the caller, and the number that the house dialled.
    pub(crate) fn take_out_person(&mut self) {
        let is_dialled = self.dialled_by_house().is_some();
        if let EventKind::Arrived {
            caller,
            dialled_address,
            ..
        } = &mut self.kind
        {
            if is_dialled {
                *dialled_address = None;
            }
            *caller = None;
        }
    }
}

impl ReportBody {
    /// Takes out who called.
    pub fn take_out_person(&mut self) {
        match self {
            Self::Record(revised) => revised.record.take_out_person(),
            Self::Event(event) => event.take_out_person(),
            Self::Retracted | Self::CallbackLogged(_) => {}
        }
    }
}

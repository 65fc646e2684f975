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
    /// Takes out the caller, and the number that the house dialled.
    pub(crate) fn take_out_person(&mut self) {
        if let EventKind::Arrived {
            task_type,
            caller,
            dialled_address,
            inbound_contact,
            out_cc_contact,
            ..
        } = &mut self.kind
        {
            let called_back = *task_type == TaskType::Callback && *inbound_contact != Some(true);
            if *task_type == TaskType::OutboundCall || called_back || *out_cc_contact == Some(true) {
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

//! What follows from a session's kind alone is judged once for each kind.

use foldhash::HashMap;
use nf_apps::AppRef;
use nf_fields::ProtoId;

use super::Risks;
use crate::row::{AppConfidence, Confidence};

/// What a session is: all that [`KIND_FIELDS`] are read from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub protocol: Option<ProtoId>,
    pub confidence: Confidence,
    pub app: Option<(AppRef, AppConfidence)>,
    pub ip_proto: u8,
}

/// Fields of a session that are the same for all of a kind.
pub(super) const KIND_FIELDS: [&str; 8] = [
    "protocol",
    "protocol_id",
    "confidence",
    "app",
    "app_id",
    "category",
    "app_confidence",
    "ip_proto",
];

/// Most kinds remembered; there are some hundred in a network.
const MOST_KINDS: usize = 4096;

/// Risks of kinds that were judged under one configuration.
#[derive(Default)]
pub(crate) struct KindRisks {
    /// Number of the snapshot that they are from.
    snapshot: u32,
    known: HashMap<Kind, Risks>,
}

impl KindRisks {
    /// Forgets what another configuration said.
    pub fn of_snapshot(&mut self, number: u32) -> &mut Self {
        if self.snapshot != number {
            self.snapshot = number;
            self.known.clear();
        }
        self
    }

    /// The risks of `kind`, which `judge` tells where nobody knows yet.
    pub(super) fn get(&mut self, kind: Kind, judge: impl FnOnce() -> Risks) -> Risks {
        if let Some(risks) = self.known.get(&kind) {
            return *risks;
        }
        if self.known.len() >= MOST_KINDS {
            self.known.clear();
        }
        let risks = judge();
        self.known.insert(kind, risks);
        risks
    }
}

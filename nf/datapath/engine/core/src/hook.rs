//! Hooks into the packet's journey: before a packet is taken up, and after all is done with it.
//!
//! For plugins and light inspection. A hook runs in the worker and must be quick; what it asks
//! for and what parsers ask for meet in one place, where the strongest verdict counts.

use nf_proto::Action;

use crate::plan::scene::Scene;

/// See the module. One object serves all workers.
pub trait Hook: Send + Sync {
    /// Before the packet is counted on its session (the scene has none yet). `Skip`: counted, not
    /// parsed. `Drop`: counted, not parsed, and no events or transactions come of it.
    fn before(&self, _scene: &Scene<'_>) -> Action {
        Action::Continue
    }

    /// After everything, with the strongest verdict of all.
    fn after(&self, _scene: &Scene<'_>, _verdict: Action) {}
}

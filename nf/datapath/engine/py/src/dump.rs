//! Dumps of packets as Python sees them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nf_capture::dump::{self, Spec, Tap};
use nf_core::engine::EngineError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert;

/// Writes packets of running engines to files of a folder, one at a time.
///
/// Methods may be called by any thread.
#[pyclass(module = "nf._native.engine", frozen)]
pub struct Dumper {
    inner: dump::Dumper,
}

impl Dumper {
    /// What engines offer their packets to.
    pub(crate) fn tap(&self) -> &Arc<Tap> {
        self.inner.tap()
    }
}

#[pymethods]
impl Dumper {
    #[new]
    fn new(folder: PathBuf) -> Self {
        Self { inner: dump::Dumper::new(folder) }
    }

    /// Begins to write what is captured from now on, and returns the path of the file.
    ///
    /// `duration` in seconds; `packets` 0 for any number; `snap_length` 0 for whole packets;
    /// `links` are the link types for which `filter` must make sense.
    #[pyo3(signature = (file, *, filter, duration, packets, octets, snap_length, links))]
    #[allow(clippy::too_many_arguments, reason = "they are named in Python")]
    fn begin(
        &self,
        py: Python<'_>,
        file: String,
        filter: String,
        duration: f64,
        packets: u64,
        octets: u64,
        snap_length: u32,
        links: Vec<u16>,
    ) -> PyResult<PathBuf> {
        // What is no time is refused as one of nothing.
        let duration = Duration::try_from_secs_f64(duration).unwrap_or_default();
        let spec = Spec { file, filter, duration, packets, octets, snap_length };
        py.detach(|| self.inner.begin(spec, &links))
            .map_err(|error| convert::engine_error(EngineError::Capture(error)))
    }

    /// Has the dump end that goes on; whether there is one.
    fn stop(&self) -> bool {
        self.inner.stop()
    }

    /// Waits for the end of the latest dump, `seconds` at most; whether it has come.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let patience = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        py.detach(|| self.inner.wait(patience))
    }

    /// How the latest dump is: file, filter, begun, seen, packets, octets, dropped, active, and at
    /// its end ended, reason and text; None before the first.
    fn view<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(view) = self.inner.view() else { return Ok(None) };
        let seconds = |time: u64| time as f64 / 1e9;
        let told = PyDict::new(py);
        told.set_item("file", view.file)?;
        told.set_item("filter", view.filter)?;
        told.set_item("begun", seconds(view.begun))?;
        told.set_item("seen", view.seen)?;
        told.set_item("packets", view.packets)?;
        told.set_item("octets", view.octets)?;
        told.set_item("dropped", view.dropped)?;
        told.set_item("active", view.end.is_none())?;
        if let Some(end) = view.end {
            told.set_item("ended", seconds(end.time))?;
            told.set_item("reason", end.reason.name())?;
            told.set_item("text", end.text)?;
        }
        Ok(Some(told))
    }
}

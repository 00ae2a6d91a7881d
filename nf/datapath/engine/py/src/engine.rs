//! The engine as Python sees it.

use std::sync::Mutex;
use std::time::Duration;

use nf_core::config::EngineConfig;
use nf_core::engine::{Engine as Inner, Handle};
use nf_core::format::sums::Sum;
use nf_core::plan::ConfigError;
use nf_fields::Fields;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::batch::Batch;
use crate::convert;

/// An engine on the files and settings of a configuration (JSON text of `EngineConfig`).
///
/// One thread polls; the others may swap, stop and ask for progress.
#[pyclass(module = "nf._native.engine", frozen)]
pub struct Engine {
    inner: Mutex<Inner>,
    handle: Handle,
}

fn parse(config: &str) -> PyResult<EngineConfig> {
    serde_json::from_str(config).map_err(|e| {
        let text = e.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        convert::config_error(ConfigError {
            what: format!("a setting is not understood: {what}"),
            place: setting_before(config, &e)
                .unwrap_or_else(|| format!("line {}, column {}", e.line(), e.column())),
            hint: "see nf.EngineConfig for the settings and their ranges".into(),
        })
    })
}

/// The last key before the place of a mistake.
fn setting_before(config: &str, mistake: &serde_json::Error) -> Option<String> {
    let line = config.lines().nth(mistake.line().checked_sub(1)?)?;
    let (before, _) = line.get(..mistake.column())?.rsplit_once("\":")?;
    before.rsplit_once('"').map(|(_, key)| key.to_string())
}

impl Engine {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A poisoned lock means a panic in a poll; what is inside is still consistent to read.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, config: &str) -> PyResult<Self> {
        let config = parse(config)?;
        let inner = py.detach(|| Inner::open(&config)).map_err(convert::engine_error)?;
        Ok(Self { handle: inner.handle(), inner: Mutex::new(inner) })
    }

    /// Starts the engine's threads; polling does so too.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner().start()).map_err(convert::engine_error)
    }

    /// Batches of at most about `max_rows` rows, after at most `timeout` seconds; none when
    /// nothing came. `None` once nothing more will come.
    fn poll(&self, py: Python<'_>, max_rows: usize, timeout: f64) -> PyResult<Option<Vec<Batch>>> {
        let timeout = Duration::try_from_secs_f64(timeout.clamp(0.0, 3600.0)).unwrap_or_default();
        let polled = py
            .detach(|| self.inner().poll(max_rows.max(1), timeout))
            .map_err(convert::engine_error)?;
        if polled.over && polled.rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Batch::split(polled.rows, &polled.snapshot)))
    }

    /// Runs on with another configuration from the next batch of packets on.
    fn swap(&self, py: Python<'_>, config: &str) -> PyResult<()> {
        let config = parse(config)?;
        py.detach(|| self.handle.swap(&config)).map_err(convert::config_error)
    }

    /// Ends reading; what is under way still comes out of poll.
    fn stop(&self) {
        self.handle.stop();
    }

    /// Octets read, octets to read (0 when unknown), packets taken.
    fn progress(&self) -> (u64, u64, u64) {
        self.handle.progress()
    }

    /// Counters, by group; final once poll has returned None.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.inner().stats());
        let dict = PyDict::new(py);
        let account = PyDict::new(py);
        for (name, value) in stats.account.terms() {
            account.set_item(name, value)?;
        }
        account.set_item("sessions", stats.sessions)?;
        dict.set_item("account", account)?;
        dict.set_item("identity", stats.account.check().err())?;
        let errors = PyDict::new(py);
        for (name, value) in stats.decode_errors.by_name() {
            errors.set_item(name, value)?;
        }
        dict.set_item("decode_errors", errors)?;
        let tally = PyDict::new(py);
        for (name, value) in &stats.tally {
            tally.set_item(name, value)?;
        }
        dict.set_item("anomalies", tally)?;
        let source = PyDict::new(py);
        for (name, value) in stats.source_terms() {
            source.set_item(name, value)?;
        }
        dict.set_item("source", source)?;
        let workers = PyList::empty(py);
        for worker in &stats.workers {
            let one = PyDict::new(py);
            for (name, value) in worker.terms() {
                one.set_item(name, value)?;
            }
            workers.append(one)?;
        }
        dict.set_item("workers", workers)?;
        dict.set_item("ended_early", stats.ended_early)?;
        dict.set_item("complete", stats.complete)?;
        Ok(dict)
    }

    /// A batch without rows of a kind that the configuration can give: tells its columns.
    fn empty(&self, kind: &str) -> PyResult<Batch> {
        let inner = self.inner();
        Batch::empty(kind, inner.finisher().snapshot()).ok_or_else(|| no_rows(kind))
    }

    /// Rows of an aggregate (`protocol`, `app` or `host`), final once poll has returned None.
    fn aggregate(&self, py: Python<'_>, report: &str) -> PyResult<Batch> {
        py.detach(|| {
            let inner = self.inner();
            let finisher = inner.finisher();
            let sums = &finisher.aggregates;
            let rows = match report {
                "protocol" => boxed(sums.protocols()),
                "app" => boxed(sums.apps()),
                "host" => boxed(sums.hosts()),
                _ => Vec::new(),
            };
            Batch::of_sums(report, rows, finisher.snapshot())
        })
        .ok_or_else(|| no_rows(report))
    }
}

fn boxed<R: Fields + Send + Sync + 'static>(rows: Vec<R>) -> Vec<Sum> {
    rows.into_iter().map(|row| Box::new(row) as Sum).collect()
}

fn no_rows(kind: &str) -> PyErr {
    convert::config_error(ConfigError {
        what: format!("no report {kind:?} of rows"),
        place: "report".into(),
        hint: "session, transaction, event, protocol, app or host".into(),
    })
}

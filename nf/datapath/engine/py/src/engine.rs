//! The engine as Python sees it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nf_core::config::EngineConfig;
use nf_core::engine::{Engine as Inner, Handle};
use nf_core::format::sums::Sum;
use nf_core::plan::ConfigError;
use nf_core::worker::Measure;
use nf_fields::Fields;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::batch::Batch;
use crate::convert;
use crate::dump::Dumper;

/// Longest time for which a poll keeps others from asking.
const TURN: Duration = Duration::from_millis(20);

/// An engine on the files, or interfaces, and settings of a configuration (JSON text of
/// `EngineConfig`).
///
/// One thread polls; the others may swap, stop and ask.
#[pyclass(module = "nf._native.engine", frozen)]
pub struct Engine {
    inner: Mutex<Inner>,
    /// Whoever wants the engine waits here, so that a poller in a hurry leaves some turns to others.
    door: Mutex<()>,
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
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A poisoned lock means a panic in a poll; what is inside is still consistent to read.
        let _door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, config: &str) -> PyResult<Self> {
        let config = parse(config)?;
        let inner = py.detach(|| Inner::open(&config)).map_err(convert::engine_error)?;
        Ok(Self { handle: inner.handle(), inner: Mutex::new(inner), door: Mutex::new(()) })
    }

    /// Starts the engine's threads; polling does so too.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner().start()).map_err(convert::engine_error)
    }

    /// Has packets be offered to `dumper`; before the start only.
    fn dump_to(&self, dumper: &Bound<'_, Dumper>) -> PyResult<()> {
        self.inner().dump_to(dumper.get().tap()).map_err(convert::engine_error)
    }

    /// Batches of at most about `max_rows` rows, after at most `timeout` seconds; none when
    /// nothing came. `None` once nothing more will come.
    fn poll(&self, py: Python<'_>, max_rows: usize, timeout: f64) -> PyResult<Option<Vec<Batch>>> {
        let timeout = Duration::try_from_secs_f64(timeout.clamp(0.0, 3600.0)).unwrap_or_default();
        let deadline = Instant::now() + timeout;
        let polled = py.detach(|| {
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                let polled = self.inner().poll(max_rows.max(1), left.min(TURN))?;
                if polled.over || !polled.rows.is_empty() || left <= TURN {
                    return Ok(polled);
                }
            }
        });
        let polled = polled.map_err(convert::engine_error)?;
        if polled.over && polled.rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Batch::split(polled.rows, &polled.snapshot)))
    }

    /// From now on batches come unfiltered, and are in no sums: `conclude` does both, once it is
    /// certain what their sessions are.
    fn await_verdicts(&self) {
        self.inner().await_verdicts();
    }

    /// Filters the rows of a batch that was polled, and adds them to the sums.
    fn conclude(&self, py: Python<'_>, batch: &Bound<'_, Batch>) {
        let batch = batch.get();
        py.detach(|| batch.conclude(&mut self.inner()));
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

    /// Every interface that was captured from, as it was a moment ago: name, id, how its packets
    /// come, state, why it cannot be opened, link type, how often it was opened, octets of its
    /// rings, packets that each of its open sockets has given, and counters.
    fn sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for source in self.handle.sources() {
            let one = PyDict::new(py);
            one.set_item("name", source.name)?;
            one.set_item("id", source.id)?;
            one.set_item("configured_by", source.configured_by)?;
            one.set_item("source", source.through.name())?;
            one.set_item("state", source.state.name())?;
            one.set_item("trouble", source.trouble)?;
            one.set_item("link_type", source.link)?;
            one.set_item("opened", source.opened)?;
            one.set_item("ring_bytes", source.ring_bytes)?;
            one.set_item("shares", source.shares)?;
            for (name, value) in source.stats.terms() {
                one.set_item(name, value)?;
            }
            list.append(one)?;
        }
        Ok(list)
    }

    /// Sessions that go on: at most `limit`, the greatest by `order_by` first (`bytes`, `packets`,
    /// `payload`, `start` or `end`), and only those that meet `where` (a filter without fields of
    /// transactions).
    #[pyo3(signature = (limit, order_by="bytes", r#where=""))]
    fn sessions(
        &self,
        py: Python<'_>,
        limit: usize,
        order_by: &str,
        r#where: &str,
    ) -> PyResult<Batch> {
        let measure = Measure::by_name(order_by).ok_or_else(|| {
            let known: Vec<&str> = Measure::ALL.iter().map(|(name, _)| *name).collect();
            convert::config_error(ConfigError {
                what: format!("sessions have no order {order_by:?}"),
                place: "order_by".into(),
                hint: format!("one of {}", known.join(", ")),
            })
        })?;
        let (snapshot, rows) = py
            .detach(|| self.inner().sessions(limit, measure, r#where))
            .map_err(convert::config_error)?;
        Ok(Batch::of_sessions(rows, &snapshot))
    }

    /// Ends the session of this id now; whether there was one.
    fn terminate(&self, py: Python<'_>, session: u64) -> bool {
        py.detach(|| self.inner().terminate(session))
    }

    /// Has all counters count from now on; sums of reports stay.
    fn clear_counters(&self, py: Python<'_>) {
        py.detach(|| self.inner().clear_counters());
    }

    /// Octets read, octets to read (0 when unknown), packets taken.
    fn progress(&self) -> (u64, u64, u64) {
        self.handle.progress()
    }

    /// Counters as of now, by group; final once poll has returned None.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.inner().stats());
        let dict = PyDict::new(py);
        let account = PyDict::new(py);
        for (name, value) in stats.account.terms() {
            account.set_item(name, value)?;
        }
        account.set_item("sessions", stats.sessions)?;
        dict.set_item("account", account)?;
        dict.set_item("identity", stats.check().err())?;
        dict.set_item("in_flight", stats.in_flight)?;
        let dropped = PyDict::new(py);
        for (name, value) in stats.dropped.by_name() {
            dropped.set_item(name, value)?;
        }
        dict.set_item("rows_dropped", dropped)?;
        let now = Instant::now();
        let busy = PyList::empty(py);
        for one in &stats.busy {
            let load = PyDict::new(py);
            load.set_item("elapsed", one.elapsed.as_secs_f64())?;
            load.set_item("busy", one.busy.as_secs_f64())?;
            load.set_item("batches", one.batches)?;
            load.set_item("load", one.load(now))?;
            busy.append(load)?;
        }
        dict.set_item("busy", busy)?;
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
        dict.set_item("waiting", &stats.waiting)?;
        let limits = PyDict::new(py);
        limits.set_item("sessions", stats.limits.sessions)?;
        limits.set_item("held_bytes", stats.limits.held_bytes)?;
        dict.set_item("limits", limits)?;
        let clock = PyDict::new(py);
        clock.set_item("backwards", stats.clock.backwards)?;
        clock.set_item("leaps", stats.clock.leaps)?;
        clock.set_item("suspects", stats.clock.suspects)?;
        dict.set_item("clock", clock)?;
        dict.set_item("ended_early", stats.ended_early)?;
        dict.set_item("complete", stats.complete)?;
        Ok(dict)
    }

    /// A batch without rows of a kind that the configuration can give: tells its columns.
    fn empty(&self, kind: &str) -> PyResult<Batch> {
        let inner = self.inner();
        Batch::empty(kind, inner.finisher().snapshot()).ok_or_else(|| no_rows(kind))
    }

    /// Rows of an aggregate (`protocol` or `app`) as dictionaries, each with `active`: how many of
    /// its sessions go on.
    fn live_sums<'py>(&self, py: Python<'py>, report: &str) -> PyResult<Bound<'py, PyList>> {
        let sums = py.detach(|| self.inner().aggregates(report));
        let list = PyList::empty(py);
        let add = |row: &dyn Fields, active: u64| {
            let one = convert::record(py, row, 0)?;
            one.set_item("active", active)?;
            list.append(one)
        };
        match report {
            "protocol" => sums.live_protocols().iter().try_for_each(|(row, n)| add(row, *n))?,
            "app" => sums.live_apps().iter().try_for_each(|(row, n)| add(row, *n))?,
            _ => return Err(no_rows(report)),
        }
        Ok(list)
    }

    /// Rows of an aggregate (`protocol`, `app` or `host`) as of now, with the sessions that go on;
    /// final once poll has returned None.
    fn aggregate(&self, py: Python<'_>, report: &str) -> PyResult<Batch> {
        py.detach(|| {
            let mut inner = self.inner();
            let sums = inner.aggregates(report);
            let rows = match report {
                "protocol" => boxed(sums.protocols()),
                "app" => boxed(sums.apps()),
                "host" => boxed(sums.hosts()),
                _ => Vec::new(),
            };
            Batch::of_sums(report, rows, inner.finisher().snapshot())
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

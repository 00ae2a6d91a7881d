//! What exists: protocols, attributes, applications, words of filters.

use nf_apps::Apps;
use nf_core::catalog::{Catalog, Source};
use nf_core::config::EngineConfig;
use nf_core::finish::{SESSION_FIELDS, names};
use nf_core::snapshot::Snapshot;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert;

/// Every protocol with its attributes.
#[pyfunction]
pub(crate) fn protocols(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for protocol in Catalog::get().protocols() {
        let one = PyDict::new(py);
        one.set_item("id", protocol.id.0)?;
        one.set_item("name", protocol.name)?;
        one.set_item("aliases", protocol.aliases)?;
        one.set_item("title", protocol.title)?;
        one.set_item("spec", protocol.spec)?;
        one.set_item("parser", protocol.info.is_some())?;
        one.set_item("told", protocol.told())?;
        one.set_item("family", protocol.named.map_or("", |named| named.family))?;
        let attributes = PyList::empty(py);
        for attribute in &protocol.attributes {
            let a = PyDict::new(py);
            a.set_item("id", attribute.id)?;
            a.set_item("name", attribute.field.name)?;
            a.set_item("aliases", attribute.field.aliases)?;
            a.set_item("type", attribute.field.ty.name())?;
            a.set_item("scope", attribute.field.scope.name())?;
            a.set_item("doc", attribute.field.doc)?;
            a.set_item(
                "source",
                match attribute.source {
                    Source::Header(..) => "header",
                    Source::Message(_) => "message",
                    Source::Transaction(_) => "transaction",
                    Source::Scene(_) | Source::Overview(_) | Source::Census(_) => "engine",
                },
            )?;
            attributes.append(a)?;
        }
        one.set_item("attributes", attributes)?;
        let anomalies = PyDict::new(py);
        for anomaly in protocol.info.map_or(&[][..], |info| info.anomalies) {
            anomalies.set_item(anomaly.name, anomaly.doc)?;
        }
        one.set_item("anomalies", anomalies)?;
        list.append(one)?;
    }
    Ok(list)
}

/// Every application of the built-in table, extended by `files` (name and text each).
#[pyfunction]
#[pyo3(signature = (files=None))]
pub(crate) fn applications(
    py: Python<'_>,
    files: Option<Vec<(String, String)>>,
) -> PyResult<Bound<'_, PyList>> {
    let files = files.unwrap_or_default();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let apps = Apps::with_files(&files)
        .map_err(|e| convert::config_error(nf_core::plan::ConfigError::of_applications(&e)))?;
    let list = PyList::empty(py);
    for (_, app) in apps.iter() {
        let one = PyDict::new(py);
        one.set_item("id", app.id.0)?;
        one.set_item("name", &*app.name)?;
        one.set_item("category", app.category.name())?;
        one.set_item("ambiguous", app.ambiguous)?;
        one.set_item("aliases", texts(&app.aliases))?;
        one.set_item("suffixes", texts(&app.suffixes))?;
        one.set_item("hosts", texts(&app.hosts))?;
        one.set_item("shared", texts(&app.shared))?;
        let clues: Vec<(&str, &str)> =
            app.clues.iter().map(|(kind, text)| (kind.key(), &**text)).collect();
        one.set_item("clues", clues)?;
        list.append(one)?;
    }
    Ok(list)
}

/// Name, type and meaning of every field of a session.
#[pyfunction]
pub(crate) fn session_fields() -> Vec<(&'static str, &'static str, &'static str)> {
    SESSION_FIELDS.iter().map(|f| (f.name, f.ty.name(), f.doc)).collect()
}

/// Every word a filter may use, with the name of its type.
#[pyfunction]
pub(crate) fn filter_words() -> Vec<(String, &'static str)> {
    names::words().into_iter().map(|(word, ty)| (word, ty.name())).collect()
}

/// Raises ConfigurationError, pointing at the place, when `text` is no filter.
#[pyfunction]
pub(crate) fn check_filter(text: &str) -> PyResult<()> {
    let config = EngineConfig { filter: text.into(), ..EngineConfig::default() };
    Snapshot::compile(&config).map(drop).map_err(convert::config_error)
}

fn texts(words: &[Box<str>]) -> Vec<&str> {
    words.iter().map(|word| &**word).collect()
}

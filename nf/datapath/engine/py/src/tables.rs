//! What exists: protocols, attributes, applications, words of filters.

use std::sync::Arc;

use nf_apps::Apps;
use nf_core::catalog::{Catalog, Source};
use nf_core::config::EngineConfig;
use nf_core::finish::{SESSION_FIELDS, names};
use nf_core::plan::ConfigError;
use nf_core::risk::Judge;
use nf_core::snapshot::Snapshot;
use nf_proto::user::{self, Description, Users};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert;

/// A protocol and what it said, as JSON text.
type Said = (String, String);

/// Path above the transport, and every header of it as JSON text with its protocol, of a session's
/// first packet: what the plugins given (JSON text) make of it.
#[pyfunction]
pub(crate) fn examine(
    plugins: &str,
    carrier: &str,
    port: u16,
    octets: &[u8],
) -> PyResult<(Vec<String>, Vec<Said>)> {
    let refused = |what: String| {
        convert::config_error(ConfigError {
            what,
            place: "tests".into(),
            hint: "tcp, udp, sctp or ip".into(),
        })
    };
    let examined = user::examine(users(plugins)?, carrier, port, octets).map_err(refused)?;
    Ok((examined.path, examined.said))
}

fn users(plugins: &str) -> PyResult<Users> {
    Users::compile(&descriptions(plugins)?).map_err(|e| convert::config_error(e.into()))
}

fn descriptions(plugins: &str) -> PyResult<Vec<Description>> {
    let defect = |e: serde_json::Error| {
        convert::config_error(ConfigError {
            what: format!("a plugin is not understood: {e}"),
            place: "plugins".into(),
            hint: "descriptions as nf.protocol makes them".into(),
        })
    };
    serde_json::from_str(plugins).map_err(defect)
}

/// The catalog of this build, and of the plugins given (JSON text, as in a configuration).
fn catalog(plugins: Option<&str>) -> PyResult<Arc<Catalog>> {
    let Some(text) = plugins else { return Ok(Arc::clone(Catalog::get())) };
    Ok(Catalog::with_users(&users(text)?))
}

/// Every protocol with its attributes; also those of plugins, if given (JSON text).
#[pyfunction]
#[pyo3(signature = (plugins=None))]
pub(crate) fn protocols<'py>(
    py: Python<'py>,
    plugins: Option<&str>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for protocol in catalog(plugins)?.protocols() {
        let one = PyDict::new(py);
        one.set_item("id", user::public(protocol.id))?;
        one.set_item("name", protocol.name)?;
        one.set_item("aliases", protocol.aliases)?;
        one.set_item("title", protocol.title)?;
        one.set_item("spec", protocol.spec)?;
        one.set_item("parser", protocol.info.is_some() || protocol.plugin)?;
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
        let known = match protocol.plugin {
            true => user::ANOMALIES,
            false => protocol.info.map_or(&[][..], |info| info.anomalies),
        };
        for anomaly in known {
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

/// Every risk that sessions are judged by, with those of `files` (name and text each); words of
/// plugins (JSON text) may be used.
#[pyfunction]
#[pyo3(signature = (files=None, plugins=None))]
pub(crate) fn risks<'py>(
    py: Python<'py>,
    files: Option<Vec<(String, String)>>,
    plugins: Option<&str>,
) -> PyResult<Bound<'py, PyList>> {
    let files = files.unwrap_or_default();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let refused = |e: nf_core::risk::Mistake| convert::config_error(e.into());
    Judge::compile(&files, &*catalog(plugins)?).map_err(refused)?;
    let list = PyList::empty(py);
    for rule in nf_core::risk::with_files(&files).map_err(refused)? {
        let one = PyDict::new(py);
        one.set_item("name", rule.name.text)?;
        one.set_item("title", rule.title)?;
        one.set_item("severity", rule.severity.name())?;
        one.set_item("rule", rule.rule)?;
        let when: Vec<&str> = rule.when.iter().map(|said| said.text).collect();
        one.set_item("when", when)?;
        list.append(one)?;
    }
    Ok(list)
}

/// Name, type and meaning of every field of a session.
#[pyfunction]
pub(crate) fn session_fields() -> Vec<(&'static str, &'static str, &'static str)> {
    SESSION_FIELDS.iter().map(|f| (f.name, f.ty.name(), f.doc)).collect()
}

/// Every word a filter may use, with the name of its type; also those of plugins (JSON text).
#[pyfunction]
#[pyo3(signature = (plugins=None))]
pub(crate) fn filter_words(plugins: Option<&str>) -> PyResult<Vec<(String, &'static str)>> {
    let words = names::words(&*catalog(plugins)?);
    Ok(words.into_iter().map(|(word, ty)| (word, ty.name())).collect())
}

/// Raises ConfigurationError, pointing at the place, when `text` is no filter; its words may be
/// those of plugins (JSON text).
#[pyfunction]
#[pyo3(signature = (text, plugins=None))]
pub(crate) fn check_filter(text: &str, plugins: Option<&str>) -> PyResult<()> {
    let plugins = plugins.map(descriptions).transpose()?.unwrap_or_default();
    let config = EngineConfig { filter: text.into(), plugins, ..EngineConfig::default() };
    Snapshot::compile(&config).map(drop).map_err(convert::config_error)
}

fn texts(words: &[Box<str>]) -> Vec<&str> {
    words.iter().map(|word| &**word).collect()
}

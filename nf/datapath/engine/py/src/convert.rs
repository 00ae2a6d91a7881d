//! Values of the engine as Python objects, and its errors as Python's.

use nf_capture::ErrorKind;
use nf_core::engine::EngineError;
use nf_core::format::readable;
use nf_core::plan::ConfigError;
use nf_fields::{Fields, Mac, Value};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

mod errors {
    pyo3::import_exception!(nf.errors, CaptureError);
    pyo3::import_exception!(nf.errors, ConfigurationError);
    pyo3::import_exception!(nf.errors, EngineError);
}

/// Deepest nesting of lists and records converted.
const MAX_DEPTH: u8 = 8;

/// A value as a Python object: text with stray octets as `\xNN`, octets as hexadecimal text,
/// addresses as text, times as seconds.
pub(crate) fn value<'py>(
    py: Python<'py>,
    value: Value<'_>,
    depth: u8,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Bool(v) => v.into_bound_py_any(py),
        Value::Uint(v) => v.into_bound_py_any(py),
        Value::Int(v) => v.into_bound_py_any(py),
        Value::Float(v) => v.into_bound_py_any(py),
        Value::Text(v) => readable(v).into_bound_py_any(py),
        Value::Binary(v) => hex(v).into_bound_py_any(py),
        Value::Mac(v) => Mac(v).to_string().into_bound_py_any(py),
        Value::Ip(v) => v.to_string().into_bound_py_any(py),
        Value::Time(v) => seconds(v).into_bound_py_any(py),
        Value::List(items) if depth < MAX_DEPTH => {
            let list = PyList::empty(py);
            for n in 0..items.len() {
                list.append(self::value(py, items.item(n), depth + 1)?)?;
            }
            list.into_bound_py_any(py)
        }
        Value::Record(fields) if depth < MAX_DEPTH => {
            record(py, fields, depth + 1)?.into_bound_py_any(py)
        }
        Value::None | Value::List(_) | Value::Record(_) => Ok(py.None().into_bound(py)),
    }
}

/// Nanoseconds as seconds, rounded once: the float that reading the decimal digits gives.
fn seconds(nanoseconds: u64) -> f64 {
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    // Both operands are exact, so that only the division rounds.
    if nanoseconds.is_multiple_of(1000) && nanoseconds / 1000 < EXACT {
        return (nanoseconds / 1000) as f64 / 1e6;
    }
    let (whole, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    // Digits always read as a number.
    format!("{whole}.{fraction:09}").parse().unwrap_or_default()
}

/// A record as a dictionary; absent fields are left out.
pub(crate) fn record<'py>(
    py: Python<'py>,
    fields: &dyn Fields,
    depth: u8,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (position, field) in fields.field_list().iter().enumerate() {
        let found = fields.get(position);
        if !found.is_none() {
            dict.set_item(field.name, value(py, found, depth)?)?;
        }
    }
    Ok(dict)
}

/// JSON text as a Python object.
pub(crate) fn json<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|b| format!("{b:02x}")).collect()
}

/// The three parts of a user's error: what, where, what to try.
pub(crate) fn config_error(error: ConfigError) -> PyErr {
    // The text of a mistake in a filter ends with the hint, which has a place of its own here.
    let hint = format!("\ntry: {}", error.hint);
    let what = error.what.strip_suffix(&hint).unwrap_or(&error.what).to_string();
    errors::ConfigurationError::new_err((what, error.place, error.hint))
}

pub(crate) fn engine_error(error: EngineError) -> PyErr {
    match error {
        EngineError::Config(e) => config_error(e),
        // What was asked for is wrong, not what is read.
        EngineError::Capture(e) if matches!(e.kind, ErrorKind::Options | ErrorKind::Filter) => {
            errors::ConfigurationError::new_err((e.what, e.place, e.hint))
        }
        EngineError::Capture(e) => errors::CaptureError::new_err((e.what, e.place, e.hint)),
        EngineError::Thread(what) => {
            errors::EngineError::new_err((what, "engine", "run again with --debug and report it"))
        }
    }
}
